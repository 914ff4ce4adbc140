"""One data file of a table with the rows of a merge in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headrace.lake.by_hand.pairing import Came
from headrace.lake.by_hand.writing import write_piece
from headrace.lake.damage import telling_of
from headrace.lake.datafile import DataFile, FileLayout
from headrace.lake.latest.live import LiveFile
from headrace.lake.schema import Array, ArrowField, Column
from headrace.lake.store import Store


@dataclass(frozen=True)
class Rewritten:
    """What a merge makes of one file.

    Attributes:
        old: the file.
        matched: places of the rows that came for rows of it.
        updated: how many of its rows take other values.
        files: that take its place; none where nothing changes.
    """

    old: LiveFile
    matched: Sequence[int] = ()
    updated: int = 0
    files: Sequence[DataFile] = ()


class FileMerger:
    """Merges rows into files, each once. One thread uses it.

    Args:
        store: where the table lies.
        layout: of its files.
        came: rows, in the table's columns.
    """

    def __init__(self, store: Store, layout: FileLayout, came: Came) -> None:
        self._store = store
        self._layout = layout
        self._came = came
        self._known: dict[str, Rewritten] = {}

    def merged(self, file: LiveFile) -> Rewritten:
        """What becomes of a file; new files are durable, and no log names them yet.

        Raises:
            StoreError, AccessDeniedError: a file cannot be read or written.
        """
        if file.path not in self._known:
            self._known[file.path] = self._merge(file) if self._came.may_be_in(file) else Rewritten(file)
        return self._known[file.path]

    def _merge(self, file: LiveFile) -> Rewritten:
        places = self._came.places(self._read(file, self._came.on))
        matched = [place for place in pc.unique(places).to_pylist() if place is not None]
        if not matched or not self._came.update:
            return Rewritten(file, matched)
        rows, updated = self._update(self._read(file, self._came.rows.schema.names), places)
        files = write_piece(self._store, self._layout, rows) if updated else ()
        return Rewritten(file, matched, updated, files)

    def _update(self, rows: pa.Table, places: Array) -> tuple[pa.Table, int]:
        """The rows with the values that came, and how many of them differ from before."""
        is_met = pc.is_valid(places)
        differs: Array = pa.array([False] * rows.num_rows)
        for name in self._came.update:
            at = rows.schema.get_field_index(name)
            before = rows.column(at).combine_chunks()
            after = pc.if_else(is_met, self._came.rows[name].combine_chunks().take(places), before)
            differs = pc.or_(differs, _differ(before, after))
            rows = rows.set_column(at, rows.schema.field(at), after)
        return rows, pc.sum(differs).as_py() or 0

    def _read(self, file: LiveFile, names: Sequence[str]) -> pa.Table:
        """Columns of a file as the table has them: with its partition column, and null where it was not there yet."""
        path = f"{self._layout.table}/{file.path}"
        with telling_of(path), self._store.open(path) as source:
            parquet = pq.ParquetFile(source)
            there = set(parquet.schema_arrow.names)
            rows = parquet.read([name for name in names if name in there])
        count = parquet.metadata.num_rows
        wanted = pa.schema([self._came.rows.schema.field(name) for name in names])
        return pa.table([self._column(rows, field, file, count) for field in wanted], schema=wanted)

    def _column(self, rows: pa.Table, wanted: ArrowField, file: LiveFile, count: int) -> "Column | Array":
        if wanted.name in file.values:
            value = pa.scalar(file.values[wanted.name], pa.string()).cast(wanted.type)
            return cast("Array", pa.repeat(value, count))
        if wanted.name in rows.column_names:
            return rows[wanted.name].cast(wanted.type)
        return cast("Array", pa.nulls(count, wanted.type))


def _differ(before: Array, after: Array) -> Array:
    """Which values are not the same; two nulls are."""
    was, now = (cast("pl.Series", pl.from_arrow(values)) for values in (before, after))
    return was.ne_missing(now).to_arrow()
