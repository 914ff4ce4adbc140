"""What had happened by a moment of the events' own time, as far as a table can tell."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import unquote

import polars as pl

from headrace.errors import AsOfError, ConfigError
from headrace.lake.event_times import Brought, Untold, standing
from headrace.lake.frames import collected
from headrace.lake.latest.live import committed
from headrace.lake.latest.order import OFFSET, PARTITION, STAMP
from headrace.lake.log import NOTE, commit_info, time_in
from headrace.lake.resolving import Resolver
from headrace.lake.snapshot import Snapshot, View
from headrace.lake.tables import EVENT_TIME, LATEST


def brought(resolver: Resolver) -> Iterator[Brought]:
    """What commits say of the events that they brought, the newest first, as far back as the log tells.

    Raises:
        TableDamagedError: a commit is torn.
        StoreError, AccessDeniedError: the log cannot be read.
    """
    for version in range(resolver.newest, -1, -1):
        info = commit_info(resolver.store, resolver.table, version)
        if info is None:
            return
        found = Brought.of(version, time_in(info), info.get(NOTE) or {})
        # Columns and properties are changed by commits that bring nothing, whoever makes them.
        nothing = found.events is None and not found.times and not _changes_rows(resolver, version)
        yield replace(found, events=0) if nothing else found


def _changes_rows(resolver: Resolver, version: int) -> bool:
    actions = committed(resolver.store, resolver.table, version)
    files = [each.get("add") or each.get("remove") for each in actions]
    return any(file.get("dataChange", True) for file in files if file)


def event_time_of(resolver: Resolver) -> str:
    """The column of event times.

    Raises:
        ConfigError: the table has none.
    """
    column = resolver.properties.get(EVENT_TIME)
    if column is None:
        msg = (
            f"{resolver.table} has no property {EVENT_TIME}, so nothing says which column is the time of its events: "
            "filter the one that is, of the newest version"
        )
        raise ConfigError(msg)
    return column


def keeps_all(resolver: Resolver, column: str) -> bool:
    """Whether every event that is a row once stays one, but for the same event told anew."""
    return not resolver.keeps_latest or column in _key(resolver)


def happened(resolver: Resolver, moment: datetime) -> Snapshot:
    """The rows as of an event time.

    Raises:
        AsOfError: the table keeps of each key the latest row, and nothing tells what it was at that time.
        ConfigError: the table has no event time.
        TableDamagedError: a file is not what the log says it is.
        StoreError, AccessDeniedError: the table cannot be read.
    """
    column = event_time_of(resolver)
    by_then = pl.col(column) <= moment
    if keeps_all(resolver, column):
        return resolver.snapshot(resolver.handle, View(lambda rows: rows.filter(by_then)))
    _refuse_tombstones(resolver)
    found = standing(moment, resolver.newest, brought(resolver), lambda version: _latest(resolver, version) <= moment)
    if isinstance(found, Untold):
        raise AsOfError(_untold(resolver.table, moment, found))
    key = _key(resolver)
    late = [_rows_of(resolver, version) for version in found.more]
    if not late:
        return resolver.pinned(found.version)

    def winners(rows: pl.LazyFrame) -> pl.LazyFrame:
        every = pl.concat([rows, *late], how="diagonal").filter(by_then)
        # A record without a timestamp counts as older than any with one.
        rank = [pl.col(column), pl.col(STAMP).fill_null(_LONG_AGO), pl.col(PARTITION), pl.col(OFFSET)]
        return every.sort(rank).unique(key, keep="last", maintain_order=True)

    return resolver.pinned(found.version, View(winners))


_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


def _key(resolver: Resolver) -> Sequence[str]:
    return [str(name) for name in json.loads(resolver.properties[LATEST])["key"]]


def _refuse_tombstones(resolver: Resolver) -> None:
    if json.loads(resolver.properties[LATEST])["tombstones"] == "delete":
        msg = (
            f"{resolver.table} as of an event time cannot be told: tombstones delete its rows, and they have no event "
            "time; read it as of a commit time or a position"
        )
        raise AsOfError(msg)


def _latest(resolver: Resolver, version: int) -> datetime:
    """No event of a version is later."""
    column = event_time_of(resolver)
    snapshot = resolver.pinned(version)
    return collected(snapshot.frame().select(pl.col(column).max()), snapshot).item() or _LONG_AGO


def _rows_of(resolver: Resolver, version: int) -> pl.LazyFrame:
    """Rows of the files that a commit added: what it brought, and earlier rows that it moved."""
    actions = committed(resolver.store, resolver.table, version)
    stayed = {each["remove"]["path"] for each in actions if "remove" in each}
    added = [each["add"] for each in actions if "add" in each and each["add"]["path"] not in stayed]
    schema = resolver.snapshot(resolver.handle).frame().collect_schema()
    parts = []
    for add in added:
        path = f"{resolver.table}/{unquote(add['path'])}"
        if resolver.store.size(path) is None:
            resolver.refuse(f"what version {version} brought to it", path)
        values = [pl.lit(value).cast(schema[name]).alias(name) for name, value in add["partitionValues"].items()]
        rows = pl.scan_parquet(resolver.store.uri(path), hive_partitioning=False)
        parts.append(rows.with_columns(values))
    return pl.concat(parts, how="diagonal") if parts else pl.LazyFrame()


def _untold(table: str, moment: datetime, found: Untold) -> str:
    bounds = found.commit.bounds
    when = "" if bounds is None else f" It brought events of {bounds[0]} to {bounds[1]}:"
    version = found.commit.version
    return (
        f"{table} as of event time {moment} cannot be told: version {version} {found.why}.{when} "
        f"version {version - 1} has none of them, version {version} has what is left of all"
    )
