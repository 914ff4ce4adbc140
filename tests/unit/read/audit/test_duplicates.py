"""Duplicates are counted exactly, in however many shares the keys are looked through."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.read.audit.data_quality.duplicates import find_copies
from headrace.read.audit.data_quality.report import Scope

START = datetime(2026, 3, 2, tzinfo=UTC)
EVENTS = st.lists(st.tuples(st.sampled_from(["a", "b", "c", None]), st.integers(0, 2), st.integers(0, 71)), max_size=40)


@settings(max_examples=40)
@given(events=EVENTS, at_once=st.integers(1, 50), since=st.none() | st.integers(0, 71))
def test_rows_of_events_that_landed_before_are_counted(
    events: list[tuple[str | None, int, int]], at_once: int, since: int | None
) -> None:
    rows = pl.DataFrame(
        {
            "name": pl.Series([name for name, _, _ in events], dtype=pl.String),
            "part": pl.Series([part for _, part, _ in events], dtype=pl.Int64),
            "_ingested_at": pl.Series(
                [START + timedelta(hours=hour) for _, _, hour in events], dtype=pl.Datetime("us", "UTC")
            ),
            "_partition": pl.Series([0] * len(events), dtype=pl.Int32),
            "_offset": pl.Series(range(len(events)), dtype=pl.Int64),
        }
    )
    scope = Scope(since=None if since is None else START + timedelta(hours=since))
    landed = [hour for _, _, hour in events if since is None or hour >= since]
    ordered = sorted(enumerate(events), key=lambda each: (each[1][2], each[0]))
    seen, again = set(), Counter[datetime]()
    keys = set()
    for _, (name, part, hour) in ordered:
        if (name, part) in seen and (since is None or hour >= since):
            again[START + timedelta(days=hour // 24)] += 1
            keys.add((name, part))
        seen.add((name, part))

    found = find_copies(rows.lazy(), ["name", "part"], scope, count=len(landed), at_once=at_once)

    assert (found.told.keys, found.told.rows) == (len(keys), again.total())
    assert found.rows == again
    assert {(each.key["name"], each.key["part"]) for each in found.told.examples} <= keys
    assert len(found.told.examples) == min(10, len(keys))
