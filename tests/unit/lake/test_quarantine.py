import dataclasses
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable

from headrace.errors import StoreError
from headrace.kafka.records import Envelope
from headrace.lake.datafile import write_files
from headrace.lake.quarantine import (
    QuarantinedRecord,
    count_rows,
    quarantine_layout,
    quarantine_rows,
    quarantined,
    records_of,
    resolved,
    unresolved,
)
from headrace.lake.schema import quarantine_schema
from headrace.testing.numbers import NumbersTable, number_reject

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def table(tmp_path: Path) -> NumbersTable:
    return NumbersTable.create(str(tmp_path), {0: 0, 1: 0})


def _quarantine(table: NumbersTable, records: Iterable[QuarantinedRecord]) -> None:
    rows = quarantine_rows(list(records), contract="numbers", contract_version=3, headrace_version="0.1.0", at=AT)
    table.quarantine().commit(write_files(table.store, quarantine_layout("numbers"), rows), {}, {"batch": "x"})


def test_record_comes_back_as_it_came(tmp_path: Path, table: NumbersTable) -> None:
    record = QuarantinedRecord(
        topic="numbers",
        partition=1,
        offset=17,
        timestamp_ms=1_767_225_600_123,
        key=b"\xff\x00",
        value=b"\x80 not text",
        headers=(("trace", b"\x01"), ("trace", None), ("", b"")),
        reason="invalid_utf8",
        detail="at byte 0",
    )
    _quarantine(table, [record])
    row = DeltaTable(tmp_path / "numbers__quarantine").to_pyarrow_table().to_pylist()[0]
    assert row == {
        "topic": "numbers",
        "_partition": 1,
        "_offset": 17,
        "_kafka_timestamp": datetime(2026, 1, 1, 0, 0, 0, 123_000, tzinfo=UTC),
        "key": b"\xff\x00",
        "value": b"\x80 not text",
        "headers": [{"key": "trace", "value": b"\x01"}, {"key": "trace", "value": None}, {"key": "", "value": b""}],
        "reason": "invalid_utf8",
        "detail": "at byte 0",
        "contract": "numbers",
        "contract_version": 3,
        "headrace_version": "0.1.0",
        "quarantined_at": AT,
        "resolved_at": None,
        "resolved_version": None,
        "resolution": None,
    }


def test_rows_are_the_records_that_they_were(table: NumbersTable) -> None:
    records = [
        dataclasses.replace(number_reject(0, 1), key=b"\xff", value=b"\x80", headers=(("a", b"\x01"), ("a", None))),
        dataclasses.replace(number_reject(1, 2), key=None, value=None, timestamp_ms=1_767_225_600_123),
        dataclasses.replace(number_reject(0, 3), timestamp_ms=-1),
        dataclasses.replace(number_reject(0, 4), timestamp_ms=2**63 - 1),
    ]
    _quarantine(table, records)
    (path,) = table.files("numbers__quarantine")

    found = records_of(quarantined(table.store, "numbers", path))

    assert (found.topic, found.partitions, found.offsets) == ("numbers", [0, 1, 0, 0], [1, 2, 3, 4])
    assert found.timestamps == [1_767_225_600_000, 1_767_225_600_123, -1, -1]
    assert found.values == [record.value for record in records]
    assert [found.envelope(n) for n in range(4)] == [Envelope(record.key, record.headers) for record in records]
    assert len(records_of(quarantined(table.store, "numbers", path).slice(0, 0))) == 0


def test_only_those_with_a_version_are_marked_and_nothing_else_changes(table: NumbersTable) -> None:
    _quarantine(table, [number_reject(0, offset) for offset in (3, 5, 8)])
    (path,) = table.files("numbers__quarantine")
    first = resolved(quarantined(table.store, "numbers", path), [None, 4, None], AT)
    second = resolved(first, [None, None, 9], AT + timedelta(hours=1))

    names = ["resolution", "resolved_version", "resolved_at"]
    assert [tuple(row.values()) for row in second.select(names).to_pylist()] == [
        (None, None, None),
        ("replayed", 4, AT),
        ("replayed", 9, AT + timedelta(hours=1)),
    ]
    assert second.schema == quarantine_schema()
    assert second.drop_columns(names) == quarantined(table.store, "numbers", path).drop_columns(names)


def test_nothing_stays_nothing_and_empty_stays_empty(tmp_path: Path, table: NumbersTable) -> None:
    bare = dataclasses.replace(number_reject(0, 1), key=None, value=None, timestamp_ms=-1)
    _quarantine(table, [bare, dataclasses.replace(number_reject(0, 2), key=b"", value=b"")])
    rows = DeltaTable(tmp_path / "numbers__quarantine").to_pyarrow_table().sort_by("_offset").to_pylist()
    assert [(row["key"], row["value"]) for row in rows] == [(None, None), (b"", b"")]
    assert rows[0]["_kafka_timestamp"] is None


@pytest.mark.parametrize("millis", [2**63 - 1, 253_402_300_800_000, -(2**63), -2])
def test_timestamp_that_is_no_instant_does_not_stop_the_quarantine(table: NumbersTable, millis: int) -> None:
    _quarantine(table, [dataclasses.replace(number_reject(0, 1), timestamp_ms=millis)])
    assert table.quarantined() == [(0, 1)]


def test_last_millisecond_of_the_calendar_is_an_instant(tmp_path: Path, table: NumbersTable) -> None:
    _quarantine(table, [dataclasses.replace(number_reject(0, 1), timestamp_ms=253_402_300_799_999)])
    row = DeltaTable(tmp_path / "numbers__quarantine").to_pyarrow_table().to_pylist()[0]
    assert row["_kafka_timestamp"] == datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)


def test_size_counts_everything_that_a_sender_chooses() -> None:
    small = number_reject(0, 1)
    for part in ({"key": b"x" * 1_000}, {"value": b"x" * 1_000}, {"headers": (("x" * 500, b"x" * 500),)}):
        assert 1_800 <= dataclasses.replace(small, **part).size - small.size <= 2_000
    assert dataclasses.replace(small, key=None, value=None, headers=(("k", None),)).size > 0


def test_rows_are_counted_by_the_log(table: NumbersTable) -> None:
    assert count_rows(table.store, "numbers__quarantine") == 0
    _quarantine(table, [number_reject(0, 1), number_reject(0, 2)])
    _quarantine(table, [number_reject(1, 1)])
    assert count_rows(table.store, "numbers__quarantine") == 3


def test_unresolved_offsets_are_those_at_or_after_the_position_of_their_partition(table: NumbersTable) -> None:
    _quarantine(table, [number_reject(0, offset) for offset in (3, 5, 9)] + [number_reject(1, 4)])
    _quarantine(table, [number_reject(0, 12)])
    assert unresolved(table.store, "numbers", {0: 5, 1: 5}) == {0: frozenset({5, 9, 12}), 1: frozenset()}
    assert unresolved(table.store, "numbers", {1: 0}) == {1: frozenset({4})}
    assert unresolved(table.store, "numbers", {2: 0}) == {2: frozenset()}
    assert unresolved(table.store, "numbers", {}) == {}


def test_empty_quarantine_has_nothing_unresolved(table: NumbersTable) -> None:
    assert unresolved(table.store, "numbers", {0: 0, 1: 7}) == {0: frozenset(), 1: frozenset()}


def test_resolved_records_are_not_unresolved(tmp_path: Path, table: NumbersTable) -> None:
    _quarantine(table, [number_reject(0, offset) for offset in (3, 5)])
    DeltaTable(tmp_path / "numbers__quarantine").update(predicate="_offset = 3", updates={"resolution": "'replayed'"})
    assert unresolved(table.store, "numbers", {0: 0}) == {0: frozenset({5})}


def test_files_that_end_before_the_position_are_not_read(tmp_path: Path, table: NumbersTable) -> None:
    _quarantine(table, [number_reject(0, 3)])
    for file in (tmp_path / "numbers__quarantine").glob("*.parquet"):
        file.unlink()
    _quarantine(table, [number_reject(0, 8)])
    assert unresolved(table.store, "numbers", {0: 4}) == {0: frozenset({8})}
    with pytest.raises((StoreError, FileNotFoundError)):
        unresolved(table.store, "numbers", {0: 3})


def test_unresolved_offsets_survive_a_checkpoint(tmp_path: Path, table: NumbersTable) -> None:
    _quarantine(table, [number_reject(0, 3), number_reject(0, 8)])
    table.quarantine().checkpoint()
    for version in range(2):
        (tmp_path / f"numbers__quarantine/_delta_log/{version:020d}.json").unlink()
    assert unresolved(table.store, "numbers", {0: 4}) == {0: frozenset({8})}
    assert count_rows(table.store, "numbers__quarantine") == 2


def test_missing_quarantine_is_not_an_empty_one(tmp_path: Path, table: NumbersTable) -> None:
    with pytest.raises(FileNotFoundError):
        unresolved(table.store, "other", {0: 0})
