from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from headrace.lake.contents import ActiveFile, Bounds, active_files
from headrace.lake.datafile import write_files
from headrace.lake.store import Store
from headrace.testing.numbers import LAYOUT, NumbersTable, number_rows


@pytest.fixture
def table(tmp_path: Path) -> NumbersTable:
    return NumbersTable.create(str(tmp_path), {0: 0, 1: 0})


def test_files_are_told_with_what_the_log_says_of_them(table: NumbersTable) -> None:
    rows = pa.Table.from_batches([number_rows(0, range(5, 9)), number_rows(1, [40])])
    (written,) = write_files(table.store, LAYOUT, rows)
    table.main().commit([written], {}, {"kind": "test", "batch": "b"})

    (found,) = active_files(table.store, "numbers")

    assert found == ActiveFile(written.path, written.size, 5, partitions=Bounds(0, 1), offsets=Bounds(5, 40))


def test_a_table_without_files_has_none(table: NumbersTable) -> None:
    assert active_files(table.store, "numbers") == []


def test_only_statistics_rule_a_file_out() -> None:
    file = ActiveFile("x", 1, 1, partitions=Bounds(1, 3), offsets=Bounds(10, 20))
    assert file.may_hold(2, [15])
    assert file.may_hold(1, [0, 10])
    assert file.may_hold(3, [20, 99])
    assert not file.may_hold(0, [15])
    assert not file.may_hold(2, [9, 21])
    assert not file.may_hold(2, [])
    assert ActiveFile("x", 1, 1, None, Bounds(10, 20)).may_hold(9, [15])
    assert ActiveFile("x", 1, 1, Bounds(1, 3), None).may_hold(2, [99])


def test_files_that_another_tool_wrote_have_names_that_can_be_read_and_no_statistics(tmp_path: Path) -> None:
    rows = pa.table({"symbol": ["BRK B/%"], "note": ["x"]})
    write_deltalake(tmp_path / "theirs", rows, partition_by=["symbol"])

    (found,) = active_files(Store(str(tmp_path)), "theirs")

    assert (tmp_path / "theirs" / found.path).is_file()
    assert (found.partitions, found.offsets) == (None, None)
