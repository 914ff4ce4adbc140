"""Which record and which commit brought a row: from what a row says to its place in the topic and in the log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from headrace.errors import ConfigError
from headrace.lake import Lake
from headrace.lake.as_of import AsOf
from headrace.lake.frames import collected
from headrace.lake.listing import refuse_quarantine
from headrace.lake.snapshot import Snapshot
from headrace.read.whereabouts import Locator, Whereabouts


@dataclass(frozen=True, slots=True)
class RowOrigin:
    """A row, and where it came from.

    Attributes:
        row: its columns.
        record: the record of the topic that it was made of, and the commit that brought it.
    """

    row: Mapping[str, Any]
    record: Whereabouts


@dataclass(frozen=True, slots=True)
class RowOrigins:
    """Rows of one version.

    Attributes:
        table, topic, version: where they were looked for.
        rows: as many as were asked for, in the order of their records.
        more: whether there are others.
    """

    table: str
    topic: str
    version: int
    rows: tuple[RowOrigin, ...]
    more: bool


def row_origins(lake: Lake, table: str, where: Sequence[pl.Expr], *, as_of: AsOf = None, limit: int = 10) -> RowOrigins:
    """Rows of a table that are as `where` says, each with the record and the commit that brought it.

    A row of an older version may no longer be there: its record then says what has become of it since.

    Args:
        lake: where the table lies.
        table: its name.
        where: what is so of the rows; all of it.
        as_of: version, or what else a snapshot can be asked by; by default the newest.
        limit: how many rows to look up, at least 1.

    Raises:
        ConfigError: there is no such table, version or column, or `where` cannot be asked of it.
        WrongTableError: Headrace did not make the table, or its quarantine is gone.
        UnsupportedTableError: another tool gave it deletion vectors.
        TableDamagedError: a file of it is not what the log says it is.
        StoreError, AccessDeniedError: it cannot be read.
    """
    refuse_quarantine(table)
    locator = Locator(lake.store, table)
    topic = locator.log.identity.topic
    snapshot = lake.snapshot(table, as_of)
    rows = _first(snapshot, where, limit + 1)
    told = tuple(RowOrigin(row, locator.locate(row["_partition"], row["_offset"])) for row in rows[:limit])
    return RowOrigins(table, topic, snapshot.version, told, len(rows) > limit)


def _first(snapshot: Snapshot, where: Sequence[pl.Expr], limit: int) -> list[dict[str, Any]]:
    """The first rows by their records; places first, as whole rows would all be held to be sorted."""
    address = ["_partition", "_offset"]
    found = snapshot.frame().filter(*where)
    places = collected(found.select(address).sort(address).head(limit), snapshot)
    return collected(found.join(places.lazy(), on=address, how="semi"), snapshot).sort(address).to_dicts()


def is_value(schema: pl.Schema, column: str, text: str) -> pl.Expr:
    """Whether a column has the value that a text says; an empty text is null where the column holds no texts.

    Raises:
        ConfigError: there is no such column, or the text is no value of it.
    """
    if column not in schema:
        msg = f"there is no column {column}: name one of {', '.join(schema)}"
        raise ConfigError(msg)
    try:
        return pl.col(column).eq_missing(pl.lit(_value(schema[column], text), schema[column]))
    except (ValueError, KeyError, pl.exceptions.PolarsError):
        msg = f"{text!r} is no value of column {column}, which is of type {schema[column]}"
        raise ConfigError(msg) from None


def _value(dtype: pl.DataType, text: str) -> object:
    if text == "" and dtype != pl.String:
        return None
    match dtype:
        case pl.String():
            return text
        case pl.Boolean():
            return {"true": True, "false": False}[text.lower()]
        case pl.Date():
            return date.fromisoformat(text)
        case pl.Datetime():
            return _instant(text)
    return pl.Series([text]).cast(dtype).item()


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        msg = "without an offset it is no instant"
        raise ValueError(msg)
    return moment.astimezone(UTC)


def condition(schema: pl.Schema, text: str) -> pl.Expr:
    """A condition as it stands after WHERE in SQL.

    Raises:
        ConfigError: it is none, or cannot be asked of these columns.
    """
    try:
        asked = pl.sql_expr(text)
        answer = pl.LazyFrame(schema=schema).select(asked).collect_schema().dtypes()
    except pl.exceptions.PolarsError as error:
        msg = f"{text!r} cannot be asked of columns {', '.join(schema)}: {error}"
        raise ConfigError(msg) from None
    if answer != [pl.Boolean()]:
        msg = f"{text!r} is no condition: write one such as symbol = 'SPY' AND price > 3"
        raise ConfigError(msg)
    return asked
