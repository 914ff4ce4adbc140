"""Which rows of a table the rows of a merge mean: a decision over key columns alone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import polars as pl
import pyarrow as pa
import pyarrow.types as pt

from headrace.errors import ConfigError, RowsRefusedError
from headrace.lake.by_hand.rows import Source, fitted, named
from headrace.lake.by_hand.writing import columns_of
from headrace.lake.latest.keys import Wanted
from headrace.lake.latest.live import LiveFile
from headrace.lake.log import DeltaLog
from headrace.lake.schema import Array

_PLACE = "_headrace_place"


@dataclass(frozen=True, slots=True)
class Keys:
    """How rows of a merge find those of the table.

    Attributes:
        on: columns that name a row.
        update: columns that a row that is there takes from the one that came; None for all that came.
        insert: whether rows of new keys are added.
    """

    on: Sequence[str]
    update: Sequence[str] | None = None
    insert: bool = True

    @classmethod
    def of(cls, on: str | Sequence[str], update: str | Sequence[str] | None, *, insert: bool) -> "Keys":
        """As people name them: one column, or several."""
        return cls(named(on), None if update is None else named(update), insert)


@dataclass(frozen=True)
class Came:
    """The rows of a merge.

    Attributes:
        rows: in the table's columns.
        on: columns that name a row; no two of the rows have the same.
        update: columns that a row that is there takes over.
        insert: whether rows of new keys are added.
    """

    rows: pa.Table
    on: Sequence[str]
    update: Sequence[str]
    insert: bool

    @cached_property
    def _keys(self) -> pl.DataFrame:
        return _frame(self.rows.select(list(self.on))).with_row_index(_PLACE)

    @cached_property
    def _wanted(self) -> Wanted:
        """Keys by which a file's statistics can rule it out: of times other tools note bounds that are cut off."""
        exact = [name for name in self.on if not pt.is_timestamp(self.rows.schema.field(name).type)]
        return Wanted(self._keys, exact)

    @cached_property
    def _texts(self) -> dict[str, frozenset[str]]:
        return {name: frozenset(map(str, self._keys[name].unique().to_list())) for name in self.on}

    def may_be_in(self, file: LiveFile) -> bool:
        """Whether one of the keys may be in `file`: False only if its partition or its statistics rule it out."""
        if any(name in self._texts and value not in self._texts[name] for name, value in file.values.items()):
            return False
        inside = Wanted(self._wanted.rows, [name for name in self._wanted.key if name not in file.values])
        return inside.may_be_in(file)

    def places(self, keys: pa.Table) -> Array:
        """Of each of those rows of the table the place of the row that came for it; null where none did."""
        found = _frame(keys).join(self._keys, on=list(self.on), how="left", maintain_order="left")[_PLACE]
        return found.cast(pl.Int64).to_arrow()

    def without(self, matched: Collection[int]) -> Sequence[int]:
        """Places of the rows that are to be added, where those of the table that match are known."""
        return [place for place in range(self.rows.num_rows) if place not in matched] if self.insert else []


def came_of(log: DeltaLog, sources: Sequence[Source], keys: Keys) -> Came:
    """The rows of a merge, in memory, each key once.

    Raises:
        ConfigError: the keys or the columns to update are none of the table.
        RowsRefusedError: columns or values do not fit, or a key is null or there twice.
    """
    columns = columns_of(log)
    _check_columns(columns, log.table, keys)
    lacking = [source.schema.names for source in sources]
    came = [name for name in columns.names if all(name in names for names in lacking)]
    update = [name for name in came if name not in keys.on] if keys.update is None else list(keys.update)
    rows = pa.Table.from_batches(fitted(sources, columns, needed=[*keys.on, *update]), columns)
    _check_keys(rows, keys.on)
    return Came(rows, tuple(keys.on), tuple(update), keys.insert)


def _check_columns(columns: pa.Schema, table: str, keys: Keys) -> None:
    update = keys.update or ()
    for name in (*keys.on, *update):
        if name not in columns.names:
            msg = f"{table} has no column {name}; it has {', '.join(columns.names)}"
            raise ConfigError(msg)
    nested = [name for name in keys.on if pt.is_nested(columns.field(name).type)]
    if not keys.on or nested:
        why = f"{nested[0]} is nested and names no row" if nested else "no column is named by which rows are the same"
        msg = f"{why}: name columns of single values"
        raise ConfigError(msg)
    both = sorted(set(keys.on) & set(update))
    if both:
        msg = f"{', '.join(both)} names a row and cannot be updated too: leave it out of one of the two"
        raise ConfigError(msg)


def _check_keys(rows: pa.Table, on: Sequence[str]) -> None:
    for name in on:
        if rows[name].null_count:
            msg = f"key column {name} is null in {rows[name].null_count} rows, so they name none. Nothing was changed"
            raise RowsRefusedError(msg)
    keys = _frame(rows.select(list(on)))
    twice = keys.filter(keys.is_duplicated())
    if len(twice):
        named = ", ".join(f"{name}={value}" for name, value in twice.row(0, named=True).items())
        msg = (
            f"{len(twice)} rows share a key with another one, such as {named}: which of them counts is not said. "
            "Keep one of each. Nothing was changed"
        )
        raise RowsRefusedError(msg)


def _frame(rows: pa.Table) -> pl.DataFrame:
    return cast("pl.DataFrame", pl.from_arrow(rows))
