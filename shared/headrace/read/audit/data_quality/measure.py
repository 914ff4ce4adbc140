"""How good the data of a table is: what was refused, what is null, what came late, and what is there twice.

Every number is exact. The table is read once, and its keys once more for each share of them, so that memory follows
neither rows nor days.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import polars as pl

from headrace.contracts import PARTITION_COLUMN, Contract
from headrace.errors import ConfigError
from headrace.lake import Lake
from headrace.lake.frames import all_collected, collected, telling
from headrace.lake.listing import refuse_half, refuse_quarantine
from headrace.lake.quarantine import quarantine_name
from headrace.lake.snapshot import Snapshot
from headrace.read.audit.data_quality.duplicates import find_copies
from headrace.read.audit.data_quality.report import (
    AHEAD,
    ColumnProfile,
    QualityReport,
    Rejects,
    Scope,
    Timeliness,
    Window,
)
from headrace.read.commits import CommitLog

_LANDED = "_ingested_at"
_MOST_REJECTS = 100
_TEXT_SHOWN = 64

# What stands before the first colon of a detail: `legs.0.price: ...` is about `legs`.
_FIELD = r"^([A-Za-z_][A-Za-z0-9_]*)(?:\.[A-Za-z0-9_]+)*: "

_ANYTHING = Scope()


def quality(lake: Lake, contract: Contract, scope: Scope = _ANYTHING) -> QualityReport:
    """Looks through a table and its quarantine, as they stand now.

    Args:
        lake: where they lie.
        contract: of the table.
        scope: what the report is about.

    Raises:
        ConfigError: there is no such table, or the scope names a column that it does not have.
        WrongTableError: it is not the contract's, or its quarantine is gone.
        TableDamagedError: a file of them is not what the log says it is.
        StoreError, AccessDeniedError: it cannot be read.
    """
    table = contract.name
    refuse_quarantine(table)
    refuse_half(lake.store, table)
    _ = CommitLog(lake.store, table).identity
    snapshot = lake.snapshot(table)
    rows = snapshot.frame()
    schema = rows.collect_schema()
    key = _key(contract, scope, schema)
    profile, landed = all_collected(
        [_profile(rows.filter(*scope.holds(_LANDED)), schema), _landed(rows, contract, scope)], snapshot
    )
    refused = _refused(lake.snapshot(quarantine_name(table)), scope)
    count = int(landed["rows"].sum())
    with telling(lambda: [snapshot]):
        copies = find_copies(rows, key, scope, count=count) if key else None
    rejected = int(refused["records"].sum())
    return QualityReport(
        table=table,
        version=snapshot.version,
        since=scope.since,
        until=scope.until,
        by=scope.by,
        late_after_seconds=scope.late_after.total_seconds(),
        rows=count,
        rejected=rejected,
        resolved=int(refused["resolved"].sum()),
        columns=_columns(profile, schema),
        rejects=_rejects(refused),
        timeliness=None if contract.event_time is None else _timeliness(landed),
        duplicates=None if copies is None else copies.told,
        windows=_windows(landed, refused, {} if copies is None else copies.rows),
    )


def _key(contract: Contract, scope: Scope, schema: pl.Schema) -> tuple[str, ...]:
    """What names an event; nothing if nobody says so."""
    unknown = [name for name in scope.key if name not in schema]
    if unknown:
        msg = f"{contract.name} has no column {', '.join(unknown)}: name some of {', '.join(schema)}"
        raise ConfigError(msg)
    if scope.key or contract.table.key:
        return scope.key or contract.table.key
    return () if contract.event_id is None else (contract.event_id,)


def _profiled(schema: pl.Schema) -> Iterator[tuple[str, pl.DataType]]:
    """Columns that come from events."""
    return ((name, dtype) for name, dtype in schema.items() if name != PARTITION_COLUMN and not name.startswith("_"))


def _profile(rows: pl.LazyFrame, schema: pl.Schema) -> pl.LazyFrame:
    """One row: of each column the number of nulls, the lowest and the highest value."""
    asked = []
    for name, dtype in _profiled(schema):
        column = pl.col(name)
        asked.append(column.null_count().alias(f"nulls of {name}"))
        if not dtype.is_nested():
            ends = column.min(), column.max()
            lowest, highest = (end.str.slice(0, _TEXT_SHOWN) if dtype == pl.String else end for end in ends)
            asked += [lowest.alias(f"lowest of {name}"), highest.alias(f"highest of {name}")]
    return rows.select(asked)


def _columns(profile: pl.DataFrame, schema: pl.Schema) -> tuple[ColumnProfile, ...]:
    found = profile.row(0, named=True)
    types = pl.DataFrame(schema=schema).to_arrow().schema
    return tuple(
        ColumnProfile(
            name,
            str(types.field(name).type).removeprefix("large_"),
            found[f"nulls of {name}"],
            found.get(f"lowest of {name}"),
            found.get(f"highest of {name}"),
        )
        for name, _ in _profiled(schema)
    )


def _landed(rows: pl.LazyFrame, contract: Contract, scope: Scope) -> pl.LazyFrame:
    """Per window how many rows landed, and how late."""
    counts = [pl.len().alias("rows")]
    if contract.event_time is not None:
        event, landed = pl.col(contract.event_time), pl.col(_LANDED)
        sent = pl.coalesce("_kafka_timestamp", _LANDED)
        late = landed - event > scope.late_after
        counts += [
            late.sum().alias("late"),
            (late & (sent - event > scope.late_after)).sum().alias("sent_late"),
            (late & (event.dt.date() < landed.dt.date())).sum().alias("older_day"),
            (event - sent > AHEAD).sum().alias("ahead"),
            (landed - event).max().alias("most"),
        ]
    return rows.filter(*scope.holds(_LANDED)).group_by(scope.window(_LANDED)).agg(counts)


def _timeliness(landed: pl.DataFrame) -> Timeliness:
    most = landed["most"].max()
    return Timeliness(
        late=int(landed["late"].sum()),
        sent_late=int(landed["sent_late"].sum()),
        older_day=int(landed["older_day"].sum()),
        ahead=int(landed["ahead"].sum()),
        most_seconds=most.total_seconds() if isinstance(most, timedelta) else None,
    )


def _refused(quarantine: Snapshot, scope: Scope) -> pl.DataFrame:
    """Per window, reason, field and partition how many records were refused, and the last of them."""
    counted = (
        quarantine.frame()
        .filter(*scope.holds("quarantined_at"))
        .group_by(
            scope.window("quarantined_at"),
            "reason",
            pl.col("detail").str.extract(_FIELD).alias("field"),
            pl.col("_partition").alias("partition"),
        )
        .agg(
            pl.len().alias("records"),
            pl.col("resolution").count().alias("resolved"),
            pl.col("quarantined_at").min().alias("first_at"),
            pl.col("quarantined_at").max().alias("last_at"),
            pl.col("_offset").max().alias("offset"),
            pl.col("detail").max_by("_offset"),
        )
    )
    return collected(counted, quarantine)


def _rejects(refused: pl.DataFrame) -> tuple[Rejects, ...]:
    kinds = (
        refused.sort("last_at", "partition")
        .group_by("reason", "field")
        .agg(
            pl.col("records", "resolved").sum(),
            pl.col("first_at").min(),
            pl.col("last_at").max(),
            pl.col("partition", "offset", "detail").last(),
        )
        .sort("records", "reason", "field", descending=[True, False, False])
    )
    return tuple(Rejects(**row) for row in kinds.head(_MOST_REJECTS).to_dicts())


def _windows(landed: pl.DataFrame, refused: pl.DataFrame, copies: Mapping[datetime, int]) -> tuple[Window, ...]:
    found: dict[datetime, dict[str, int]] = {}
    for row in landed.to_dicts():
        told = {name: int(row.get(name, 0)) for name in ("rows", "late", "older_day", "ahead")}
        found[row["start"]] = {**told, "duplicates": copies.get(row["start"], 0)}
    for start, records in refused.group_by("start").agg(pl.col("records").sum()).rows():
        found.setdefault(start, {})["rejects"] = records
    return tuple(Window(start, **told) for start, told in sorted(found.items()))
