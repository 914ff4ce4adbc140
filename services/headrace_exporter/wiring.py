"""Puts the exporter together: what reads the tables and what asks the broker, in a process of its own or in another."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread

from prometheus_client.registry import CollectorRegistry

from headrace.clock import Clock, Deadline, SystemClock
from headrace.contracts import Contract, load_contracts
from headrace.errors import ConfigError, HeadraceError
from headrace.lake.listing import chosen_tables
from headrace.lake.quarantine import quarantine_name
from headrace.lake.store import Store
from headrace.logs import get_logger
from headrace.metrics import TABLES, common
from headrace.metrics.health import Health, State
from headrace.metrics.recorder import Recorder, Sample
from headrace.origins import shown_root
from headrace.process import put_versions, serve, stop_on_signals
from headrace.settings import Settings
from headrace_exporter.board import Board
from headrace_exporter.exporter import Aims, Exporter
from headrace_exporter.source import Ends, SourceLooker

log = get_logger(__name__)

SHOWN = (*common.READERS, *TABLES)
"""What a process shows that only exports."""

_NAMES_SECONDS = 60.0
"""How long the names of tables are remembered: to list them is dear where a table of many files has no partitions."""
_STOP_SECONDS = 5.0
"""How long a stop waits for a question that is open: nothing is lost with it."""


class TableNames:
    """Which tables there are, quarantines left out. One thread uses it.

    Args:
        store: the lake.
        named: tables that somebody asked for; none means all.
        clock: time.
    """

    def __init__(self, store: Store, named: Sequence[str], clock: Clock) -> None:
        self._store = store
        self._named = named
        self._clock = clock
        self._known: Sequence[str] = ()
        self._until = Deadline.after(0, clock)

    def __call__(self) -> Sequence[str]:
        """The names, sorted; none if nothing was asked for and there is no table yet.

        Raises:
            ConfigError: a table that was asked for does not exist.
            StoreError, AccessDeniedError: the lake cannot be read.
        """
        if not self._known or self._until.expired():
            try:
                self._known = chosen_tables(self._store, self._named)
            except ConfigError:
                if self._named:
                    raise
                self._known = ()
            self._until = Deadline.after(_NAMES_SECONDS, self._clock)
        return self._known


@dataclass
class Loop:
    """Something that is done again and again.

    Attributes:
        name: of its thread.
        turn: does it once.
        seconds: from the beginning of one turn to that of the next.
        close: the last call.
    """

    name: str
    turn: Callable[[Callable[[], bool]], None]
    seconds: float
    close: Callable[[], None] = lambda: None
    _told: str = ""

    def run(self, stopping: Event) -> None:
        """Returns when `stopping` is set; what fails is logged once, and tried again."""
        clock = SystemClock()
        try:
            while not stopping.is_set():
                due = Deadline.after(self.seconds, clock)
                self._guarded(stopping)
                stopping.wait(due.remaining())
        finally:
            self.close()

    def _guarded(self, stopping: Event) -> None:
        try:
            self.turn(stopping.is_set)
        except HeadraceError as error:
            if self._told != str(error):
                log.warning("tables_not_found", error=str(error))
            self._told = str(error)
        else:
            self._told = ""


@dataclass(frozen=True)
class Host:
    """The process that shows what is found.

    Attributes:
        recorder: of its metrics.
        clock: time.
        tick: told of each table that is read.
    """

    recorder: Recorder
    clock: Clock
    tick: Callable[[], None] = lambda: None


def build_loops(
    settings: Settings, contracts: Mapping[str, Contract], named: Sequence[str] = (), *, host: Host
) -> list[Loop]:
    """The loop that reads tables, and the one that asks the broker if one is named.

    Args:
        settings: of the process.
        contracts: say which column has the time of an event.
        named: tables; without any, all of the lake.
        host: shows what is found.
    """
    store, clock = Store(settings.lake.root), host.clock
    board = Board(host.recorder, clock)
    main = TableNames(store, named, clock)
    aims = Aims(settings.maintain, settings.export, contracts)
    exporter = Exporter(store, lambda: _with_quarantines(main()), aims=aims, board=board, clock=clock)
    ticked: list[float] = []
    host.recorder.read(lambda: [Sample(common.LOOP_TICK, at, {"loop": "export"}) for at in ticked])

    def turn(stopping: Callable[[], bool]) -> None:
        exporter.turn(stopping, host.tick)
        ticked[:] = [clock.now().timestamp()]

    loops = [Loop("headrace-export", turn, settings.export.every_seconds)]
    if settings.kafka.bootstrap_servers:
        ends = Ends(store, settings.kafka, settings.metrics.partition_detail)
        source = SourceLooker(ends, TableNames(store, named, clock), board, clock)
        loops.append(Loop("headrace-source", source.turn, settings.export.every_seconds, source.close))
    return loops


def _with_quarantines(names: Sequence[str]) -> Sequence[str]:
    return [each for name in names for each in (name, quarantine_name(name))]


@contextmanager
def running(loops: Sequence[Loop], stopping: Event) -> Iterator[None]:
    """Runs loops on threads of their own beside the body, which has to set `stopping` in the end."""
    threads = [Thread(target=_run, args=(loop, stopping), name=loop.name, daemon=True) for loop in loops]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(_STOP_SECONDS)


def _run(loop: Loop, stopping: Event) -> None:
    try:
        loop.run(stopping)
    except Exception:  # the process has other work, and what is shown grows old where everybody can see it
        log.error("export_failed", loop=loop.name, exc_info=True)


def export(settings: Settings, named: Sequence[str]) -> None:
    """Reads tables and asks the broker for `/metrics` until SIGTERM or SIGINT; changes nothing.

    Raises:
        ConfigError: a table that was named does not exist, the port cannot be had, or metrics are switched off.
        ContractError: a module of contracts cannot be loaded.
        StoreError, AccessDeniedError: the lake cannot be read.
    """
    if not settings.metrics.enabled:
        msg = "HEADRACE_METRICS__ENABLED is false, and to serve metrics is all that headrace export does"
        raise ConfigError(msg)
    stopping, clock = Event(), SystemClock()
    stop_on_signals(stopping)
    TableNames(Store(settings.lake.root), named, clock)()
    registry = CollectorRegistry()
    recorder = Recorder(registry, SHOWN)
    # To list the folder of a table takes a second for a hundred thousand files.
    health = Health(clock, stall_seconds=600 + settings.export.every_seconds)
    recorder.read(lambda: [Sample(common.STATE, float(health.state is state), {"state": state}) for state in State])
    put_versions(recorder)
    serve(settings.metrics, registry, health, recorder)
    host = Host(recorder, clock, health.tick)
    tables, *others = build_loops(settings, load_contracts(settings.contracts), named, host=host)
    health.tick()
    health.enter(State.RUNNING)
    log.info("exporting", root=shown_root(settings.lake.root), every_seconds=settings.export.every_seconds)
    with running(others, stopping):
        tables.run(stopping)
    log.info("export_stopped")
