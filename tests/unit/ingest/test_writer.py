from datetime import date
from pathlib import Path

import pytest
from deltalake import DeltaTable

from headrace.errors import InvariantError
from headrace.lake.log import note_of
from headrace.offsets import OffsetRange
from headrace.testing.disk import fsync_witness
from headrace.testing.numbers import DAY, SOURCE, NumbersTable, number_rows
from headrace_ingest.batch import Batch, Span
from headrace_ingest.writer import worker_name
from tests.unit.ingest.flushing import data_files, make_batch, make_writer


@pytest.fixture
def table(tmp_path: Path) -> NumbersTable:
    return NumbersTable.create(str(tmp_path), {0: 0, 1: 0})


def test_rows_rejects_and_positions_become_durable(table: NumbersTable) -> None:
    batch = make_batch({0: (0, 4), 1: (0, 2)}, {0: [2]})
    flushed = make_writer(table.store).write(batch, table.claim([0, 1]))
    assert (flushed.positions, flushed.dropped, flushed.version, flushed.attempts) == ({0: 4, 1: 2}, {}, 1, 1)
    assert table.landed() == [(0, 0), (0, 1), (0, 3), (1, 0), (1, 1)]
    assert table.quarantined() == [(0, 2)]
    assert (table.position(0), table.position(1)) == (4, 2)


def test_commit_says_what_it_holds(table: NumbersTable) -> None:
    batch = make_batch({0: (0, 4)}, {0: [2]})
    epochs = table.claim([0])
    flushed = make_writer(table.store).write(batch, epochs)
    note = note_of(table.store, "numbers", 1)
    assert (note["kind"], note["batch"], note["worker"], note["headrace_version"]) == (
        "ingest",
        batch.id,
        worker_name(),
        "0.1.0",
    )
    assert note["partitions"] == {"0": {"start": 0, "end": 4, "rows": 3, "rejects": 1, "gap_records": 0, "gaps": []}}
    assert note["files"] == {file.path: {"sha256": file.sha256} for file in flushed.files}
    quarantine = table.quarantine()
    said = note_of(table.store, "numbers__quarantine", quarantine.version)
    assert (said["kind"], said["batch"], said["partitions"]) == ("quarantine", batch.id, {"0": {"rejects": 1}})
    assert quarantine.txn(SOURCE.owner_id(0)) == epochs[0]


def test_everything_is_fsynced_and_rejects_come_before_the_position(tmp_path: Path, table: NumbersTable) -> None:
    epochs = table.claim([0])
    with fsync_witness() as synced:
        make_writer(table.store).write(make_batch({0: (0, 4)}, {0: [2]}), epochs)
    files = [path.relative_to(tmp_path).parts for path in synced if path.suffix in (".parquet", ".json")]
    kinds = [(parts[0], Path(parts[-1]).suffix) for parts in files]
    # Of each log two commits: the one that was found there, and the own one.
    assert kinds == [
        ("numbers", ".parquet"),
        ("numbers__quarantine", ".parquet"),
        *[("numbers__quarantine", ".json")] * 2,
        *[("numbers", ".json")] * 2,
    ]


def test_batches_follow_one_another(table: NumbersTable) -> None:
    writer, epochs = make_writer(table.store), table.claim([0])
    for start in range(0, 30, 10):
        assert writer.write(make_batch({0: (start, start + 10)}), epochs).positions == {0: start + 10}
    assert table.landed() == [(0, offset) for offset in range(30)]


def test_rows_of_several_days_are_one_commit(table: NumbersTable) -> None:
    batch = Batch()
    batch.account({0: Span(0, 4)}, 0.0)
    batch.add_rows(number_rows(0, [0, 1]))
    batch.add_rows(number_rows(0, [2, 3], day=date(2026, 1, 2)))
    flushed = make_writer(table.store).write(batch, table.claim([0]))
    assert [file.path[:15] for file in flushed.files] == ["date=2026-01-01", "date=2026-01-02"]
    assert (table.main().version, len(table.landed())) == (1, 4)


def test_offsets_without_rows_move_the_position(tmp_path: Path, table: NumbersTable) -> None:
    batch = Batch()
    batch.account({0: Span(0, 8, gap_records=8, gaps=[OffsetRange(0, 8)])}, 0.0)
    flushed = make_writer(table.store).write(batch, table.claim([0]))
    assert (flushed.positions, flushed.files, table.position(0)) == ({0: 8}, [], 8)
    assert data_files(tmp_path) == []


def test_batch_of_rejects_alone_moves_the_position(table: NumbersTable) -> None:
    make_writer(table.store).write(make_batch({0: (0, 2)}, {0: [0, 1]}), table.claim([0]))
    assert (table.landed(), table.quarantined(), table.position(0)) == ([], [(0, 0), (0, 1)], 2)


def test_empty_batch_is_no_commit(table: NumbersTable) -> None:
    flushed = make_writer(table.store).write(Batch(), {})
    assert (flushed.version, flushed.attempts, table.main().version) == (None, 0, 0)


def test_partition_without_a_recorded_position_starts_at_0(table: NumbersTable) -> None:
    assert make_writer(table.store).write(make_batch({7: (0, 3)}), table.claim([7])).positions == {7: 3}
    assert table.position(7) == 3


def test_rows_that_do_not_add_up_are_not_written(tmp_path: Path, table: NumbersTable) -> None:
    batch = Batch()
    batch.account({0: Span(0, 4)}, 0.0)
    batch.add_rows(number_rows(0, [0, 1, 2]))
    with pytest.raises(InvariantError, match="partition 0, offsets 0 to 4: 4 rows expected, 3 decoded"):
        make_writer(table.store).write(batch, table.claim([0]))
    assert (data_files(tmp_path), table.main().version) == ([], 0)


def test_checkpoint_is_written_for_every_so_many_versions(tmp_path: Path, table: NumbersTable) -> None:
    writer, epochs = make_writer(table.store), table.claim([0])
    written = []
    for start in range(0, 25, 5):
        version = writer.write(make_batch({0: (start, start + 5)}), epochs).version
        assert version is not None
        with fsync_witness() as synced:
            if writer.checkpoint(version):
                written.append(version)
                checkpoint = tmp_path / f"numbers/_delta_log/{version:020d}.checkpoint.parquet"
                assert {checkpoint, checkpoint.parent / "_last_checkpoint"} <= set(synced)
    assert written == [4]
    assert table.position(0) == 25
    assert DAY in {row["date"] for row in DeltaTable(tmp_path / "numbers").to_pyarrow_table().to_pylist()}
