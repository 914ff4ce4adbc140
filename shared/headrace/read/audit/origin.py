"""Which record and which commit brought a row: from what a row says to its place in the topic and in the log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from headrace.errors import ConfigError
from headrace.lake import Lake
from headrace.lake.as_of import AsOf
from headrace.lake.failures import said
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

    row: Mapping[str, object]
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
    try:
        places = collected(found.select(address).sort(address).head(limit), snapshot)
    except pl.exceptions.PolarsError as error:
        msg = f"that cannot be asked of every row of {snapshot.table}: {said(error)}"
        raise ConfigError(msg) from error
    return collected(found.join(places.lazy(), on=address, how="semi"), snapshot).sort(address).to_dicts()
