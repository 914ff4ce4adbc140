"""Flushes that do not end as they began: failures whose outcome nobody knows, and rivals."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake import DeltaTable

from headrace.errors import CommitTimeoutError, StoreError
from headrace.lake.log import commit_path, note_of
from headrace.offsets import OffsetRange
from headrace.testing.disk import UnsurelyDurableStore, file_size_limit, fsync_witness
from headrace.testing.manual_clock import ManualClock
from headrace.testing.numbers import SOURCE, NumbersTable
from headrace.testing.race import race
from headrace_ingest.batch import Batch, Span
from headrace_ingest.writer import worker_name
from tests.unit.ingest.flushing import data_files, make_batch, make_rivalled_batch, make_writer


@pytest.fixture
def table(tmp_path: Path) -> NumbersTable:
    return NumbersTable.create(str(tmp_path), {0: 0, 1: 0})


def _touch_metadata(table: NumbersTable) -> Callable[[], None]:
    """A commit that conflicts with every append and takes no position away."""
    return lambda: DeltaTable(table.store.uri("numbers")).alter.set_table_properties({"delta.appendOnly": "false"})


LANDED = commit_path("numbers", 1)
QUARANTINED = commit_path("numbers__quarantine", 2)  # after the claim


@pytest.mark.parametrize("path", [LANDED, QUARANTINED, "numbers/date=2026-01-01"])
def test_exception_after_a_durable_write_doubles_and_loses_nothing(
    tmp_path: Path, table: NumbersTable, path: str
) -> None:
    epochs = table.claim([0, 1])
    store = UnsurelyDurableStore(str(tmp_path), lambda synced: synced.startswith(path))
    writer, batch = make_writer(store), make_batch({0: (0, 4), 1: (0, 3)}, {0: [2], 1: [0]})
    if path == LANDED:
        flushed = writer.write(batch, epochs)
        assert (flushed.positions, flushed.dropped, flushed.version) == ({0: 4, 1: 3}, {}, 1)
        assert sum(file.rows for file in flushed.files) == 5
    else:
        with pytest.raises(StoreError, match="Input/output error"):
            writer.write(batch, epochs)
        assert writer.write(batch, epochs).positions == {0: 4, 1: 3}
    assert store.failed is not None
    assert table.landed() == [(0, 0), (0, 1), (0, 3), (1, 1), (1, 2)]
    assert table.quarantined() == [(0, 2), (1, 0)]


def test_landed_commit_is_fsynced_before_it_is_reported(tmp_path: Path, table: NumbersTable) -> None:
    store = UnsurelyDurableStore(str(tmp_path), lambda path: path == LANDED)
    writer, epochs = make_writer(store), table.claim([0])
    with fsync_witness() as synced:
        writer.write(make_batch({0: (0, 4)}), epochs)
    assert store.failed == LANDED
    assert tmp_path / store.failed in synced


def test_writer_goes_on_after_an_unknown_outcome(tmp_path: Path, table: NumbersTable) -> None:
    store = UnsurelyDurableStore(str(tmp_path), lambda path: path == LANDED)
    writer, epochs = make_writer(store), table.claim([0])
    for start in range(0, 20, 5):
        writer.write(make_batch({0: (start, start + 5)}), epochs)
    assert table.landed() == [(0, offset) for offset in range(20)]


def test_own_commit_is_found_behind_commits_of_others(table: NumbersTable) -> None:
    batch = make_rivalled_batch({0: (0, 4)}, {})
    epochs = table.claim([0])

    def land_and_go_on() -> None:
        note = Batch.note(batch, worker_name(), "0.1.0", {})
        other = table.main()
        other.commit([], {SOURCE.app_id(0): 4}, note)
        other.commit([], {SOURCE.app_id(1): 9}, {"batch": "of another worker"})

    batch.rival = land_and_go_on
    flushed = make_writer(table.store).write(batch, epochs)
    assert (flushed.positions, flushed.version, table.position(0)) == ({0: 4}, 1, 4)


def test_commit_that_does_not_fit_on_the_disk_is_not_there(tmp_path: Path) -> None:
    far = 10**15
    table = NumbersTable.create(str(tmp_path), {0: 0, 1: far, 2: far, 3: far})
    batch = make_batch({0: (0, 4)}, {0: [2]})
    for partition in (1, 2, 3):
        holes = Span(far, far)
        for offset in range(far, far + 100):
            holes.skip(OffsetRange(offset, offset + 1))
            holes.extend(offset + 1)
        batch.account({partition: holes}, 0.0)
    writer, epochs = make_writer(table.store), table.claim(range(4))
    with file_size_limit(10_000), pytest.raises(StoreError, match=r"committing to numbers failed: .*os error 27"):
        writer.write(batch, epochs)
    assert (table.main().version, table.landed(), table.quarantined()) == (0, [], [(0, 2)])
    assert writer.write(batch, epochs).positions == {0: 4} | dict.fromkeys((1, 2, 3), far + 100)
    assert (table.landed(), table.quarantined()) == ([(0, 0), (0, 1), (0, 3)], [(0, 2)])
    assert (tmp_path / commit_path("numbers", 1)).stat().st_size > 10_000


def test_data_file_that_does_not_fit_on_the_disk_stops_the_flush(tmp_path: Path, table: NumbersTable) -> None:
    batch, epochs = make_batch({0: (0, 10_000)}, {0: [5]}), table.claim([0])
    with file_size_limit(10_000), pytest.raises(StoreError, match=r"writing .*os error 27"):
        make_writer(table.store).write(batch, epochs)
    assert (data_files(tmp_path), table.main().version, table.quarantined()) == ([], 0, [])


def test_conflict_that_takes_nothing_away_is_repeated_and_rejects_are_quarantined_once(table: NumbersTable) -> None:
    batch = make_rivalled_batch({0: (0, 4)}, {0: [2]}, rival=_touch_metadata(table))
    flushed = make_writer(table.store).write(batch, table.claim([0]))
    assert (flushed.positions, flushed.attempts) == ({0: 4}, 2)
    assert table.landed() == [(0, 0), (0, 1), (0, 3)]
    assert table.quarantined() == [(0, 2)]
    note = note_of(table.store, "numbers", table.main().version)
    assert note["partitions"]["0"]["rejects"] == 1


def test_partition_moved_by_another_is_dropped_and_the_others_land(table: NumbersTable) -> None:
    batch = make_rivalled_batch({0: (0, 4), 1: (0, 3)}, {1: [1]})
    batch.rival = lambda: table.main().commit([], {SOURCE.app_id(0): 2}, {"batch": "of another worker"})
    flushed = make_writer(table.store).write(batch, table.claim([0, 1]))
    assert (flushed.positions, flushed.dropped, flushed.version) == ({1: 3}, {0: 2}, 2)
    assert sum(file.rows for file in flushed.files) == 2
    assert (table.landed(), table.quarantined()) == ([(1, 0), (1, 2)], [(1, 1)])
    assert (table.position(0), table.position(1)) == (2, 3)


@pytest.mark.parametrize("moved_to", [2, 4, 9])
def test_position_moved_before_the_flush_drops_the_rows(table: NumbersTable, moved_to: int) -> None:
    writer, epochs = make_writer(table.store), table.claim([0])
    table.main().commit([], {SOURCE.app_id(0): moved_to}, {"batch": "of another worker"})
    flushed = writer.write(make_batch({0: (0, 4)}), epochs)
    assert (flushed.positions, flushed.dropped, flushed.version) == ({}, {0: moved_to}, None)
    assert (flushed.files, table.landed()) == ([], [])


def test_rows_behind_a_moved_position_stay_out_although_the_txn_would_be_accepted(table: NumbersTable) -> None:
    writer, epochs = make_writer(table.store), table.claim([0])
    writer.write(make_batch({0: (0, 4)}), epochs)
    assert writer.write(make_batch({0: (0, 4)}), epochs).dropped == {0: 4}
    assert table.landed() == [(0, offset) for offset in range(4)]


def test_rejects_of_an_earlier_owner_are_not_quarantined(table: NumbersTable) -> None:
    earlier = table.claim([0, 1])
    table.claim([0])
    flushed = make_writer(table.store).write(make_batch({0: (0, 4), 1: (0, 3)}, {0: [2], 1: [1]}), earlier)
    assert (flushed.positions, flushed.dropped) == ({1: 3}, {0: 0})
    assert (table.landed(), table.quarantined()) == ([(1, 0), (1, 2)], [(1, 1)])
    assert table.position(0) == 0


def test_flush_repeated_after_a_claim_does_not_quarantine_again(tmp_path: Path, table: NumbersTable) -> None:
    epochs = table.claim([0])
    store = UnsurelyDurableStore(str(tmp_path), lambda path: path == QUARANTINED)
    batch = make_batch({0: (0, 4)}, {0: [2]})
    writer = make_writer(store)
    with pytest.raises(StoreError):
        writer.write(batch, epochs)
    table.claim([0])
    assert writer.write(make_batch({0: (0, 4)}, {0: [2]}), epochs).dropped == {0: 0}
    assert table.quarantined() == [(0, 2)]


def test_rows_without_rejects_are_fenced_by_the_position_alone(table: NumbersTable) -> None:
    earlier = table.claim([0])
    table.claim([0])
    assert make_writer(table.store).write(make_batch({0: (0, 4)}), earlier).positions == {0: 4}


def test_conflicts_until_the_deadline_end_the_flush(table: NumbersTable) -> None:
    batch = make_rivalled_batch({0: (0, 4)}, {0: [2]}, rival=_touch_metadata(table), times=1_000)
    clock = ManualClock()
    with pytest.raises(CommitTimeoutError, match=r"committing to numbers lost .* times in 5 s; nothing was lost"):
        make_writer(table.store, clock).write(batch, table.claim([0]))
    assert clock.monotonic() >= 1_005.0
    assert (table.landed(), table.quarantined()) == ([], [(0, 2)])


def test_tables_that_cannot_be_read_after_a_failure_end_the_flush(tmp_path: Path, table: NumbersTable) -> None:
    def replace_by_a_file() -> None:
        shutil.rmtree(tmp_path / "numbers")
        (tmp_path / "numbers").write_text("")

    batch = make_rivalled_batch({0: (0, 4)}, {}, rival=replace_by_a_file)
    with pytest.raises(StoreError, match=r"opening .*numbers failed"):
        make_writer(table.store).write(batch, table.claim([0]))


def test_four_processes_write_one_partition_and_each_offset_lands_once(tmp_path: Path, table: NumbersTable) -> None:
    printed = race(Path(__file__).parent / "race_write.py", [[str(tmp_path), "100"]] * 4)
    durable = sorted(tuple(span) for line in printed for span in json.loads(line))
    assert durable == [(start, start + 5) for start in range(0, 100, 5)]
    assert table.landed() == [(0, offset) for offset in range(100)]
