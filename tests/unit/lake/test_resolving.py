"""Snapshots of real tables, as of what is asked."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from headrace.errors import AsOfError, ConfigError
from headrace.lake import AsOf, KafkaPosition, Lake
from headrace.lake.datafile import write_files
from headrace.lake.log import commit_path
from headrace.lake.rewrite import Exchange, replace_files
from headrace.testing.numbers import LAYOUT, NumbersTable, number_rows
from tests.unit.lake.landing import land

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def table(tmp_path: Path) -> NumbersTable:
    return NumbersTable.create(str(tmp_path), {0: 0, 1: 0})


def date(table: NumbersTable, *made: datetime) -> None:
    """What the clocks of the writers said at each version, from version 0 on."""
    for version, moment in enumerate(made):
        path = commit_path("numbers", version)
        actions = [json.loads(line) for line in table.store.read(path).splitlines()]
        for action in actions:
            if "commitInfo" in action:
                action["commitInfo"]["timestamp"] = int(moment.timestamp() * 1000)
        table.store.put(path, "".join(f"{json.dumps(action)}\n" for action in actions).encode())


def lake(table: NumbersTable) -> Lake:
    return Lake(table.store.root)


def offsets(table: NumbersTable, as_of: AsOf) -> list[tuple[int, int]]:
    frame = lake(table).read("numbers", as_of=as_of, columns=["_partition", "_offset"]).collect()
    return sorted(frame.iter_rows())


def test_a_version_is_read_as_it_was_and_none_is_the_newest(table: NumbersTable) -> None:
    land(table, 0, 0, 3)
    land(table, 1, 0, 2)

    assert offsets(table, 0) == []
    assert offsets(table, 1) == [(0, 0), (0, 1), (0, 2)]
    assert offsets(table, None) == offsets(table, 2) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]


def test_a_snapshot_tells_its_version_its_time_and_its_positions(table: NumbersTable) -> None:
    land(table, 0, 0, 3)
    land(table, 1, 0, 2)
    date(table, NOON, NOON + HOUR, NOON + 2 * HOUR)

    found = lake(table).snapshot("numbers", 1)

    assert (found.table, found.version, found.committed_at) == ("numbers", 1, NOON + HOUR)
    assert found.positions == {0: 3, 1: 0}
    assert [file.rows for file in found.files()] == [3]


def test_a_snapshot_stays_as_it_is_whatever_comes_later(table: NumbersTable) -> None:
    land(table, 0, 0, 3)
    found = lake(table).snapshot("numbers")
    frame = found.frame()
    land(table, 0, 3, 5)

    assert frame.select(pl.len()).collect().item() == 3
    assert (found.frame().collect().height, found.version, found.positions[0]) == (3, 1, 3)


def test_rows_and_columns_are_chosen_before_files_are_read(table: NumbersTable) -> None:
    land(table, 0, 0, 3)
    first, *_ = lake(table).snapshot("numbers").files()
    land(table, 0, 3, 5)
    table.store.delete(f"numbers/{first.path}")

    found = lake(table).read("numbers", where=pl.col("_offset") >= 3, columns=["name"]).collect()

    assert found.to_dict(as_series=False) == {"name": ["n3", "n4"]}


def test_a_commit_time_is_told_by_the_commits_and_survives_a_copy(table: NumbersTable) -> None:
    land(table, 0, 0, 3)
    land(table, 0, 3, 5)
    date(table, NOON, NOON + HOUR, NOON + 2 * HOUR)

    for moment, version in [(0, 0), (0.99, 0), (1, 1), (1.99, 1), (2, 2), (500, 2)]:
        assert lake(table).snapshot("numbers", NOON + moment * HOUR).version == version


def test_a_version_does_not_stand_before_all_that_it_rests_on_was_committed(table: NumbersTable) -> None:
    for start in range(3):
        land(table, 0, start, start + 1)
    minute = timedelta(minutes=1)
    date(table, NOON, NOON + 3 * minute, NOON + 1 * minute, NOON + 4 * minute)

    assert lake(table).snapshot("numbers", NOON + 2 * minute).version == 0
    assert lake(table).snapshot("numbers", NOON + 3 * minute).version == 2


def test_a_time_before_the_table_or_after_now_is_refused(table: NumbersTable) -> None:
    date(table, NOON)

    with pytest.raises(AsOfError, match=r"numbers did not exist at 2026-03-02 11:00:00\+00:00: its version 0 was made"):
        lake(table).snapshot("numbers", NOON - HOUR)
    with pytest.raises(AsOfError, match="cannot be told: it is "):
        lake(table).snapshot("numbers", datetime.now(UTC) + HOUR)


@pytest.mark.parametrize("version", [-1, 1])
def test_a_version_that_was_never_made_is_refused(table: NumbersTable, version: int) -> None:
    with pytest.raises(AsOfError, match=f"numbers has no version {version}: the newest is 0"):
        lake(table).snapshot("numbers", version)


def test_what_is_no_table_or_no_moment_is_refused(table: NumbersTable) -> None:
    with pytest.raises(ConfigError, match=r"no table nombers under .*: the tables there are: numbers$"):
        lake(table).snapshot("nombers")
    with pytest.raises(ConfigError, match="a KafkaPosition or an EventTime, not of '1'"):
        lake(table).snapshot("numbers", "1")  # type: ignore[arg-type]  # as untyped callers do


def test_a_version_of_which_a_file_is_gone_is_refused_with_the_oldest_that_is_left(table: NumbersTable) -> None:
    land(table, 0, 0, 3)
    land(table, 0, 3, 5)
    date(table, NOON, NOON + HOUR, NOON + 2 * HOUR)
    (file,) = lake(table).snapshot("numbers", 1).files()
    exchange(table, file.path)
    table.store.delete(f"numbers/{file.path}")

    with pytest.raises(AsOfError, match=f"version 1 of numbers can no longer be read: {file.path} is gone") as refused:
        lake(table).snapshot("numbers", 1)
    assert "is version 0, of 2026-03-02 12:00:00 UTC: the log is kept for 30 days (delta.log" in str(refused.value)
    assert str(refused.value).endswith("left the table for 7 days (delta.deletedFileRetentionDuration)")
    assert offsets(table, 3) == offsets(table, None)


def exchange(table: NumbersTable, path: str) -> None:
    """Rewrites one file, as maintenance does."""
    rows = pa.Table.from_batches([number_rows(0, range(3))])
    files = write_files(table.store, LAYOUT, rows)
    note = {"kind": "compact", "batch": "x"}
    replace_files(table.store, "numbers", Exchange([path], files, note, changes=False))


def test_a_part_of_the_log_that_is_gone_is_refused_with_the_oldest_that_is_left(table: NumbersTable) -> None:
    for start in range(4):
        land(table, 0, start, start + 1)
    date(table, *(NOON + n * HOUR for n in range(5)))
    log = table.main()
    log.checkpoint()
    for version in range(4):
        table.store.delete(commit_path("numbers", version))

    for as_of in (2, NOON + 2.5 * HOUR):
        with pytest.raises(
            AsOfError, match=r"its part of the log is gone\. The oldest that can be read is version 4, of 2"
        ):
            lake(table).snapshot("numbers", as_of)
    assert lake(table).snapshot("numbers", NOON + 4 * HOUR).version == 4


def test_a_position_is_read_as_soon_as_the_table_stood_there(table: NumbersTable) -> None:
    land(table, 0, 0, 3)
    land(table, 1, 0, 2)
    land(table, 0, 3, 5)
    land(table, 1, 2, 4)

    found = lake(table).snapshot("numbers", KafkaPosition(0, 3))
    assert (found.version, found.positions) == (1, {0: 3, 1: 0})
    assert lake(table).snapshot("numbers", KafkaPosition(1, 2)).version == 2
    assert lake(table).snapshot("numbers", KafkaPosition(0, 5)).version == 3
    assert lake(table).snapshot("numbers", KafkaPosition(0, 0)).version == 0


def test_a_position_within_a_flush_is_that_flush_without_the_records_from_there_on(table: NumbersTable) -> None:
    land(table, 1, 0, 2)
    land(table, 0, 0, 5)

    assert offsets(table, KafkaPosition(0, 3)) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]
    assert lake(table).snapshot("numbers", KafkaPosition(0, 3)).positions == {0: 3, 1: 2}


def test_positions_that_the_table_never_stood_at_are_refused(tmp_path: Path) -> None:
    table = NumbersTable.create(str(tmp_path), {0: 7, 1: 0})
    land(table, 0, 7, 9)

    for position, said in [
        (KafkaPosition(0, 10), "partition 0 of numbers began at 7 and stands at 9: it has not reached 10"),
        (KafkaPosition(0, 6), "partition 0 of numbers began at 7 and stands at 9: it never was at 6"),
        (KafkaPosition(5, 1), "records no position of partition 5; the partitions it has are 0, 1"),
    ]:
        with pytest.raises(AsOfError, match=said):
            lake(table).snapshot("numbers", position)
    assert lake(table).snapshot("numbers", KafkaPosition(0, 7)).version == 0


def test_a_position_that_was_reached_before_the_log_begins_is_refused(table: NumbersTable) -> None:
    land(table, 0, 0, 3)
    land(table, 1, 0, 2)
    land(table, 0, 3, 5)
    table.main().checkpoint()
    for version in range(3):
        table.store.delete(commit_path("numbers", version))

    for asked in (KafkaPosition(0, 2), KafkaPosition(0, 3), KafkaPosition(1, 2), KafkaPosition(1, 0)):
        with pytest.raises(
            AsOfError, match=r"can no longer be read: its part of the log is gone\. The oldest that can"
        ):
            lake(table).snapshot("numbers", asked)
    assert offsets(table, KafkaPosition(0, 4)) == [(0, n) for n in range(4)] + [(1, 0), (1, 1)]
