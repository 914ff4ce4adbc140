"""What the design leans on in deltalake itself: if an upgrade turns one of these red, the protocol is in question."""

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import CommitProperties, DeltaTable, Schema, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

ARROW = pa.schema([pa.field("x", pa.int64())])
SCHEMA = Schema.from_arrow(ARROW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    DeltaTable.create(tmp_path / "t", SCHEMA)
    return tmp_path / "t"


def _txn(app_id: str, version: int) -> CommitProperties:
    return CommitProperties(app_transactions=[Transaction(app_id, version)])


def _commit(handle: DeltaTable, app_id: str, version: int) -> None:
    handle.create_write_transaction([], "append", SCHEMA, commit_properties=_txn(app_id, version))


def _append(target: DeltaTable | Path, app_id: str, version: int, *, rows: int = 1) -> None:
    data = pa.table({"x": range(rows)}, schema=ARROW)
    write_deltalake(target, data, mode="append", commit_properties=_txn(app_id, version))


def _rows(path: Path) -> int:
    return DeltaTable(path).to_pyarrow_table().num_rows


@pytest.mark.parametrize("second", [5, 4, -7, 6])
def test_txn_versions_are_not_compared_and_the_last_one_stands(path: Path, second: int) -> None:
    handle = DeltaTable(path)
    _commit(handle, "a", 5)
    handle.update_incremental()
    _commit(handle, "a", second)
    assert DeltaTable(path).transaction_version("a") == second


@pytest.mark.parametrize("second", [4, 5, 6])
def test_commit_is_refused_if_its_app_id_was_committed_since_the_snapshot(path: Path, second: int) -> None:
    one, two = DeltaTable(path), DeltaTable(path)
    _commit(one, "a", 5)
    with pytest.raises(CommitFailedError, match="Concurrent transaction failed"):
        _commit(two, "a", second)
    _commit(two, "b", second)
    assert DeltaTable(path).transaction_version("a") == 5


@pytest.mark.parametrize("without_files", [False, True])
def test_commit_without_files_is_fenced_like_any_other(path: Path, without_files: bool) -> None:
    one, two = DeltaTable(path, without_files=without_files), DeltaTable(path, without_files=without_files)
    _append(DeltaTable(path), "a", 5)
    for handle in (one, two):
        with pytest.raises(CommitFailedError):
            _commit(handle, "a", 6)


def test_handle_does_not_advance_with_its_own_commit_and_then_conflicts_with_it(path: Path) -> None:
    handle = DeltaTable(path)
    _commit(handle, "a", 5)
    assert handle.version() == 0
    with pytest.raises(CommitFailedError):
        _commit(handle, "a", 6)
    handle.update_incremental()
    assert (handle.version(), handle.transaction_version("a")) == (1, 5)


def test_write_through_a_uri_is_not_fenced_and_doubles_rows(path: Path) -> None:
    _append(path, "a", 5, rows=3)
    _append(path, "a", 5, rows=3)
    assert _rows(path) == 6


def test_table_without_its_folder_is_not_created_by_opening_it(tmp_path: Path) -> None:
    with pytest.raises(TableNotFoundError):
        DeltaTable(tmp_path / "nothing")
    assert list(tmp_path.iterdir()) == []


def test_second_of_two_overlapping_compactions_is_refused(path: Path) -> None:
    for version in range(6):
        _append(path, "a", version)
    one, two = DeltaTable(path), DeltaTable(path)
    one.optimize.compact()
    with pytest.raises(CommitFailedError):
        two.optimize.compact()
    assert _rows(path) == 6


def test_append_goes_through_beside_a_compaction(path: Path) -> None:
    for version in range(3):
        _append(path, "a", version)
    appending, compacting = DeltaTable(path), DeltaTable(path)
    compacting.optimize.compact()
    _commit(appending, "a", 9)
    assert (_rows(path), DeltaTable(path).transaction_version("a")) == (3, 9)


def test_append_is_refused_beside_a_change_of_properties(path: Path) -> None:
    appending = DeltaTable(path)
    DeltaTable(path).alter.set_table_properties({"delta.appendOnly": "false"})
    with pytest.raises(CommitFailedError, match="Metadata changed"):
        _commit(appending, "a", 1)


def _forget_commits(path: Path, versions: range) -> None:
    for version in versions:
        (path / "_delta_log" / f"{version:020d}.json").unlink()


def test_checkpoint_of_a_handle_without_files_keeps_txns_and_rows(path: Path) -> None:
    _append(path, "a", 5, rows=3)
    _append(path, "b", 7, rows=2)
    DeltaTable(path, without_files=True).create_checkpoint()
    _forget_commits(path, range(3))
    table = DeltaTable(path)
    assert (table.transaction_version("a"), table.transaction_version("b"), _rows(path)) == (5, 7, 5)


def test_txns_without_a_time_survive_clean_up_compaction_vacuum_and_overwrite(path: Path) -> None:
    _append(path, "a", 5, rows=3)
    _append(path, "b", 7, rows=2)
    table = DeltaTable(path)
    table.optimize.compact()
    table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    write_deltalake(table, pa.table({"x": [1]}, schema=ARROW), mode="overwrite")
    table.create_checkpoint()
    table.cleanup_metadata()
    table = DeltaTable(path)
    assert (table.transaction_version("a"), table.transaction_version("b"), _rows(path)) == (5, 7, 1)


def test_restore_takes_rows_back_and_keeps_txns(path: Path) -> None:
    _append(path, "a", 5, rows=3)
    _append(path, "a", 8, rows=3)
    table = DeltaTable(path)
    table.restore(1)
    assert (_rows(path), DeltaTable(path).transaction_version("a")) == (3, 8)


def test_restore_can_set_txns_back_in_the_same_commit(path: Path) -> None:
    _append(path, "a", 5, rows=3)
    _append(path, "a", 8, rows=3)
    running, table = DeltaTable(path), DeltaTable(path)
    table.restore(1, commit_properties=_txn("a", 5))
    assert (_rows(path), DeltaTable(path).transaction_version("a")) == (3, 5)
    with pytest.raises(CommitFailedError):
        _commit(running, "a", 9)


def test_merge_that_changes_nothing_makes_no_commit_and_carries_no_txn(path: Path) -> None:
    _append(path, "a", 5, rows=3)
    table = DeltaTable(path)
    merge = table.merge(
        pa.table({"x": [1]}, schema=ARROW),
        "s.x = t.x",
        source_alias="s",
        target_alias="t",
        commit_properties=_txn("a", 6),
    )
    merge.when_not_matched_insert_all().execute()
    assert (DeltaTable(path).version(), DeltaTable(path).transaction_version("a")) == (1, 5)


def _interval_of_one(tmp_path: Path) -> Path:
    DeltaTable.create(tmp_path / "t", SCHEMA, configuration={"delta.checkpointInterval": "1"})
    return tmp_path / "t"


def test_commit_stays_although_its_checkpoint_fails(tmp_path: Path) -> None:
    path = _interval_of_one(tmp_path)
    (path / "_delta_log" / f"{1:020d}.checkpoint.parquet").mkdir()
    with pytest.raises((DeltaError, OSError)):
        _commit(DeltaTable(path), "a", 5)
    assert DeltaTable(path).transaction_version("a") == 5


def test_commit_through_a_handle_without_files_writes_no_checkpoint_unasked(tmp_path: Path) -> None:
    path = _interval_of_one(tmp_path)
    _commit(DeltaTable(path, without_files=True), "a", 5)
    assert list(path.rglob("*.checkpoint.parquet")) == []


def test_properties_of_ours_need_the_lenient_creation(tmp_path: Path) -> None:
    DeltaTable.create(tmp_path / "t", SCHEMA, configuration={"headrace.pipeline": "p"}, raise_if_key_not_exists=False)
    assert DeltaTable(tmp_path / "t").metadata().configuration == {"headrace.pipeline": "p"}


def test_commit_metadata_may_be_nested(path: Path) -> None:
    note = {"batch": "x", "partitions": {"0": {"gaps": [[1, 2]]}}}
    DeltaTable(path).create_write_transaction(
        [], "append", SCHEMA, commit_properties=CommitProperties(custom_metadata={"headrace": note})
    )
    assert DeltaTable(path).history()[0]["headrace"] == note


def test_expired_txn_lets_an_older_one_reappear(path: Path) -> None:
    DeltaTable(path).alter.set_table_properties({"delta.setTransactionRetentionDuration": "interval 1 hours"})
    _append(path, "a", 1)
    expired = CommitProperties(app_transactions=[Transaction("a", 2, last_updated=1)])
    DeltaTable(path).create_write_transaction([], "append", SCHEMA, commit_properties=expired)
    assert DeltaTable(path).transaction_version("a") == 1


@pytest.mark.parametrize("gone", [0, 3])
def test_the_commit_of_a_checkpoint_is_needed_to_write_and_those_before_it_are_not(tmp_path: Path, gone: int) -> None:
    for number in range(4):
        write_deltalake(str(tmp_path), pa.table({"x": [number]}), mode="append")
    DeltaTable(str(tmp_path)).create_checkpoint()
    (tmp_path / "_delta_log" / f"{gone:020d}.json").unlink()

    def append() -> None:
        write_deltalake(DeltaTable(str(tmp_path)), pa.table({"x": [4]}), mode="append")

    if gone == 0:
        append()
        assert DeltaTable(str(tmp_path)).version() == 4
    else:
        with pytest.raises(DeltaError):
            append()
