import hashlib
import json
import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, Schema

from headrace.errors import StoreError
from headrace.lake.datafile import FileLayout, encode, read_rows, statistics, write_files
from headrace.lake.log import DeltaLog
from headrace.lake.schema import INSTANT, Array, arrow_schema
from headrace.lake.store import Store
from headrace.lake.tables import TableSpec, create_table
from headrace.testing.disk import fsync_witness
from headrace.testing.numbers import DAY, LAYOUT, NUMBERS, NumbersTable, number_rows

NEXT_DAY = date(2026, 1, 2)


def _two_days() -> pa.Table:
    return pa.Table.from_batches(
        [number_rows(0, [0, 1]), number_rows(0, [2], day=NEXT_DAY), number_rows(0, [3])],
    )


def test_one_file_per_day_in_the_order_of_days(tmp_path: Path) -> None:
    first, second = write_files(Store(str(tmp_path)), LAYOUT, _two_days())
    assert (first.partition_values, second.partition_values) == ({"date": "2026-01-01"}, {"date": "2026-01-02"})
    assert (first.rows, second.rows) == (3, 1)
    assert first.path.startswith("date=2026-01-01/")
    read = pq.ParquetFile(tmp_path / "numbers" / first.path).read()
    assert read["_offset"].to_pylist() == [0, 1, 3]


def test_partition_column_is_not_stored_in_the_file(tmp_path: Path) -> None:
    expected = [field for field in arrow_schema(NUMBERS) if field.name != "date"]
    for file in write_files(Store(str(tmp_path)), LAYOUT, _two_days()):
        stored = pq.ParquetFile(tmp_path / "numbers" / file.path).schema_arrow
        assert stored.names == [field.name for field in expected]
        assert [field.nullable for field in stored] == [field.nullable for field in expected]


def test_unpartitioned_table_has_its_files_in_one_folder(tmp_path: Path) -> None:
    files = write_files(Store(str(tmp_path)), FileLayout("flat", None, ("_offset",)), _two_days())
    assert [(file.rows, file.partition_values, "/" in file.path) for file in files] == [(4, {}, False)]
    assert pq.ParquetFile(tmp_path / "flat" / files[0].path).schema_arrow.names == _two_days().column_names


TICKERS = [
    "SPY",
    "BRK.B",
    "^VIX",
    "ES=F",
    "EUR/USD",
    "../../x",
    "a b%2F",
    "ü",
    "date=2026-01-01",
    "null",
    "7",
    "x" * 200,
]


def test_texts_of_a_payload_name_folders_that_no_file_system_and_no_reader_can_misread(tmp_path: Path) -> None:
    columns: dict[str, pa.DataType] = {"ticker": pa.string(), "n": pa.int64()}
    store = Store(str(tmp_path))
    create_table(store, TableSpec("ticks", Schema.from_arrow(pa.schema(columns)), ("ticker",), "", {}, {}))
    rows = pa.table({"ticker": TICKERS, "n": range(len(TICKERS))})
    files = write_files(store, FileLayout("ticks", "ticker", ("n",)), rows)
    DeltaLog(store, "ticks").commit(files, {}, {"batch": "x"})
    assert [file.partition_values["ticker"] for file in files] == sorted(TICKERS)
    assert {file.path.rpartition("/")[0] for file in files} >= {"ticker=SPY", "ticker=EUR%2FUSD", "ticker=..%2F..%2Fx"}
    assert all(re.fullmatch(r"ticker=[\w.%-]{1,250}/[0-9a-f]{32}\.parquet", file.path, re.ASCII) for file in files)
    handle = DeltaTable(tmp_path / "ticks")
    assert handle.to_pyarrow_table(columns=["ticker", "n"]).sort_by("n").to_pydict() == rows.to_pydict()
    for number, ticker in enumerate(TICKERS):
        assert handle.to_pyarrow_table(filters=[("ticker", "=", ticker)])["n"].to_pylist() == [number]
        assert pl.scan_delta(handle).filter(pl.col("ticker") == ticker).collect().rows() == [(ticker, number)]


def test_digest_and_size_are_those_of_the_stored_bytes(tmp_path: Path) -> None:
    for file in write_files(Store(str(tmp_path)), LAYOUT, _two_days()):
        stored = (tmp_path / "numbers" / file.path).read_bytes()
        assert (file.size, file.sha256) == (len(stored), hashlib.sha256(stored).hexdigest())


def test_files_are_fsynced_when_they_are_handed_over(tmp_path: Path) -> None:
    with fsync_witness() as synced:
        files = write_files(Store(str(tmp_path)), LAYOUT, _two_days())
    for file in files:
        path = tmp_path / "numbers" / file.path
        assert {path, path.parent, tmp_path / "numbers"} <= set(synced)


def test_names_are_never_used_twice(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    paths = [file.path for _ in range(5) for file in write_files(store, LAYOUT, _two_days())]
    assert len(set(paths)) == 10


def test_delta_reads_back_what_was_written_and_prunes_by_its_statistics(tmp_path: Path) -> None:
    table = NumbersTable.create(str(tmp_path), {0: 0})
    table.main().commit(write_files(table.store, LAYOUT, _two_days()), {}, {"batch": "x"})
    handle = DeltaTable(tmp_path / "numbers")
    read = handle.to_pyarrow_table().sort_by("_offset").select(_two_days().column_names)
    assert read.to_pylist() == _two_days().sort_by("_offset").to_pylist()
    assert handle.to_pyarrow_table(filters=[("date", "=", NEXT_DAY)])["_offset"].to_pylist() == [2]
    dataset = handle.to_pyarrow_dataset()
    fragments = list(dataset.get_fragments(filter=pc.field("_offset") > 100))
    assert fragments == []
    assert [f.count_rows() for f in dataset.get_fragments(filter=pc.field("_offset") == 2)] == [3, 1]


def test_statistics_of_the_log_are_those_of_the_rows(tmp_path: Path) -> None:
    stats = json.loads(write_files(Store(str(tmp_path)), LAYOUT, _two_days())[0].stats)
    assert stats == {
        "numRecords": 3,
        "minValues": {"timestamp": "2026-01-01T00:00:00.000000Z", "_partition": 0, "_offset": 0},
        "maxValues": {"timestamp": "2026-01-01T00:00:00.000003Z", "_partition": 0, "_offset": 3},
        "nullCount": {"timestamp": 0, "_partition": 0, "_offset": 0},
    }


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        (pa.array(["ü", "a", None]), "a", "ü"),
        (pa.array([2.5, -1.0, None]), -1.0, 2.5),
        (pa.array([True, False]), False, True),
        (pa.array([DAY, NEXT_DAY]), "2026-01-01", "2026-01-02"),
        (pa.array([Decimal("1.25"), Decimal("-3.50")], pa.decimal128(9, 2)), -3.5, 1.25),
        (pa.array([2**63 - 1, -(2**63)]), -(2**63), 2**63 - 1),
        (
            pa.array([datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))], pa.timestamp("us", "UTC")),
            "2026-01-01T00:00:00.000000Z",
            "2026-01-01T00:00:00.000000Z",
        ),
        (
            pa.array([datetime(999, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC")),
            "0999-01-01T00:00:00.000000Z",
            "0999-01-01T00:00:00.000000Z",
        ),
    ],
    ids=["text", "float", "bool", "date", "decimal", "int64", "timestamp", "timestamp before 1000"],
)
def test_minimum_and_maximum_of_every_kind_of_column(values: Array, low: object, high: object) -> None:
    stats = json.loads(json.dumps(statistics(pa.table({"x": values}), ["x"])))
    assert stats == {
        "numRecords": len(values),
        "minValues": {"x": low},
        "maxValues": {"x": high},
        "nullCount": {"x": values.null_count},
    }


@pytest.mark.parametrize("value", [Decimal("12345678901234567.89"), Decimal("0.1000000000000000001")])
def test_exact_number_that_a_reader_would_round_has_no_bound(value: Decimal) -> None:
    column = pa.array([value, Decimal("0.5")], pa.decimal128(38, 19))
    stats = statistics(pa.table({"x": column}), ["x"])
    low, high = ({"x": 0.5}, {}) if value > 1 else ({}, {"x": 0.5})
    assert (stats["minValues"], stats["maxValues"]) == (low, high)


def test_column_of_nulls_has_a_count_and_no_bounds() -> None:
    stats = statistics(pa.table({"x": pa.array([None, None], pa.int64())}), ["x"])
    assert stats == {"numRecords": 2, "minValues": {}, "maxValues": {}, "nullCount": {"x": 2}}


def test_columns_with_hardly_a_repeated_value_have_no_dictionary() -> None:
    rows = pa.table({"plain": ["a", "b"], "repeated": ["a", "a"]})
    columns = _row_group(rows, FileLayout("t", None, (), plain=frozenset({"plain"})))
    assert [columns.column(i).has_dictionary_page for i in range(2)] == [False, True]


def test_rising_columns_are_encoded_as_differences() -> None:
    rows = pa.table({"rising": range(1_000), "other": range(1_000)})
    columns = _row_group(rows, FileLayout("t", None, (), rising=frozenset({"rising"})))
    assert "DELTA_BINARY_PACKED" in columns.column(0).encodings
    assert columns.column(0).total_compressed_size * 5 < columns.column(1).total_compressed_size


def test_a_bloom_filter_is_no_larger_than_its_values_need() -> None:
    rows = pa.table(
        {"few": ["a", "b"] * 50_000, "many": [f"id-{number}" for number in range(100_000)], "none": [1] * 100_000}
    )
    columns = _row_group(rows, FileLayout("t", None, (), bloom_filters=frozenset({"few", "many"})))
    few, many, none = (columns.column(index).bloom_filter_length for index in range(3))  # type: ignore[attr-defined]  # stubs lag
    assert few is not None
    assert many is not None
    assert (few < 100, 100_000 < many < 132_000, none) == (True, True, None)


@pytest.mark.parametrize(("rows", "indexed"), [(20_000, False), (20_001, True)])
def test_readers_can_pass_over_pages_where_a_column_has_several(rows: int, indexed: bool) -> None:
    column = _row_group(pa.table({"number": range(rows)}), FileLayout("t", None, ())).column(0)
    assert (column.has_column_index, column.has_offset_index) == (indexed, indexed)


def _row_group(rows: pa.Table, layout: FileLayout) -> pq.RowGroupMetaData:
    return pq.ParquetFile(pa.BufferReader(encode(rows, layout))).metadata.row_group(0)


def test_large_tables_are_cut_into_row_groups() -> None:
    metadata = pq.ParquetFile(
        pa.BufferReader(encode(pa.table({"x": range(131_073)}), FileLayout("t", None, ())))
    ).metadata
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [131_072, 1]


def test_file_in_place_of_the_folder_is_a_failure_of_the_store(tmp_path: Path) -> None:
    (tmp_path / "numbers").mkdir()
    (tmp_path / "numbers" / "date=2026-01-02").write_text("")
    with pytest.raises(StoreError, match=r"writing .*numbers/date=2026-01-02/.*parquet failed"):
        write_files(Store(str(tmp_path)), LAYOUT, _two_days())
    assert len(list((tmp_path / "numbers" / "date=2026-01-01").iterdir())) == 1


def test_instants_of_96_bits_are_read_as_what_they_are(tmp_path: Path) -> None:
    at = datetime(2199, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    nested = pa.struct([pa.field("seen", INSTANT)])
    rows = pa.table(
        {
            "at": pa.array([at, None], INSTANT),
            "inside": pa.array([{"seen": at}, {"seen": None}], nested),
            "several": pa.array([[at], None], pa.list_(pa.field("element", INSTANT))),
            "name": ["a", "b"],
        }
    )
    pq.write_table(rows, tmp_path / "spark.parquet", use_deprecated_int96_timestamps=True, store_schema=False)
    with (tmp_path / "spark.parquet").open("rb") as source:
        assert read_rows(source).equals(rows)
        assert read_rows(source, ["at", "absent"]).equals(rows.select(["at"]))
