from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from headrace.lake.datafile import write_files
from headrace.lake.presence import present
from headrace.testing.numbers import DAY, LAYOUT, NumbersTable, number_rows


@pytest.fixture
def table(tmp_path: Path) -> NumbersTable:
    return NumbersTable.create(str(tmp_path), {0: 0, 1: 0})


def land(table: NumbersTable, partition: int, offsets: Sequence[int], *, day: int = 0) -> None:
    rows = pa.Table.from_batches([number_rows(partition, offsets, day=DAY + timedelta(days=day))])
    table.main().commit(write_files(table.store, LAYOUT, rows), {}, {"batch": f"{partition}{offsets}"})


def test_those_that_are_rows_are_found_in_their_partition(table: NumbersTable) -> None:
    land(table, 0, [1, 2, 3])
    land(table, 0, [7], day=1)
    land(table, 1, [2, 9])

    assert present(table.store, "numbers", {0: [2, 7, 9], 1: [3, 9], 2: [1]}) == {
        0: frozenset({2, 7}),
        1: frozenset({9}),
        2: frozenset(),
    }


def test_nothing_is_in_an_empty_table_and_nothing_asked_is_nothing_found(table: NumbersTable) -> None:
    assert present(table.store, "numbers", {0: [1]}) == {0: frozenset()}
    assert present(table.store, "numbers", {}) == {}
    assert present(table.store, "numbers", {0: []}) == {0: frozenset()}


def test_files_that_cannot_hold_them_are_not_read(tmp_path: Path, table: NumbersTable) -> None:
    land(table, 0, [1, 2, 3])
    land(table, 1, [5])
    for file in (tmp_path / "numbers").glob("date=*/*.parquet"):
        file.unlink()
    land(table, 0, [8, 10])

    assert present(table.store, "numbers", {0: [5, 10, 11]}) == {0: frozenset({10})}
    with pytest.raises(FileNotFoundError):
        present(table.store, "numbers", {0: [2]})


def test_files_of_another_tool_are_read_whatever_statistics_they_have(tmp_path: Path, table: NumbersTable) -> None:
    land(table, 0, [1, 2])
    land(table, 0, [3])
    DeltaTable(tmp_path / "numbers").alter.set_table_properties({"delta.dataSkippingStatsColumns": "name"})
    DeltaTable(tmp_path / "numbers").optimize.compact()
    assert present(table.store, "numbers", {0: [2, 4]}) == {0: frozenset({2})}

    rows = pa.Table.from_batches([number_rows(0, [4])])
    write_deltalake(DeltaTable(tmp_path / "numbers"), rows, mode="append")
    assert present(table.store, "numbers", {0: [2, 4]}) == {0: frozenset({2, 4})}
