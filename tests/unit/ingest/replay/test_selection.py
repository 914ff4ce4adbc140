from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from headrace.contracts import RejectReason
from headrace.lake.quarantine import quarantine_rows, resolved
from headrace.offsets import OffsetRange
from headrace.testing.numbers import number_reject
from headrace_ingest.replay import selection
from headrace_ingest.replay.selection import Group, Selection, grouped, parse_places

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)


def rows(*places: tuple[int, int], at: datetime = AT) -> pa.Table:
    records = [number_reject(partition, offset) for partition, offset in places]
    return quarantine_rows(records, contract="numbers", contract_version=1, headrace_version="0.1.0", at=at)


def test_all_that_is_unresolved_is_selected_unless_told_otherwise() -> None:
    found = resolved(rows((0, 1), (0, 2), (1, 1)), [None, 4, None], AT)

    assert Selection().chosen(found) == [0, 2]
    assert Selection(RejectReason.NOT_JSON).chosen(found) == [0, 2]
    assert Selection(RejectReason.OVERSIZE).chosen(found) == []
    assert Selection(since=AT).chosen(found) == [0, 2]
    assert Selection(since=AT + timedelta(microseconds=1)).chosen(found) == []
    assert Selection(offsets={0: [OffsetRange(1, 3)]}).chosen(found) == [0]
    assert Selection(offsets={2: [OffsetRange(0, 9)]}).chosen(found) == []
    assert Selection(RejectReason.NOT_JSON, AT, {1: [OffsetRange(0, 1), OffsetRange(1, 2)]}).chosen(found) == [2]


@pytest.mark.parametrize(
    ("texts", "places"),
    [
        (["3:1042"], {3: [OffsetRange(1042, 1043)]}),
        (["3:0-0", "3:7-9, 4:1"], {3: [OffsetRange(0, 1), OffsetRange(7, 10)], 4: [OffsetRange(1, 2)]}),
    ],
)
def test_places_are_ranges_with_both_ends(texts: list[str], places: dict[int, list[OffsetRange]]) -> None:
    assert parse_places(texts) == places


@pytest.mark.parametrize(
    "text", ["", "3", "3:", ":7", "3:9-7", "a:1", "3:-1", "3:1-", "3:1,", "٣:1", "3:9999999999999999999"]
)
def test_anything_else_names_no_offsets(text: str) -> None:
    with pytest.raises(ValueError, match="names no offsets: write PARTITION:OFFSET or PARTITION:FIRST-LAST"):
        parse_places([text])


def test_only_what_the_position_has_passed_may_be_replayed() -> None:
    group = Group(("a",), rows((0, 1), (0, 2), (1, 1), (2, 1)), (0, 1, 2, 3))

    assert group.below({0: 2, 1: 2}) == [0, 2]


def test_small_files_are_settled_together_and_full_ones_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "GROUP_RECORDS", 3)
    files = [
        Group(("a",), rows((0, 1), (0, 2)), (1,)),
        Group(("b",), rows((0, 3)), (0,)),
        Group(("c",), rows((0, 4), (0, 5), (0, 6)), (0, 2)),
        Group(("d",), rows((0, 7)), (0,)),
    ]

    groups = list(grouped(files))

    assert [group.paths for group in groups] == [("a", "b", "c"), ("d",)]
    assert [groups[0].places[row] for row in groups[0].chosen] == [(0, 2), (0, 3), (0, 4), (0, 6)]
    assert list(grouped([])) == []


def test_large_files_are_settled_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [Group((name,), rows((0, 1)), (0,)) for name in "ab"]
    monkeypatch.setattr(selection, "GROUP_BYTES", files[0].rows.nbytes)

    assert [group.paths for group in grouped(files)] == [("a",), ("b",)]
