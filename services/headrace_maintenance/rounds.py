"""One look at every table after another: a failure of one does not keep the others waiting."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from headrace.errors import HeadraceError, InvariantError, MaintenanceHeldError, MergeLostError, WrongTableError
from headrace.lake.upkeep.stats import TableStats
from headrace.lake.upkeep.writes import DayOfWrites
from headrace.logs import get_logger
from headrace_maintenance.jobs import Plan
from headrace_maintenance.metrics import MaintenanceMetrics
from headrace_maintenance.report import LOST, Done, Look, TableOutcome
from headrace_maintenance.runner import TableMaintainer

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TableRound:
    """What a look at one table came to.

    Attributes:
        table: its folder.
        look: what it owed, and what was to be done about it; None where that could not be read.
        done: what was tried.
        after: how it stood then; None where nothing was tried.
        day: what was written to it within a day, this included; None where that could not be read.
        problem: what failed; None if nothing did.
    """

    table: str
    look: Look | None = None
    done: tuple[Done, ...] = ()
    after: TableStats | None = None
    day: DayOfWrites | None = None
    problem: HeadraceError | None = None

    @property
    def plan(self) -> Plan:
        """What was to be done; nothing where that could not be said."""
        return Plan() if self.look is None else self.look.plan


class Rounds:
    """Goes round the tables. One thread uses it.

    Args:
        tables: asked at every round which there are.
        maintainer: makes the one of a table.
        metrics: told everything.
        lends: asked of a table whether its lease is given back after each round, for people who write it by hand.
    """

    def __init__(
        self,
        tables: Callable[[], Sequence[str]],
        maintainer: Callable[[str], TableMaintainer],
        metrics: MaintenanceMetrics,
        *,
        lends: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._tables = tables
        self._make = maintainer
        self._metrics = metrics
        self._lends = lends
        self._maintainers: dict[str, TableMaintainer] = {}

    def look(self) -> list[TableRound]:
        """What would be done; changes nothing."""
        return [self._guarded(table, self._look) for table in self._tables()]

    def go(self, stopping: Callable[[], bool]) -> list[TableRound]:
        """Does what is due, table by table, until told to stop."""
        found = []
        for table in self._tables():
            if stopping():
                break
            self._metrics.ticked()
            found.append(self._guarded(table, self._run))
        return found

    def close(self) -> None:
        """Gives every lease back; the last call."""
        with ExitStack() as leases:
            for maintainer in self._maintainers.values():
                leases.callback(maintainer.close)

    def _look(self, maintainer: TableMaintainer) -> TableRound:
        look, problem = maintainer.look(), maintainer.obstacle()
        if isinstance(problem, MaintenanceHeldError):  # no failure of who only asks
            look = replace(look, plan=replace(look.plan, waiting=(str(problem), *look.plan.waiting)))
            problem = None
        return TableRound(maintainer.table, look, day=look.day, problem=problem)

    def _run(self, maintainer: TableMaintainer) -> TableRound:
        if not self._lends(maintainer.table):
            return self._told(maintainer, maintainer.run())
        try:
            return self._told(maintainer, maintainer.run())
        finally:
            # A new one next time: whoever wrote it meanwhile may have given it other columns.
            self._maintainers.pop(maintainer.table).close()

    def _told(self, maintainer: TableMaintainer, outcome: TableOutcome) -> TableRound:
        look = outcome.before
        # Files that workers merge are not left alone.
        self._metrics.saw(maintainer.table, left_alone=bool(look.plan.unmergeable) and not look.stats.keeps_latest)
        self._metrics.wrote(maintainer.table, outcome.day, thrifty=look.thrifty)
        self._metrics.holds(maintainer.table, True)
        self._metrics.blocked(maintainer.table, False)
        if outcome.complete:
            self._metrics.succeeded(maintainer.table)
        else:
            self._metrics.waits(maintainer.table)
        lost = next((done.told for done in outcome.done if done.outcome in LOST), None)
        problem = None if lost is None else MergeLostError(f"{maintainer.table}: a merge was not done: {lost}")
        return TableRound(maintainer.table, look, outcome.done, outcome.after, outcome.day, problem)

    def _guarded(self, table: str, step: Callable[[TableMaintainer], TableRound]) -> TableRound:
        try:
            if table not in self._maintainers:
                self._maintainers[table] = self._make(table)
            return step(self._maintainers[table])
        except HeadraceError as error:
            if not isinstance(error, WrongTableError):
                self._metrics.waits(table)
            if isinstance(error, MaintenanceHeldError):
                self._metrics.holds(table, False)
            elif isinstance(error, InvariantError):
                self._metrics.holds(table, False)
                self._metrics.blocked(table, True)
            elif isinstance(error, WrongTableError):
                self._metrics.left_alone(table)
            else:
                self._metrics.look_failed(table)
            log.warning("maintenance_failed", table=table, error=str(error))
            return TableRound(table, problem=error)
