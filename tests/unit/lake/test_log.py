from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from headrace.errors import StoreError, TableDamagedError, WrongTableError
from headrace.lake.datafile import write_files
from headrace.lake.log import DeltaLog, commit_path, note_of, open_table
from headrace.testing.disk import UnsurelyDurableStore, fsync_witness
from headrace.testing.numbers import LAYOUT, NumbersTable, number_rows


@pytest.fixture
def table(tmp_path: Path) -> NumbersTable:
    return NumbersTable.create(str(tmp_path), {0: 0, 1: 0})


def _rows(count: int) -> pa.Table:
    return pa.Table.from_batches([number_rows(0, range(count))])


def _note(batch: str) -> dict[str, object]:
    return {"kind": "ingest", "batch": batch}


def test_commit_carries_files_and_txns_together(table: NumbersTable) -> None:
    log = table.main()
    files = write_files(table.store, LAYOUT, _rows(3))
    assert log.commit(files, {"a": 3, "b": 7}, _note("x")) == 1
    assert (log.version, log.txn("a"), log.txn("b"), log.txn("c")) == (1, 3, 7, None)
    assert table.landed() == [(0, 0), (0, 1), (0, 2)]


def test_commit_without_files_carries_txns(table: NumbersTable) -> None:
    log = table.main()
    assert log.commit([], {"a": 3}, _note("x")) == 1
    assert (log.txn("a"), table.landed()) == (3, [])


def test_second_handle_with_the_same_app_id_is_refused(table: NumbersTable) -> None:
    first, second = table.main(), table.main()
    first.commit([], {"a": 5}, _note("first"))
    for version in (5, 4, 6):
        with pytest.raises(CommitFailedError):
            second.commit([], {"a": version}, _note("second"))
    assert table.main().version == 1


def test_files_of_a_refused_commit_are_not_in_the_table(table: NumbersTable) -> None:
    first, second = table.main(), table.main()
    first.commit([], {"a": 5}, _note("first"))
    with pytest.raises(CommitFailedError):
        second.commit(write_files(table.store, LAYOUT, _rows(3)), {"a": 5}, _note("second"))
    assert table.landed() == []


def test_one_shared_app_id_is_enough_to_be_refused(table: NumbersTable) -> None:
    first, second = table.main(), table.main()
    first.commit([], {"a": 5, "b": 5}, _note("first"))
    with pytest.raises(CommitFailedError):
        second.commit([], {"b": 6, "c": 6}, _note("second"))


def test_second_handle_with_another_app_id_is_accepted(table: NumbersTable) -> None:
    first, second = table.main(), table.main()
    assert first.commit([], {"a": 5}, _note("first")) == 1
    assert second.commit([], {"b": 5}, _note("second")) == 2
    assert (second.txn("a"), first.txn("b")) == (5, None)


def test_refresh_shows_the_txns_of_others(table: NumbersTable) -> None:
    first, second = table.main(), table.main()
    first.commit([], {"a": 5}, _note("first"))
    assert second.txn("a") is None
    second.refresh()
    assert (second.txn("a"), second.version) == (5, 1)


def test_handle_that_was_refused_may_commit_after_a_refresh(table: NumbersTable) -> None:
    first, second = table.main(), table.main()
    first.commit([], {"a": 5}, _note("first"))
    with pytest.raises(CommitFailedError):
        second.commit([], {"a": 6}, _note("second"))
    second.refresh()
    assert second.commit([], {"a": 6}, _note("second")) == 2


def test_version_is_the_own_one_although_others_committed_in_between(tmp_path: Path, table: NumbersTable) -> None:
    log, other = table.main(), table.main()
    other.commit([], {"b": 1}, _note("b1"))
    other.commit([], {"b": 2}, _note("b2"))
    assert log.commit([], {"a": 1}, _note("a1")) == 3
    assert note_of(table.store, "numbers", 3)["batch"] == "a1"
    assert log.version == 3


class _Overtaken(DeltaLog):
    """Another handle commits right after this one did, before this one looks at the result."""

    other: DeltaLog

    def refresh(self) -> None:
        self.other.refresh()
        self.other.commit([], {"b": self.other.version}, _note(f"b{self.other.version}"))
        super().refresh()


def test_version_is_the_own_one_although_another_commit_is_the_newest(table: NumbersTable) -> None:
    log = _Overtaken(table.store, "numbers")
    log.other = table.main()
    assert log.commit([], {"a": 1}, _note("a1")) == 1
    assert (log.version, note_of(table.store, "numbers", 2)["batch"]) == (2, "b1")
    assert log.commit([], {"a": 2}, _note("a2")) == 3


def test_commit_is_fsynced_and_what_it_rests_on_before_it(tmp_path: Path, table: NumbersTable) -> None:
    log, folder = table.main(), tmp_path / "numbers/_delta_log"
    commits = [tmp_path / commit_path("numbers", version) for version in range(5)]
    with fsync_witness() as synced:
        log.commit([], {"a": 1}, _note("x"))
        assert [path for path in synced if path in commits] == commits[:2]
        assert folder in synced[synced.index(commits[1]) :]
        synced.clear()
        log.commit([], {"a": 2}, _note("y"))
        assert [path for path in synced if path in commits] == commits[2:3]
        table.main().commit([], {"b": 1}, _note("of another"))
        synced.clear()
        log.commit([], {"a": 3}, _note("z"))
        assert [path for path in synced if path in commits] == commits[3:5]


def test_exception_leaves_open_whether_the_commit_landed(tmp_path: Path, table: NumbersTable) -> None:
    store = UnsurelyDurableStore(str(tmp_path), lambda path: path == commit_path("numbers", 1))
    with pytest.raises(OSError, match="Input/output error"):
        DeltaLog(store, "numbers").commit([], {"a": 1}, _note("x"))
    assert table.main().txn("a") == 1


def test_commits_write_no_checkpoint(tmp_path: Path, table: NumbersTable) -> None:
    log = table.main()
    DeltaTable(tmp_path / "numbers").alter.set_table_properties({"delta.checkpointInterval": "1"})
    log.refresh()
    log.commit([], {"a": 1}, _note("x"))
    assert [path.name[:20] for path in (tmp_path / "numbers").rglob("*.checkpoint.parquet")] == [f"{1:020d}"]


def test_handle_is_renewed_after_many_commits_and_fences_as_before(table: NumbersTable) -> None:
    log, stale = table.main(), table.main()
    for number in range(1, 104):
        assert log.commit([], {"a": number}, _note(str(number))) == number
    assert log.txn("a") == 103
    with pytest.raises(CommitFailedError):
        stale.commit([], {"a": 1}, _note("stale"))


def test_find_names_the_version_of_a_batch(table: NumbersTable) -> None:
    log, stale = table.main(), table.main()
    for number in range(1, 5):
        log.commit([], {"a": number}, _note(f"batch {number}"))
    assert log.find("batch 3", 0) == 3
    assert log.find("batch 3", 2) == 3
    assert log.find("batch 3", 3) is None
    assert log.find("batch 9", 0) is None
    assert stale.find("batch 3", 0) is None


def test_note_is_what_the_commit_said(table: NumbersTable) -> None:
    note = {"kind": "ingest", "batch": "x", "partitions": {"0": {"gaps": [[1, 2]]}}, "files": {}}
    table.main().commit([], {"a": 1}, note)
    assert note_of(table.store, "numbers", 1) == note


def test_commits_of_other_programs_and_missing_ones_have_no_note(tmp_path: Path, table: NumbersTable) -> None:
    foreign = DeltaTable(tmp_path / "numbers")
    foreign.alter.set_table_properties({"delta.appendOnly": "false"})
    assert note_of(table.store, "numbers", 1) == {}
    assert note_of(table.store, "numbers", 99) == {}


def test_claim_is_a_commit_like_any_other(table: NumbersTable) -> None:
    first, second = table.quarantine(), table.quarantine()
    first.commit_claim({"a#owner": 1})
    with pytest.raises(CommitFailedError):
        second.commit_claim({"a#owner": 1})
    note = note_of(table.store, "numbers__quarantine", 1)
    assert (note["kind"], first.txn("a#owner")) == ("claim", 1)


def test_checkpoint_keeps_txns_and_is_fsynced(tmp_path: Path, table: NumbersTable) -> None:
    log = table.main()
    log.commit([], {"a": 41}, _note("x"))
    with fsync_witness() as synced:
        log.checkpoint()
    folder = tmp_path / "numbers/_delta_log"
    checkpoint = folder / f"{1:020d}.checkpoint.parquet"
    assert [path for path in synced if path != folder][:2] == [checkpoint, folder / "_last_checkpoint"]
    for version in range(2):
        (tmp_path / commit_path("numbers", version)).unlink()
    assert table.main().txn("a") == 41


def test_checkpoint_that_cannot_be_written_is_a_failure_of_the_store(tmp_path: Path, table: NumbersTable) -> None:
    (tmp_path / f"numbers/_delta_log/{0:020d}.checkpoint.parquet").mkdir()
    with pytest.raises(StoreError, match="writing a checkpoint of"):
        table.main().checkpoint()


def test_missing_table_is_told_from_an_unreadable_one(tmp_path: Path, table: NumbersTable) -> None:
    with pytest.raises(FileNotFoundError):
        open_table(table.store, "nothing")
    (tmp_path / f"numbers/_delta_log/{0:020d}.checkpoint.parquet").write_bytes(b"torn")
    with pytest.raises(StoreError, match="opening"):
        open_table(table.store, "numbers")


def test_commit_that_is_torn_under_a_handle_is_damage(tmp_path: Path, table: NumbersTable) -> None:
    log = table.main()
    (tmp_path / commit_path("numbers", 1)).write_bytes(b"{torn")
    with pytest.raises(TableDamagedError, match=r"commit 1 of .*numbers, .* is torn"):
        log.refresh()
    with pytest.raises(TableDamagedError, match=r"commit 1 of .*numbers, .* is torn"):
        note_of(table.store, "numbers", 1)


def test_commit_that_vanishes_is_noticed(tmp_path: Path, table: NumbersTable) -> None:
    class Forgetful(DeltaLog):
        def refresh(self) -> None:
            """The snapshot stays where it was, as on a store that shows old listings."""

    with pytest.raises(WrongTableError, match="commit of batch x is not in the log of numbers after version 0"):
        Forgetful(table.store, "numbers").commit([], {"a": 1}, _note("x"))
