from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from headrace.errors import WrongTableError
from headrace.lake.checkpoint import LogTail, broken_checkpoint, log_tail, mend_checkpoint
from headrace.lake.datafile import write_files
from headrace.testing.numbers import LAYOUT, SOURCE, NumbersTable, number_rows
from headrace.testing.race import race


@pytest.fixture
def table(tmp_path: Path) -> NumbersTable:
    """Checkpoints at versions 3 and 6, commits up to 8."""
    table = NumbersTable.create(str(tmp_path), {0: 0})
    log = table.main()
    for position in range(1, 9):
        log.commit([], {"a": position}, {"batch": str(position)})
        if position in (3, 6):
            log.checkpoint()
    return table


def _file(root: Path, version: int, kind: str) -> Path:
    return root / "numbers/_delta_log" / f"{version:020d}.{kind}"


def _empty(data: bytes) -> bytes:
    return b""


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _tail_of_nothing(data: bytes) -> bytes:
    return data[:-100] + b"\0" * 100


def _head_of_nothing(data: bytes) -> bytes:
    return b"\0" * 100 + data[100:]


def _magic_alone(data: bytes) -> bytes:
    return b"PAR1"


@pytest.mark.parametrize("tear", [_empty, _cut, _tail_of_nothing, _head_of_nothing, _magic_alone])
def test_torn_checkpoint_is_removed_and_the_table_opens(
    tmp_path: Path, table: NumbersTable, tear: Callable[[bytes], bytes]
) -> None:
    broken = _file(tmp_path, 6, "checkpoint.parquet")
    broken.write_bytes(tear(broken.read_bytes()))
    assert mend_checkpoint(table.store, "numbers") == f"numbers/_delta_log/{broken.name}"
    assert not broken.exists()
    assert not (tmp_path / "numbers/_delta_log/_last_checkpoint").exists()
    log = table.main()
    assert (log.version, log.txn("a")) == (8, 8)
    assert mend_checkpoint(table.store, "numbers") is None


def test_without_the_repair_no_reader_opens_the_table(tmp_path: Path, table: NumbersTable) -> None:
    _file(tmp_path, 6, "checkpoint.parquet").write_bytes(b"")
    with pytest.raises(Exception, match=r"heckpoint|arquet|range|EOF"):
        DeltaTable(tmp_path / "numbers").transaction_version("a")


def test_whole_checkpoints_are_left_alone(tmp_path: Path, table: NumbersTable) -> None:
    assert mend_checkpoint(table.store, "numbers") is None
    assert _file(tmp_path, 6, "checkpoint.parquet").exists()


def test_commits_before_an_older_checkpoint_are_not_needed(tmp_path: Path, table: NumbersTable) -> None:
    for version in range(3):
        _file(tmp_path, version, "json").unlink()
    _file(tmp_path, 6, "checkpoint.parquet").write_bytes(b"")
    assert mend_checkpoint(table.store, "numbers") is not None
    assert table.main().txn("a") == 8


@pytest.mark.parametrize("missing", [4, 6])
def test_checkpoint_whose_commits_are_gone_is_kept(tmp_path: Path, table: NumbersTable, missing: int) -> None:
    broken = _file(tmp_path, 6, "checkpoint.parquet")
    broken.write_bytes(b"")
    _file(tmp_path, missing, "json").unlink()
    with pytest.raises(WrongTableError, match="is broken and commits before it are gone"):
        mend_checkpoint(table.store, "numbers")
    assert broken.exists()


def test_only_checkpoint_needs_all_commits_from_the_first(tmp_path: Path, table: NumbersTable) -> None:
    _file(tmp_path, 3, "checkpoint.parquet").unlink()
    _file(tmp_path, 6, "checkpoint.parquet").write_bytes(b"")
    _file(tmp_path, 0, "json").unlink()
    with pytest.raises(WrongTableError):
        mend_checkpoint(table.store, "numbers")


def test_several_that_write_checkpoints_at_once_do_no_harm(tmp_path: Path) -> None:
    table = NumbersTable.create(str(tmp_path), {0: 0})
    for first in range(0, 40, 5):
        rows = pa.Table.from_batches([number_rows(0, range(first, first + 5))])
        table.main().commit(
            write_files(table.store, LAYOUT, rows), {SOURCE.app_id(0): first + 5}, {"batch": str(first)}
        )

    printed = race(Path(__file__).parent / "race_checkpoint.py", [[str(tmp_path), "40", name] for name in "abc"])

    assert printed == ["8\n"] * 3
    written = sorted((tmp_path / "numbers/_delta_log").glob("*.checkpoint.parquet"))
    assert len(written) >= 10
    assert all(pq.read_metadata(path).num_rows > 3 for path in written)
    assert broken_checkpoint(table.store, "numbers") is None
    assert [table.main().txn(f"racer-{name}") for name in "abc"] == [36] * 3
    assert table.landed() == [(0, offset) for offset in range(40)]


@pytest.mark.parametrize("name", ["numbers__quarantine", "nothing"])
def test_table_without_checkpoints_needs_no_repair(table: NumbersTable, name: str) -> None:
    assert mend_checkpoint(table.store, name) is None


def test_looking_for_a_broken_checkpoint_changes_nothing(tmp_path: Path, table: NumbersTable) -> None:
    broken = _file(tmp_path, 6, "checkpoint.parquet")
    broken.write_bytes(b"")
    before = sorted(path.name for path in broken.parent.iterdir())
    assert broken_checkpoint(table.store, "numbers") == f"numbers/_delta_log/{broken.name}"
    assert sorted(path.name for path in broken.parent.iterdir()) == before


def test_commits_are_counted_from_the_newest_checkpoint_on(tmp_path: Path, table: NumbersTable) -> None:
    assert log_tail(table.store, "numbers") == LogTail(2, ())
    assert log_tail(table.store, "numbers__quarantine") == LogTail(1, ())


def test_a_commit_that_power_loss_emptied_is_found_because_no_reader_minds_it(
    tmp_path: Path, table: NumbersTable
) -> None:
    _file(tmp_path, 8, "json").write_bytes(b"")
    log = table.main()
    assert (log.version, log.txn("a")) == (8, 7)
    assert log_tail(table.store, "numbers").empty == (f"numbers/_delta_log/{8:020d}.json",)
