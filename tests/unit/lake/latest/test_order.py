"""Which event of a key counts."""

import itertools
from datetime import UTC, datetime, timedelta

import polars as pl
import pyarrow as pa
import pytest

from headrace.lake.latest.order import ROW, Naming, marked, ranked, taken_back, winners
from headrace.lake.schema import INSTANT

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NAMING = Naming(("name",), "at")
RANKS = list(itertools.product((0, 1), (None, 0, 1), (0, 1), (0, 1)))
"""Event time, Kafka timestamp, partition, offset: rising."""


def rows(*events: tuple[int, int | None, int, int], name: str = "a") -> pa.Table:
    def instant(seconds: int | None) -> datetime | None:
        return None if seconds is None else NOON + timedelta(seconds=seconds)

    columns = [pa.array([event[place] for event in events]) for place in (2, 3)]
    return pa.table(
        {
            "name": [name] * len(events),
            "at": pa.array([instant(event[0]) for event in events], INSTANT),
            "_kafka_timestamp": pa.array([instant(event[1]) for event in events], INSTANT),
            "_partition": columns[0].cast(pa.int32()),
            "_offset": columns[1].cast(pa.int64()),
        }
    )


def winner(*events: tuple[int, int | None, int, int]) -> int:
    found = winners(ranked(rows(*events), NAMING), NAMING.key)
    assert len(found) == 1
    return int(found[ROW][0])


def test_time_then_timestamp_then_partition_then_offset_decide() -> None:
    for low, high in itertools.combinations(RANKS, 2):
        assert (winner(low, high), winner(high, low)) == (1, 0)


def test_each_key_has_a_winner_of_its_own() -> None:
    both = pa.concat_tables([rows((0, 0, 0, 0), (1, 0, 0, 1)), rows((0, 0, 0, 2), name="b")])
    assert winners(ranked(both, NAMING), NAMING.key)[ROW].to_list() == [1, 2]


@pytest.mark.parametrize(
    ("event", "gone"),
    [((9, 9, 0, 4), True), ((0, 0, 0, 6), False), ((9, 5, 1, 9), True), ((9, 6, 1, 0), False), ((9, None, 1, 0), True)],
)
def test_a_tombstone_takes_back_what_came_before_it(event: tuple[int, int | None, int, int], gone: bool) -> None:
    """In its partition by the offset, in others by Kafka's timestamp."""
    tombstone = marked(rows((0, 5, 0, 5)).drop_columns(["at"]), NAMING.key)
    taken = taken_back(ranked(rows(event), NAMING), tombstone, NAMING.key)
    assert taken.to_list() == ([0] if gone else [])
    assert taken_back(ranked(rows(event, event), NAMING), tombstone.clear(), NAMING.key).dtype == pl.UInt32
