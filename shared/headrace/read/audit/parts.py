"""Rows of chosen files as a frame that is read when it is asked for."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl
from pyroaring import BitMap64

from headrace.lake.store import Store
from headrace.read.audit.difference import Part

_NUMBER = "_number_in_file"


@dataclass(frozen=True)
class Parts:
    """Reads parts of one table.

    Attributes:
        store: the lake.
        table: its folder.
        schema: of the table; columns that a file is older than are null.
    """

    store: Store
    table: str
    schema: pl.Schema

    def scan(self, parts: Iterable[Part]) -> pl.LazyFrame:
        """Their rows."""
        whole: dict[tuple[tuple[str, str | None], ...], list[str]] = defaultdict(list)
        frames = []
        for part in parts:
            if part.only is None and not part.without:
                whole[tuple(part.values.items())].append(part.path)
            else:
                meant = ~_in(part.without) if part.only is None else _in(part.only)
                frames.append(self._scan([part.path], part.values, _NUMBER).filter(meant))
        frames += [self._scan(paths, dict(values)) for values, paths in whole.items()]
        names = self.schema.names()
        return pl.concat([frame.select(names) for frame in frames]) if frames else pl.LazyFrame(schema=self.schema)

    def _scan(self, paths: list[str], values: Mapping[str, str | None], number: str | None = None) -> pl.LazyFrame:
        rows = pl.scan_parquet(
            [self.store.uri(f"{self.table}/{path}") for path in paths],
            schema=pl.Schema({name: dtype for name, dtype in self.schema.items() if name not in values}),
            row_index_name=number,
            glob=False,
            hive_partitioning=False,
            missing_columns="insert",
            extra_columns="ignore",
        )
        # The log says them, and folders may be named a little differently.
        return rows.with_columns(_constant(value, self.schema[name]).alias(name) for name, value in values.items())


def _constant(value: str | None, dtype: pl.DataType) -> pl.Expr:
    if value is not None and dtype == pl.Date:
        return pl.lit(date.fromisoformat(value))
    return pl.lit(value, pl.String).cast(dtype)


def _in(numbers: BitMap64) -> pl.Expr:
    return pl.col(_NUMBER).cast(pl.UInt64).is_in(pl.Series(list(numbers), dtype=pl.UInt64).implode())
