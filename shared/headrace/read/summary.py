"""The tables of a lake at a glance, from their logs alone."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from headrace.errors import HeadraceError
from headrace.lake.contents import ActiveFile, active_files
from headrace.lake.listing import known_tables, refuse_half
from headrace.lake.quarantine import count_rows, quarantine_name
from headrace.lake.store import Store
from headrace.read.commits import CommitLog
from headrace.read.quarantine import QuarantineReader


@dataclass(frozen=True, slots=True)
class PartitionPosition:
    """Next offset to read of one partition of the topic."""

    partition: int
    position: int


@dataclass(frozen=True, slots=True)
class TableSummary:
    """One table; where `problem` says why it cannot be read, the rest is None or empty.

    Attributes:
        table: its name.
        topic, contract: what it is filled from, and by which contract; None of one made by hand.
        version: the newest.
        committed_at: when that was made; claims and foreign commits count too.
        rows: of all data files; None if one does not tell.
        files: active data files.
        bytes: of these files.
        quarantined: records in the quarantine, without those that a replay brought home.
        positions: of each partition that the table records one of.
        time_travel_days: for how long the last version of each day stays readable; None if it is not promised.
        problem: one sentence.
        exit_code: of the failure that it tells; 0 without one.
    """

    table: str
    topic: str | None = None
    contract: str | None = None
    version: int | None = None
    committed_at: datetime | None = None
    rows: int | None = None
    files: int | None = None
    bytes: int | None = None
    quarantined: int | None = None
    positions: tuple[PartitionPosition, ...] = ()
    time_travel_days: float | None = None
    problem: str | None = None
    exit_code: int = 0


def summarise(store: Store, tables: Collection[str] = ()) -> tuple[TableSummary, ...]:
    """Tables of those names, or every table of the lake; one that cannot be read hides no other.

    Raises:
        ConfigError: there is no such table, or none at all.
        StoreError, AccessDeniedError: the root cannot be read.
    """
    found = known_tables(store, tables)
    fed = tuple(_summary_or_problem(summarise_table, store, name) for name in found.fed)
    return fed + tuple(_summary_or_problem(_by_hand, store, name) for name in found.by_hand)


def _summary_or_problem(one: Callable[[Store, str], TableSummary], store: Store, table: str) -> TableSummary:
    try:
        return one(store, table)
    except HeadraceError as error:
        return TableSummary(table, problem=str(error), exit_code=error.exit_code)


def summarise_table(store: Store, table: str) -> TableSummary:
    """One table.

    Raises:
        ConfigError: there is no such table.
        WrongTableError: Headrace did not make it, or its quarantine is gone.
        LogDamagedError: its newest commit is torn.
        StoreError, AccessDeniedError: it cannot be read.
    """
    refuse_half(store, table)
    log = CommitLog(store, table)
    identity, daily = log.identity, log.retention.daily
    files = active_files(store, table)
    newest = log.commit(log.version)
    return TableSummary(
        table=table,
        topic=identity.topic,
        contract=identity.contract,
        version=log.version,
        committed_at=None if newest is None else newest.time,
        rows=_total([file.rows for file in files]),
        files=len(files),
        bytes=sum(file.size for file in files),
        quarantined=_quarantined(store, log),
        positions=_positions(log, max(identity.partitions, _partitions_seen(files))),
        time_travel_days=None if daily is None else daily / timedelta(days=1),
    )


def _by_hand(store: Store, table: str) -> TableSummary:
    """One that people made: it has no topic, no contract, no quarantine and no positions."""
    log = CommitLog(store, table)
    files, newest, daily = active_files(store, table), log.commit(log.version), log.retention.daily
    return TableSummary(
        table=table,
        version=log.version,
        committed_at=None if newest is None else newest.time,
        rows=_total([file.rows for file in files]),
        files=len(files),
        bytes=sum(file.size for file in files),
        time_travel_days=None if daily is None else daily / timedelta(days=1),
    )


def _total(counts: list[int | None]) -> int | None:
    return None if None in counts else sum(count for count in counts if count is not None)


def _quarantined(store: Store, log: CommitLog) -> int:
    """Only after a replay the rows have to be looked at: until then none is marked."""
    if log.has_replays:
        return sum(QuarantineReader(store.root, log.table).counts().values())
    return count_rows(store, quarantine_name(log.table))


def _positions(log: CommitLog, partitions: int) -> tuple[PartitionPosition, ...]:
    found = ((partition, log.position(partition)) for partition in range(partitions))
    return tuple(PartitionPosition(partition, position) for partition, position in found if position is not None)


def _partitions_seen(files: list[ActiveFile]) -> int:
    """The table notes how many partitions there were at first; those added since show in its rows."""
    return 1 + max((file.partitions.high for file in files if file.partitions is not None), default=-1)
