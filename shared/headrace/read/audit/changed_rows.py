"""What changed between two versions of a table, row by row: what was added, replaced and deleted.

Only files that the two versions do not share are read. Where rows only come, and all commits between are Headrace's,
positions tell new rows from rows that were merely moved, and no row is held in memory. Elsewhere the rows of these
files are compared with each other.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import polars as pl

from headrace.contracts import QUARANTINE_SUFFIX
from headrace.errors import ConfigError
from headrace.lake import Lake
from headrace.lake.as_of import AsOf
from headrace.lake.snapshot import Snapshot
from headrace.read.audit.difference import difference
from headrace.read.audit.parts import Parts
from headrace.read.commits import CommitLog
from headrace.read.proof.findings import UnsupportedTableError

CHANGE, BEFORE, AFTER = "_change", "before", "after"
_ADDRESS = ("_partition", "_offset")
_BRING_ROWS = ("ingest", "replay")

Replayed = Mapping[int, Sequence[int]]
"""Offsets by partition."""


def changes(lake: Lake, table: str, since: AsOf, until: AsOf = None) -> pl.LazyFrame:
    """What makes version `until` of a table out of version `since`: one row per row that changed.

    `_change` is `insert`, `update` or `delete`. What names the row follows: of a table of latest rows its key, of
    others `_partition` and `_offset`. `before` and `after` are the whole row, null where there was or is none. What
    came and went in between does not show, nor does a row that was only moved to another file.

    Args:
        lake: where the table lies.
        table: its name; a quarantine shows what a replay has resolved as updates.
        since: version, or what else a snapshot can be asked by.
        until: likewise, by default the newest.

    Raises:
        ConfigError: there is no such table or version, it is no longer readable, `since` is the later one, or what was
            asked by is a part of a version: a position within a flush, or an event time.
        WrongTableError: Headrace did not make the table.
        UnsupportedTableError: another tool gave it deletion vectors.
        StoreError, AccessDeniedError: it cannot be read.
    """
    log = CommitLog(lake.store, table)
    if log.masks_rows and log.identity.rule is None:
        msg = f"another tool gave {table} deletion vectors: what a file holds may be deleted"
        raise UnsupportedTableError(msg)
    before, after = whole_version(lake, table, since), whole_version(lake, table, until)
    if before.version > after.version:
        msg = f"version {before.version} of {table} is later than version {after.version}: name the earlier one first"
        raise ConfigError(msg)
    return _changes(log, before, after)


def whole_version(lake: Lake, table: str, as_of: AsOf) -> Snapshot:
    """The version that is asked for.

    Raises:
        ConfigError: there is none, or what is asked for is a part of one: a position within a flush, or an event time.
        StoreError, AccessDeniedError: the table cannot be read.
    """
    snapshot = lake.snapshot(table, as_of)
    if not snapshot.is_whole:
        msg = (
            f"what was asked by means a part of version {snapshot.version} of {table}, and changes are told of whole "
            "ones: name a version, or the time of a commit"
        )
        raise ConfigError(msg)
    return snapshot


def _changes(log: CommitLog, before: Snapshot, after: Snapshot) -> pl.LazyFrame:
    rule = log.identity.rule
    parts = Parts(log.store, log.table, after.frame().collect_schema())
    lost = difference(log.store, log.table, before.version, after.version)
    old, new = parts.scan(lost.before), parts.scan(lost.after)
    replayed = None if rule is not None else _replayed(log, before.version + 1, after.version)
    if replayed is None:
        return _compared(old, new, _ADDRESS if rule is None else rule.key)
    is_read_since = _is_read_since(before.positions)
    home = _brought_home(new.filter(~is_read_since), replayed)
    return _added(pl.concat([new.filter(is_read_since), home]))


def _replayed(log: CommitLog, first: int, last: int) -> Replayed | None:
    """What replays brought home in some versions; None if one of them may have done more than Headrace does."""
    found: dict[int, list[int]] = defaultdict(list)
    if log.table.endswith(QUARANTINE_SUFFIX):
        return None  # its rows are marked, and it has no positions
    for version in range(first, last + 1):
        commit = log.commit(version)
        if commit is None:
            return None
        kind = commit.origin.kind if commit.origin else None
        moves_rows = any(file.data_change for files in (commit.adds, commit.removes) for file in files)
        if kind == "rewind" or (moves_rows and kind not in _BRING_ROWS):
            return None
        for partition, offsets in (commit.origin.offsets if commit.origin else {}).items():
            found[partition] += offsets
    return found


def _is_read_since(positions: Mapping[int, int]) -> pl.Expr:
    """Whether the record of a row lies at or after the position of its partition."""
    position = pl.col("_partition").replace_strict(
        list(positions), list(positions.values()), default=0, return_dtype=pl.Int64
    )
    return pl.col("_offset") >= position


def _brought_home(rows: pl.LazyFrame, replayed: Replayed) -> pl.LazyFrame:
    places = [(partition, offset) for partition, offsets in replayed.items() for offset in offsets]
    named = pl.LazyFrame(places, schema={"_partition": pl.Int32, "_offset": pl.Int64}, orient="row")
    return rows.join(named, on=_ADDRESS, how="semi")


def _added(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Rows that are new."""
    after = pl.struct(pl.all())
    return rows.select(
        pl.lit("insert").alias(CHANGE),
        *_ADDRESS,
        pl.when(pl.lit(value=False)).then(after).alias(BEFORE),
        after.alias(AFTER),
    )


def _compared(old: pl.LazyFrame, new: pl.LazyFrame, name: Sequence[str]) -> pl.LazyFrame:
    """Pairs of rows of one name that say something else, or of which there is one."""
    left = old.select(*name, pl.struct(pl.all()).alias(BEFORE))
    right = new.select(*name, pl.struct(pl.all()).alias(AFTER))
    change = (
        pl.when(pl.col(BEFORE).is_null())
        .then(pl.lit("insert"))
        .when(pl.col(AFTER).is_null())
        .then(pl.lit("delete"))
        .otherwise(pl.lit("update"))
    )
    return (
        left.join(right, on=name, how="full", coalesce=True)
        .filter(pl.col(BEFORE).ne_missing(pl.col(AFTER)))
        .select(change.alias(CHANGE), *name, BEFORE, AFTER)
    )
