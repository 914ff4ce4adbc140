"""Optimize and vacuum when somebody asks for them: by the lease, the proof and the retention of maintenance."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pyarrow as pa
import pyarrow.types as pt

from headrace.clock import Clock, SystemClock
from headrace.contracts import QUARANTINE_SUFFIX, Contract
from headrace.errors import ConfigError, InvariantError, WrongTableError
from headrace.lake.by_hand.opening import by_whom, opened
from headrace.lake.by_hand.writing import columns_of, layout_of
from headrace.lake.datafile import FileLayout
from headrace.lake.layouts import file_layout
from headrace.lake.log import DeltaLog
from headrace.lake.quarantine import quarantine_layout
from headrace.lake.store import Store
from headrace.lake.tables import CONTRACT
from headrace.lake.upkeep.compaction import Exchanger, Merge, rewrite_files
from headrace.lake.upkeep.garbage import Garbage
from headrace.lake.upkeep.lease import Lease, take_lease
from headrace.lake.upkeep.stats import Asked, TableFile, TableStats, gather
from headrace.sections import MIB

TARGET_MIB = 128
CHECKPOINT_VERSIONS = 100
"""A checkpoint is written when the newest is so many versions old: who opens the table reads these one by one."""
_SMALL = 0.75
_ORPHANS = 20

_CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class Optimized:
    """What came of an optimize.

    Attributes:
        version: the newest.
        files_before, files_after: data files.
        merges: files that were written in the place of others.
        told: why nothing was done; None if that is not so.
    """

    version: int
    files_before: int
    files_after: int
    merges: int
    told: str | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """How files shall lie.

    Attributes:
        z_order: columns that rows near to each other lie near by; none to leave their order as it is.
        target_mib: size of the files that are aimed at. Rows of one are held in memory.
    """

    z_order: Sequence[str] = ()
    target_mib: int = TARGET_MIB


def optimize(
    store: Store, table: str, wish: Wish, *, contracts: Mapping[str, Contract], clock: Clock = _CLOCK
) -> Optimized:
    """Merges small files, or with `z_order` puts all rows of each partition in an order; not a row changes.

    Args:
        store: where the table lies.
        table: its folder; workers may fill it, and go on meanwhile.
        wish: what it shall be like.
        contracts: known ones, by name: files of their tables get all that they ask for.
        clock: time.

    Raises:
        ConfigError: there is no such table or column.
        WrongTableError: another tool gave it what is not known here.
        MaintenanceHeldError: another process maintains it now.
        InvariantError: rows are not the same before and after, or were found so before.
        CommitTimeoutError: other commits kept coming first.
        StoreError, AccessDeniedError: the store failed; what was done is done.
    """
    log = opened(store, table)
    layout = _layout(log, contracts)
    order = _order(columns_of(log), layout, wish.z_order)
    before = _look(store, table, clock)
    if before.protected is not None:
        return Optimized(before.version, len(before.files), len(before.files), 0, before.protected)
    with _held(store, table, clock) as lease:
        merges = [
            merge for merge in plan(before.files, order, wish.target_mib * MIB) if _exchange(lease, layout, merge)
        ]
        if _look(store, table, clock).since_checkpoint >= CHECKPOINT_VERSIONS:
            DeltaLog(store, table).checkpoint()
    after = _look(store, table, clock)
    told = None if merges else "no files are worth merging"
    return Optimized(after.version, len(before.files), len(after.files), len(merges), told)


def plan(files: Sequence[TableFile], order: tuple[str, ...], target: int) -> Iterator[Merge]:
    """Which files become one: those of a partition in the order of their age, up to `target` bytes at a time. Pure."""
    for value in dict.fromkeys(file.value for file in files):
        here = [file for file in files if file.value == value]
        chosen = here if order else [file for file in here if not file.sealed and file.weight < _SMALL * target]
        for group in _groups(sorted(chosen, key=lambda file: (file.modified, file.path)), target):
            if order or len(group) > 1:
                yield Merge(tuple(group), seal=bool(order), cluster_by=order)


def _groups(files: Sequence[TableFile], target: int) -> Iterator[list[TableFile]]:
    group: list[TableFile] = []
    for file in files:
        if group and sum(each.weight for each in group) + file.weight > target:
            yield group
            group = []
        group.append(file)
    if group:
        yield group


def _exchange(lease: Lease, layout: FileLayout, merge: Merge) -> bool:
    """Whether one merge went through; not if another writer has replaced one of its files."""
    made = rewrite_files(lease.store, layout, merge)
    lease.renew()  # whoever has lost it commits nothing
    reason = f"z-order by {', '.join(merge.cluster_by)}" if merge.seal else "asked for"
    note = {
        "worker": by_whom(),
        "epoch": lease.record.epoch,
        "job": "seal" if merge.seal else "compact",
        "reason": reason,
    }
    return Exchanger(lease.store, lease.table, note, time.sleep).exchange(merge, made).version is not None


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """What came of a vacuum.

    Attributes:
        files: paths that were deleted, or would be.
        told: why some that nobody names were left; None if none were.
    """

    files: tuple[str, ...]
    told: str | None = None


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a vacuum takes.

    Attributes:
        hours: for how long files are kept that left the table; no less than its retention.
        orphans: whether files go, too, that no version names and that are older than that.
        dry_run: only say what would go.
    """

    hours: float = 168
    orphans: bool = False
    dry_run: bool = False


def vacuum(store: Store, table: str, sweep: Sweep, *, clock: Clock = _CLOCK) -> Vacuumed:
    """Deletes files that nobody can need any more, and commits nothing.

    Args:
        store: where the table lies.
        table: its folder; workers may fill it, and go on meanwhile.
        sweep: what goes.
        clock: time.

    Raises:
        ConfigError: there is no such table, or it keeps files for longer than `hours`.
        WrongTableError: another tool gave it what is not known here.
        MaintenanceHeldError: another process maintains it now.
        InvariantError: a file that is part of the table is listed to go: nothing went.
        StoreError, AccessDeniedError: the store failed; what was deleted is deleted.
    """
    opened(store, table)
    asked = Asked(any_table=True, file_retention=timedelta(hours=sweep.hours))
    garbage = Garbage(store, table, clock, asked)
    stats = garbage.look()
    _check_known(store, stats)
    if stats.file_retention > asked.file_retention:
        kept = stats.file_retention / timedelta(hours=1)
        msg = f"{table} keeps files that left it for {kept:g} hours, and {sweep.hours:g} are less: nothing was deleted"
        raise ConfigError(msg)
    if sweep.dry_run:
        return Vacuumed((*sorted(stats.expired), *(garbage.orphans(stats) if sweep.orphans else ())))
    with _held(store, table, clock):
        garbage.delete_expired()
        if not sweep.orphans:
            return Vacuumed(tuple(sorted(stats.expired)))
        orphans = tuple(garbage.orphans(stats))
        left = garbage.delete_orphans(_ORPHANS).aborted
    return Vacuumed((*sorted(stats.expired), *(() if left else orphans)), left)


def _look(store: Store, table: str, clock: Clock) -> TableStats:
    stats = gather(store, table, now=clock.now(), asked=Asked(any_table=True))
    _check_known(store, stats)
    return stats


def _check_known(store: Store, stats: TableStats) -> None:
    if stats.foreign is not None:
        msg = f"{store.uri(stats.table)} is left alone: {stats.foreign}"
        raise WrongTableError(msg)


@contextmanager
def _held(store: Store, table: str, clock: Clock) -> Iterator[Lease]:
    """The lease, given back at the end; blocked when something was found that cannot be."""
    for folder in (table, f"{table}/_delta_log"):
        store.check_writable(folder)
    lease = take_lease(store, table, by_whom(), clock)
    try:
        yield lease
    except InvariantError as violation:
        lease.block(str(violation))
        raise
    finally:
        lease.release()


def _layout(log: DeltaLog, contracts: Mapping[str, Contract]) -> FileLayout:
    """As the table's own writer lays out its files, as far as that is known."""
    if log.table.endswith(QUARANTINE_SUFFIX):
        return quarantine_layout(log.table.removesuffix(QUARANTINE_SUFFIX))
    contract = contracts.get(log.properties.get(CONTRACT, ""))
    known = {field.name for field in log.schema.fields}
    if contract is None or not set(file_layout(contract).statistics) <= known:
        return layout_of(log)
    return replace(file_layout(contract), bloom_filters=frozenset(contract.table.bloom_filters))


def _order(columns: pa.Schema, layout: FileLayout, named: Sequence[str]) -> tuple[str, ...]:
    for name in named:
        if name not in columns.names or pt.is_nested(columns.field(name).type):
            msg = f"z_order names {name}: name columns of single values among {', '.join(columns.names)}"
            raise ConfigError(msg)
    return tuple(name for name in named if name != layout.partition_column)
