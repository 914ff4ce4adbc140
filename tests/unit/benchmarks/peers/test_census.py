from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.peers.census import ages, take_census
from benchmarks.peers.peer import DataFile

Place = tuple[int, int]
STAMP = datetime(2026, 1, 31, 12, tzinfo=UTC)


def data_file(folder: Path, name: str, places: list[Place], *, committed_after: float = 0.0) -> DataFile:
    """A file with a row at each place, all stamped alike."""
    table = pa.table(
        {
            "_partition": pa.array([partition for partition, _ in places], pa.int32()),
            "_offset": pa.array([offset for _, offset in places], pa.int64()),
            "_kafka_timestamp": pa.array([STAMP] * len(places), pa.timestamp("us", "UTC")),
            "price": pa.array([Decimal("1.2500")] * len(places), pa.decimal128(18, 4)),
        }
    )
    pq.write_table(table, folder / name)
    return DataFile(str(folder / name), STAMP.timestamp() + committed_after)


def test_each_record_once_is_neither_doubled_nor_lost(tmp_path: Path) -> None:
    files = [data_file(tmp_path, "a", [(0, 0), (1, 0)]), data_file(tmp_path, "b", [(0, 1)])]
    census = take_census(files, expected=3)
    assert (census.rows, census.duplicates, census.lost, census.files) == (3, 0, 0, 2)
    assert census.price_sum == Decimal("3.75")


def test_records_in_two_files_and_twice_in_one_are_doubled(tmp_path: Path) -> None:
    files = [data_file(tmp_path, "a", [(0, 0), (0, 1), (0, 1)]), data_file(tmp_path, "b", [(0, 1), (1, 1)])]
    census = take_census(files, expected=3)
    assert (census.rows, census.duplicates, census.lost) == (5, 2, 0)


def test_a_duplicate_does_not_make_up_for_a_lost_record(tmp_path: Path) -> None:
    census = take_census([data_file(tmp_path, "a", [(0, 0), (0, 0)])], expected=2)
    assert (census.rows, census.duplicates, census.lost) == (2, 1, 1)


def test_the_same_offset_of_two_partitions_is_two_records(tmp_path: Path) -> None:
    census = take_census([data_file(tmp_path, "a", [(0, 7), (1, 7), (2, 7)])], expected=3)
    assert census.duplicates == 0


def test_an_empty_table_has_lost_everything() -> None:
    census = take_census([], expected=5)
    assert (census.rows, census.duplicates, census.lost, census.price_sum) == (0, 0, 5, None)


def test_ages_run_to_the_commit_and_leave_out_other_times(tmp_path: Path) -> None:
    files = [data_file(tmp_path, "a", [(0, 0), (0, 1)], committed_after=1.5)]
    at = STAMP.timestamp()
    assert ages(files, at - 1, at + 1) == pytest.approx([1.5, 1.5])
    assert ages(files, at + 1, at + 2) == []
