"""Goes round the tables for their numbers: a failure of one keeps no other waiting."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from headrace.clock import Clock, Deadline
from headrace.contracts import Contract
from headrace.lake.store import Store
from headrace.lake.upkeep.debt import read_debt
from headrace.lake.upkeep.lease import read_record
from headrace.metrics import tables
from headrace.metrics.recorder import Sample
from headrace.sections import ExportSettings, MaintainSettings
from headrace_exporter.board import Board
from headrace_exporter.look import TableLooker
from headrace_exporter.numbers import numbers


@dataclass(frozen=True)
class Aims:
    """What tables are judged by.

    Attributes:
        policy: of maintenance.
        export: how often what is looked at.
        contracts: say which column has the time of an event.
    """

    policy: MaintainSettings
    export: ExportSettings
    contracts: Mapping[str, Contract]


@dataclass
class _Watched:
    looker: TableLooker
    full_due: Deadline


class Exporter:
    """Looks at every table again and again. One thread uses it.

    Args:
        store: the lake.
        tables: asked at every round which there are.
        aims: what they are judged by.
        board: shows what is found.
        clock: time.
    """

    def __init__(
        self, store: Store, tables: Callable[[], Sequence[str]], *, aims: Aims, board: Board, clock: Clock
    ) -> None:
        self._store = store
        self._tables = tables
        self._aims = aims
        self._board = board
        self._clock = clock
        self._watched: dict[str, _Watched] = {}

    def turn(self, stopping: Callable[[], bool], tick: Callable[[], None]) -> None:
        """Looks at each table once.

        Args:
            stopping: asked between two tables whether to end.
            tick: told of each table.
        """
        names = self._tables()
        for gone in self._watched.keys() - set(names):
            del self._watched[gone]
        self._board.keep(names)
        for name in names:
            if stopping():
                return
            tick()
            self._look(name)

    def _look(self, name: str) -> None:
        if name not in self._watched:
            contract = self._aims.contracts.get(name)
            event_time = None if contract is None else contract.event_time
            looker = TableLooker(self._store, name, event_time, self._clock)
            self._watched[name] = _Watched(looker, Deadline.after(0, self._clock))
        watched = self._watched[name]
        full = watched.full_due.expired()
        with self._board.look(name, "full" if full else "log"):
            census = watched.looker.full() if full else watched.looker.log()
            if full:
                watched.full_due = Deadline.after(60 * self._aims.export.full_minutes, self._clock)
            if census is not None:
                self._board.put(name, "state", list(numbers(census, self._aims.policy, self._clock.now())))
            self._board.put(name, "upkeep", list(self._upkeep(name)))

    def _upkeep(self, name: str) -> Iterator[Sample]:
        """What maintenance left beside the table."""
        record = read_record(self._store, name)
        yield Sample(tables.MAINTENANCE_BLOCKED, float(record.violation is not None), {"table": name})
        debt = read_debt(self._store, name, self._clock.now())
        if debt is not None:
            yield Sample(tables.DEBT, debt.size, {"table": name})
