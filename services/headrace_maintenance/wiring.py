"""Puts maintenance together. Read from top to bottom, this is what `headrace maintain` is made of."""

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Event

from headrace import __version__
from headrace.clock import Clock, SystemClock
from headrace.contracts import QUARANTINE_SUFFIX, Contract, load_contracts
from headrace.errors import ConfigError, HeadraceError
from headrace.lake.by_hand.writing import layout_of
from headrace.lake.canary import prove_conflicts
from headrace.lake.layouts import file_layout
from headrace.lake.listing import foreign_tables, known_tables
from headrace.lake.log import DeltaLog
from headrace.lake.quarantine import quarantine_layout, quarantine_name
from headrace.lake.store import Store
from headrace.lake.tables import BY_HAND
from headrace.logs import get_logger
from headrace.metrics import common
from headrace.metrics.health import State
from headrace.process import put_versions, serve, stop_on_signals
from headrace.sections import MIB
from headrace.settings import Settings
from headrace_exporter.wiring import Host, build_loops, running
from headrace_maintenance.child import ChildRewriter, Limits
from headrace_maintenance.metrics import MaintenanceMetrics
from headrace_maintenance.report import Done
from headrace_maintenance.rounds import Rounds, TableRound
from headrace_maintenance.runner import TableMaintainer
from headrace_maintenance.tools import Rewrite, Subject, Tools

log = get_logger(__name__)


@dataclass(frozen=True)
class Process:
    """What rounds belong to.

    Attributes:
        metrics: told everything.
        stopping: set when the process shall end.
        rewrite: writes the files of merges; by default in children.
    """

    metrics: MaintenanceMetrics
    stopping: Event = field(default_factory=Event)
    rewrite: Rewrite | None = None


def build_rounds(
    settings: Settings,
    contracts: Mapping[str, Contract],
    names: Sequence[str] = (),
    *,
    process: Process,
) -> Rounds:
    """Rounds over the tables of those names and their quarantines; without names over all of the lake.

    Args:
        settings: of the process.
        contracts: by name.
        names: of tables.
        process: what they belong to.
    """
    metrics, stopping = process.metrics, process.stopping
    store, policy = Store(settings.lake.root), settings.maintain
    limits = Limits(policy.memory_mib * MIB, policy.merge_minutes * 60)
    tools = Tools(
        store=store,
        policy=policy,
        clock=metrics.clock,
        pause=stopping.wait,
        holder=f"{socket.gethostname()}/{os.getpid()}",
        version=__version__,
        rewrite=process.rewrite or ChildRewriter(store, limits, metrics.ticked).rewrite,
        stopping=stopping.is_set,
    )

    passed: set[str] = set()
    by_hand: set[str] = set()

    def tables() -> Sequence[str]:
        found = known_tables(store, names, passed)
        by_hand.clear()
        by_hand.update(found.by_hand)
        ours = [*found.by_hand, *(name for table in found.fed for name in (table, quarantine_name(table)))]
        for table in () if names else foreign_tables(store, {*ours, *passed}):
            metrics.left_alone(table)
            log.info("table_left_alone", table=table, told="Headrace did not create it")
            passed.add(table)
        return ours

    def maintainer(table: str) -> TableMaintainer:
        return TableMaintainer(table, partial(subject_of, store, table, contracts), tools, partial(_tell, metrics))

    return Rounds(tables, maintainer, metrics, lends=by_hand.__contains__)


def subject_of(store: Store, table: str, contracts: Mapping[str, Contract]) -> Subject:
    """A table, and how its files are laid out as far as a contract says so.

    Raises:
        StoreError, AccessDeniedError: its log cannot be read.
    """
    if table.endswith(QUARANTINE_SUFFIX):
        layout = quarantine_layout(table.removesuffix(QUARANTINE_SUFFIX))
        return Subject(layout, ("_partition", "_offset"))
    log = DeltaLog(store, table)
    if BY_HAND in log.properties:
        return Subject(layout_of(log))
    if table not in contracts:
        return Subject(None, unmergeable=f"no contract named {table} is known: set HEADRACE_CONTRACTS")
    contract = contracts[table]
    layout = file_layout(contract)
    known = {field.name for field in log.schema.fields}
    cluster_by = tuple(c for c in contract.table.cluster_by if c != layout.partition_column)
    lacking = sorted({*layout.statistics, *cluster_by} - known)
    if lacking:
        return Subject(None, unmergeable=f"it lacks columns of contract {table}: {', '.join(lacking)}")
    # Not in what workers write: of many small files each filter costs more to read than it spares.
    return Subject(replace(layout, bloom_filters=frozenset(contract.table.bloom_filters)), cluster_by)


def look(settings: Settings, names: Sequence[str]) -> list[TableRound]:
    """What maintenance would do now; changes nothing.

    Raises:
        ConfigError: one of the tables does not exist, or there is none at all.
        ContractError: a module of contracts cannot be loaded.
    """
    contracts = load_contracts(settings.contracts)
    metrics = new_metrics(settings, SystemClock())
    return build_rounds(settings, contracts, names, process=Process(metrics)).look()


def maintain_once(settings: Settings, names: Sequence[str]) -> list[TableRound]:
    """Does what is due now, and ends.

    Raises:
        ConfigError: one of the tables does not exist, or there is none at all.
        ContractError: a module of contracts cannot be loaded.
        UnsafeStoreError: the store or the library does not keep conflicting commits apart.
        StoreError, AccessDeniedError: the store cannot be read or written.
    """
    process = Process(new_metrics(settings, SystemClock()))
    stop_on_signals(process.stopping)
    rounds = build_rounds(settings, load_contracts(settings.contracts), names, process=process)
    prove_conflicts(Store(settings.lake.root))
    try:
        return rounds.go(process.stopping.is_set)
    finally:
        rounds.close()


def maintain(settings: Settings, names: Sequence[str]) -> None:
    """Does what is due, again and again, until SIGTERM or SIGINT.

    A table that fails is looked at again the next time, and the others do not wait for it.

    Raises:
        ConfigError: a table that was named does not exist.
        ContractError: a module of contracts cannot be loaded.
        UnsafeStoreError: the store or the library does not keep conflicting commits apart.
        StoreError, AccessDeniedError: the store cannot be read or written.
    """
    process = Process(new_metrics(settings, SystemClock()))
    metrics, stopping = process.metrics, process.stopping
    stop_on_signals(stopping)
    serve(settings.metrics, metrics.registry, metrics.health, metrics.recorder)
    contracts = load_contracts(settings.contracts)
    rounds = build_rounds(settings, contracts, names, process=process)
    store = Store(settings.lake.root)
    if not names:
        store.make_root()  # as workers do, which may be started together with it
    prove_conflicts(store)
    metrics.recorder.put(common.CONFLICT_GUARD, 1)
    metrics.health.enter(State.RUNNING)
    log.info("maintaining", root=settings.lake.root, every_seconds=settings.maintain.every_seconds)
    loops = build_loops(settings, contracts, names, host=Host(metrics.recorder, metrics.clock))
    try:
        with running(loops if settings.metrics.enabled else (), stopping):
            turn(rounds, metrics, settings.maintain.every_seconds, stopping, forgiving=not names)
    finally:
        metrics.health.enter(State.STOPPED)
        rounds.close()
    log.info("maintenance_stopped")


def turn(rounds: Rounds, metrics: MaintenanceMetrics, seconds: float, stopping: Event, *, forgiving: bool) -> None:
    """Goes round until stopped; from the second round on, whatever a failure of listing the tables is, on to the next.

    Args:
        rounds: over the tables.
        metrics: told that the loop turns.
        seconds: between two rounds.
        stopping: set when it shall end.
        forgiving: whether to wait for tables where there is none at first.

    Raises:
        HeadraceError: the tables could not be listed at first.
    """
    begun = False
    while not stopping.is_set():
        metrics.ticked()
        try:
            rounds.go(stopping.is_set)
            begun = True
        except HeadraceError as error:
            if begun:  # a store that does not list its tables for a while
                log.warning("tables_not_listed", error=str(error))
            elif forgiving and isinstance(error, ConfigError):
                # Workers make the tables; whoever starts everything at once starts this before there are any.
                log.info("nothing_to_maintain", told=str(error))
            else:
                raise
        stopping.wait(seconds)


def _tell(metrics: MaintenanceMetrics, table: str, done: Done) -> None:
    metrics.did(table, done)
    say: Callable[..., object] = log.info if done.outcome == "done" else log.warning
    job = done.job
    say("maintained", table=table, job=job.kind.value, outcome=done.outcome, reason=job.reason, **done.numbers())


def new_metrics(settings: Settings, clock: Clock) -> MaintenanceMetrics:
    """The metrics of a process that is yet to begin."""
    metrics = MaintenanceMetrics(settings.maintain, clock)
    put_versions(metrics.recorder)
    return metrics
