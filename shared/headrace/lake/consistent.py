"""Several tables at one moment of their events' time.

Delta has no transaction over several tables, so none is asked for: each table is read where it holds everything up to
the same moment, and what is later is left out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from headrace.clock import Clock, SystemClock
from headrace.errors import AsOfError, ConfigError, NoTableError
from headrace.lake.as_of import aware
from headrace.lake.event_times import Partitions
from headrace.lake.happened import brought, event_time_of, happened
from headrace.lake.resolving import Resolver
from headrace.lake.snapshot import Snapshot
from headrace.lake.store import Store
from headrace.lake.tables import positions_in

Ends = Callable[[str], Mapping[int, int]]
"""Asks the broker for a table's topic: per partition one after the last offset there is."""


@dataclass(frozen=True)
class Consistent(Mapping[str, Snapshot]):
    """Snapshots by the names of their tables: every one holds all events up to the same moment.

    Attributes:
        moment: of the events' time.
        snapshots: one for each table.
        beyond: tables that hold some later events, too: they keep of each key the latest row, and what a row was
            before the flush that replaced it is not known.
    """

    moment: datetime
    snapshots: Mapping[str, Snapshot]
    beyond: frozenset[str]

    def __getitem__(self, table: str) -> Snapshot:
        return self.snapshots[table]

    def __iter__(self) -> Iterator[str]:
        return iter(self.snapshots)

    def __len__(self) -> int:
        return len(self.snapshots)


@dataclass(frozen=True)
class Patience:
    """What may be taken for complete.

    Attributes:
        late: by how much events of one partition may be out of order.
        ends: asks the broker, where quiet partitions are not to be waited for.
        clock: time.
    """

    late: timedelta = timedelta(0)
    ends: Ends | None = None
    clock: Clock = field(default_factory=SystemClock)


class _Table:
    """One of the tables, as it stands now."""

    def __init__(self, store: Store, name: str, patience: Patience) -> None:
        # The broker is asked first: what is durable of what it names is so in the version that is opened then.
        asked_at = patience.clock.now()
        ends = {} if patience.ends is None else patience.ends(name)
        self.name = name
        self.resolver = Resolver(store, name)
        event_time_of(self.resolver)
        positions = positions_in(self.resolver.handle)
        if not positions:
            msg = f"{name} records no positions, so nothing tells up to when it is complete: no worker fills it"
            raise ConfigError(msg)
        quiet = frozenset(p for p, end in ends.items() if positions.get(p, 0) >= end)
        self._partitions = Partitions(quiet, frozenset(positions.keys() | ends.keys()) - quiet, asked_at)

    def until(self) -> datetime | None:
        """Up to when it holds everything, as far as its newest commits tell; None if a partition tells nothing."""
        return self._partitions.until(brought(self.resolver))

    def lacking(self, needed: datetime) -> Sequence[int]:
        """Partitions of which nothing tells that it holds everything up to `needed`."""
        return sorted(self._partitions.lacking(needed, brought(self.resolver)))

    def complete(self, needed: datetime) -> Snapshot:
        """The first version that holds everything up to `needed`."""
        found = self._partitions.complete(needed, brought(self.resolver))
        return self.resolver.pinned(self.resolver.newest if found is None else found)


def consistent_at(store: Store, tables: Sequence[str], moment: datetime | None, patience: Patience) -> Consistent:
    """Reads tables at one moment of their events' time.

    Args:
        store: where they lie.
        tables: their names.
        moment: aware; None for the latest that all of them hold everything up to.
        patience: what may be taken for complete.

    Raises:
        AsOfError: a table does not hold all up to the moment, or a version can no longer be read.
        ConfigError: there is no such table or none at all, or one has no event time or no positions.
        StoreError, AccessDeniedError: a table cannot be read.
    """
    if not tables:
        msg = f"there is no table to be read under {store.root}: name some"
        raise NoTableError(msg)
    looked = [_Table(store, name, patience) for name in tables]
    if moment is None:
        moment = _latest(looked) - patience.late
    moment = aware(moment)
    for table in looked:
        lacking = table.lacking(moment + patience.late)
        if lacking:
            raise AsOfError(_lacking(table, moment, lacking, patience))
    beyond: set[str] = set()
    snapshots: dict[str, Snapshot] = {}
    for table in looked:
        try:
            snapshots[table.name] = happened(table.resolver, moment)
        except AsOfError:
            snapshots[table.name] = table.complete(moment + patience.late)
            beyond.add(table.name)
    return Consistent(moment, snapshots, frozenset(beyond))


def _latest(tables: Sequence[_Table]) -> datetime:
    found = {table.name: table.until() for table in tables}
    untold = [name for name, moment in found.items() if moment is None]
    if untold:
        msg = f"{', '.join(untold)} cannot tell up to when all events are there: a partition has not had any yet"
        raise AsOfError(msg)
    return min(moment for moment in found.values() if moment is not None)


def _lacking(table: _Table, moment: datetime, lacking: Sequence[int], patience: Patience) -> str:
    until = table.until()
    told = "" if until is None else f" It does up to {until - patience.late}: ask for that moment, or an earlier one."
    quiet = "" if patience.ends else " If those partitions are quiet, let the broker be asked: ends=..."
    listed = ", ".join(map(str, lacking))
    return f"{table.name} does not hold all up to {moment} of partitions {listed}.{told}{quiet}"
