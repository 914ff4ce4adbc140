"""Engines that read Delta tables, each by its own way of reading Parquet, and what a table holds by Headrace's own."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

import duckdb
import polars as pl
import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder

from headrace.lake import Lake
from headrace.read.proof.files import ADDRESS, FileChecker
from headrace.read.proof.findings import Findings
from headrace.read.proof.log import Replay
from headrace.read.proof.store import LocalFiles

Row = dict[str, Any]


class Engine(Protocol):
    """Reads the newest version of the Delta table in a folder, whole, or what is asked in SQL of the table `t`."""

    def __call__(self, table: Path, sql: str = "SELECT * FROM t") -> pa.Table: ...


def deltalake(table: Path, sql: str = "SELECT * FROM t") -> pa.Table:
    """delta-rs with DataFusion."""
    return pa.table(QueryBuilder().register("t", DeltaTable(table)).execute(sql).read_all())


def polars(table: Path, sql: str = "SELECT * FROM t") -> pa.Table:
    """The log by delta-rs, the files by its own reader."""
    return pl.SQLContext(t=pl.scan_delta(str(table)), eager=True).execute(sql).to_arrow()


def duck(table: Path, sql: str = "SELECT * FROM t") -> pa.Table:
    """The log by Delta's Rust kernel, the files by its own reader. DuckDB checks the signature of its extension."""
    extension = files("duckdb_extension_delta") / "extensions" / f"v{duckdb.__version__}" / "delta.duckdb_extension"
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        connection.load_extension(str(extension))
        connection.execute(f"CREATE VIEW t AS FROM delta_scan('{table}')")
        return connection.execute(sql).to_arrow_table()


def lake(table: Path, sql: str = "SELECT * FROM t") -> pa.Table:
    """Headrace for Python: polars, and what it does not know of the names of folders."""
    return pl.SQLContext(t=Lake(str(table.parent)).read(table.name), eager=True).execute(sql).to_arrow()


ENGINES: Mapping[str, Engine] = {"deltalake": deltalake, "polars": polars, "duckdb": duck, "lake": lake}


def own(table: Path, schema: pa.Schema) -> list[Row]:
    """What verify reads: log and files by code of the proof alone."""
    store = LocalFiles(table)
    checker = FileChecker(store)
    columns = [name for name in schema.names if name not in ADDRESS]
    active = Replay(store).finish(Findings()).files.values()
    batches = [batch for file in active for batch in checker.batches(file, columns)]
    parts = [pa.Table.from_batches([batch]).select(schema.names).cast(schema) for batch in batches]
    return in_order(pa.concat_tables([schema.empty_table(), *parts]))


def in_order(rows: pa.Table) -> list[Row]:
    """Rows by the places of their records in the topic; no two have one."""
    return sorted(rows.to_pylist(), key=lambda row: (row["_partition"], row["_offset"]))


def assert_types(found: pa.Schema, wanted: pa.Schema) -> None:
    """Every column is what it should be, to the digit and the time zone; how texts and lists are laid out is free."""
    assert {field.name: plain(field.type) for field in found} == {field.name: plain(field.type) for field in wanted}


def plain(found: pa.DataType) -> str:
    """A type without what only says how it lies in memory."""
    if pa.types.is_struct(found):
        return f"struct<{', '.join(f'{field.name}: {plain(field.type)}' for field in found.fields)}>"
    if pa.types.is_list(found) or pa.types.is_large_list(found) or pa.types.is_list_view(found):
        return f"list<{plain(found.value_type)}>"
    text = str(found).removeprefix("large_").removesuffix("_view")
    return {"timestamp[us, tz=Etc/UTC]": "timestamp[us, tz=UTC]"}.get(text, text)
