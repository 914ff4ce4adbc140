"""The demo's play: bots emit, workers ingest, one is killed, one becomes a zombie, and the proof is printed.

A maintenance worker merges small files all the while.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event

from headrace.clock import Deadline, SystemClock
from headrace.errors import HeadraceError
from headrace.kafka.topics import TopicClient
from headrace.lake.quarantine import quarantine_name
from headrace.lake.store import Store
from headrace.settings import Settings
from headrace_bots.bots import bot_ids
from headrace_bots.wiring import SimulationPlan
from headrace_cli.demo.actors import Actor
from headrace_cli.demo.answers import answers
from headrace_cli.demo.datafiles import DataFiles
from headrace_cli.demo.debt import Debt, DebtWatch, debt_view
from headrace_cli.demo.ending import Ending
from headrace_cli.demo.farewell import farewell, show_answer
from headrace_cli.demo.latest import PositionsWatch, compare_positions, comparison_view
from headrace_cli.demo.maintainer import NAME as MAINTAINER
from headrace_cli.demo.observer import Observer
from headrace_cli.demo.proof import prove
from headrace_cli.demo.screen import Screen
from headrace_cli.demo.script import Script
from headrace_cli.demo.stage import Stage, from_here, worker_settings
from headrace_cli.demo.status import TableWatch
from headrace_cli.demo.story import State, Story
from headrace_cli.demo.view import Act, Programme

# Shares of the expected records that are durable when a worker is killed and when one is frozen.
_KILL_AT, _FREEZE_AT = 0.30, 0.55
_TICK_SECONDS = 0.1
_STALL_SECONDS = 120.0
_STOP_SECONDS = 40.0
# Each merge is a process of its own; the one that they are forked from imports its libraries first.
_SEAL_SECONDS = 180.0
_WORKERS = {
    "trades-1": "trades",
    "trades-2": "trades",
    "greeks": "greeks",
    "signals": "signals",
    "positions": "positions",
}
# A data file is without a commit for 10 to 50 ms.
_CATCH_SECONDS = 0.002
# A worker that is not frozen has committed its file by then, and the group has not missed the frozen one yet.
_COMMITTED_SECONDS = 1.0
_CATCHES = 12
# By default it looks every minute and merges from 40 files on: more than a play of a minute has to offer.
_LOOK_SECONDS, _MERGED_FROM = 2, 8
_UPKEEP = {
    "HEADRACE_MAINTAIN__EVERY_SECONDS": str(_LOOK_SECONDS),
    "HEADRACE_MAINTAIN__COMPACT_FILES": str(_MERGED_FROM),
}
_COLD_AT_ONCE = {"HEADRACE_MAINTAIN__HOT_MINUTES": "0.0001"}


class Play:
    """One performance.

    Args:
        stage: broker and folders.
        script: what the bots do.
        settings: of this process, for the proof.
        screen: where to print.
        ending: what ends the demo, if somebody asks for that.
    """

    def __init__(self, stage: Stage, script: Script, settings: Settings, screen: Screen, *, ending: Ending) -> None:
        self._stage = stage
        self._ending = ending
        self._script = script
        self._settings = settings
        self._screen = screen
        self._clock = SystemClock()
        self._began = self._clock.now()
        self._tick = Event()
        self._store = Store(str(stage.lake))
        self._watches = {
            c.name: TableWatch(self._store, c, TopicClient(stage.kafka, c.topic)) for c in script.contracts
        }
        self._workers = {
            name: Actor(name, ["ingest", table], stage, worker_settings(stage, table))
            for name, table in _WORKERS.items()
        }
        self._bots = Actor("bots", script.bot_arguments(stage), stage)
        self._maintainer = Actor(MAINTAINER, ["maintain"], stage, _UPKEEP)
        self._observer = Observer(
            Story(_WORKERS),
            {**self._workers, MAINTAINER: self._maintainer},
            self._watches,
            screen,
            latest=PositionsWatch(stage.lake),
            programme=Programme(
                broker=f"{stage.broker} broker at {stage.kafka.bootstrap_servers}",
                goal=script.events,
                marks=(_KILL_AT, _FREEZE_AT),
            ),
        )
        self._story = self._observer.story

    def run(self) -> bool:
        """Plays it; True if the proof holds.

        Raises:
            HeadraceError: a process ended that should not, or nothing moved for two minutes.
        """
        with self._nobody_left_behind():
            self._open()
            self._until(lambda: self._progress() >= _KILL_AT, "rows")
            self._tell_if_idle("worker to be killed")
            self._kill()
            self._until(lambda: self._progress() >= _FREEZE_AT, "rows")
            self._tell_if_idle("zombie")
            self._freeze()
            self._wake()
            self._close()
            beside = self._debts()
            self._seal()
        self._screen.settle()
        self._screen.print(debt_view(beside, self._debts()))
        proven = prove(self._stage, self._script.contracts, self._settings, self._screen)
        compared = compare_positions(self._stage.lake, bot_ids(SimulationPlan().bots), self._began)
        self._screen.print(comparison_view(compared))
        proven = proven and all(one.equal for one in compared)
        for question, answer in answers(self._stage.lake):
            show_answer(self._screen, question, answer)
        farewell(self._screen, self._stage, proven=proven)
        return proven

    def _open(self) -> None:
        lake = from_here(self._stage.lake)
        self._say(f"{self._stage.broker} broker at {self._stage.kafka.bootstrap_servers}; tables in {lake}")
        self._say(
            f"{len(self._workers)} workers start; trades-1 and trades-2 share the partitions of trades; of positions "
            "the latest of each strategy is a row"
        )
        for name in self._workers:
            self._start_worker(name)
        self._until(lambda: all(watch.ready() for watch in self._watches.values()), "the tables")
        self._observer.maintainer.started(self._start(self._maintainer), self._observer.seconds)
        default = self._settings.maintain
        self._say(
            f"a maintenance worker starts beside them; since the play is short it looks every {_LOOK_SECONDS} s and "
            f"merges from {_MERGED_FROM} small files on, instead of every {default.every_seconds:g} s and "
            f"{default.compact_files}"
        )
        self._start(self._bots)
        self._say(f"the bots begin to emit {self._script.rate:,.0f} events a second, about one in a thousand malformed")

    def _kill(self) -> None:
        self._observer.act = Act.KILL
        victim = self._workers["trades-1"]
        self._until(lambda: bool(self._story.workers["trades-1"].positions), "partitions of trades-1")
        victim.send(signal.SIGKILL)
        killed_at = self._observer.seconds
        victim.wait(_STOP_SECONDS)
        # What it said last comes before its end.
        self._observer.look()
        self._story.killed("trades-1", killed_at)
        self._start_worker("trades-1")
        self._say("trades-1 is started again at once; the group has not missed the dead one yet")
        self._until(self._taken_over, "a new owner of the dead worker's partitions")

    def _freeze(self) -> None:
        self._observer.act = Act.FREEZE
        self._until(lambda: bool(self._story.workers["trades-2"].positions), "partitions of trades-2")
        zombie = self._workers["trades-2"]
        # A file that maintenance has written and not committed would be taken for the zombie's.
        with self._maintainer.held():
            caught = any(self._catch(zombie) for _ in range(_CATCHES) if self._bots.exit_code() is None)
        if not caught:
            zombie.send(signal.SIGSTOP)
            self._story.frozen("trades-2", self._observer.seconds, file_written=False)
        self._until(self._taken_over, "a new owner of the frozen worker's partitions")

    def _tell_if_idle(self, who: str) -> None:
        if self._bots.exit_code() == 0:
            self._say(f"the bots are done already, so the {who} may have nothing to write: more --events keep it busy")

    def _catch(self, zombie: Actor) -> bool:
        """Freezes it between writing a file and committing it, if luck will have it; else it runs on."""
        trades = DataFiles(self._store, "trades")
        known = trades.all()
        self._until(lambda: trades.all() > known or self._bots.exit_code() is not None, "files", _CATCH_SECONDS)
        zombie.send(signal.SIGSTOP)
        frozen_at, written = self._observer.seconds, trades.all() - known
        # Whoever is not frozen commits what it wrote: a file that stays without a commit is the frozen one's.
        deadline = Deadline.after(_COMMITTED_SECONDS, self._clock)
        self._until(lambda: not trades.uncommitted(written) or deadline.expired(), "commits")
        if trades.uncommitted(written):
            self._story.frozen(zombie.name, frozen_at, file_written=True)
            return True
        zombie.send(signal.SIGCONT)
        return False

    def _wake(self) -> None:
        self._observer.act = Act.WAKE
        self._story.woken("trades-2", self._observer.seconds)
        self._observer.look()
        self._workers["trades-2"].send(signal.SIGCONT)
        self._until(lambda: self._story.workers["trades-2"].state is not State.WOKEN, "word of the zombie")

    def _close(self) -> None:
        self._observer.act = Act.CATCH_UP
        self._until(lambda: self._bots.exit_code() is not None, "the bots")
        if self._bots.exit_code() != 0:
            raise self._bots.ended()
        self._say("the bots are done; the workers catch up")
        # What was seen before they ended may lack their last records.
        self._observer.look(everything=True)
        self._until(lambda: self._observer.complete, "the last rows")
        for name, worker in self._workers.items():
            self._story.stopping(name, self._observer.seconds)
            worker.send(signal.SIGTERM)
        for worker in self._workers.values():
            self._end_of(worker)
        self._observer.maintainer.stopping(self._observer.seconds)
        self._maintainer.send(signal.SIGTERM)
        self._end_of(self._maintainer)
        self._say("every record is durable; all workers stopped with exit code 0")

    def _seal(self) -> None:
        self._say(
            "what is sealed when no file came for two hours is sealed now: each partition becomes one file, its rows "
            "ordered by the contract's cluster_by"
        )
        self._maintainer = Actor(MAINTAINER, ["maintain", "--once"], self._stage, {**_UPKEEP, **_COLD_AT_ONCE})
        self._start(self._maintainer)
        self._end_of(self._maintainer, _SEAL_SECONDS)
        self._observer.act = Act.PROOF
        self._observer.look(everything=True)

    def _end_of(self, actor: Actor, seconds: float = _STOP_SECONDS) -> None:
        if actor.wait(seconds) != 0:
            raise actor.ended()

    def _debts(self) -> dict[str, Debt]:
        # Latest rows are merged by their worker, while it writes.
        logs = [contract.name for contract in self._script.contracts if contract.table.mode == "append"]
        names = [name for table in logs for name in (table, quarantine_name(table))]
        return {name: DebtWatch(self._store, name).debt() for name in names}

    def _start(self, actor: Actor) -> int:
        with self._ending.held():
            return actor.start()

    def _start_worker(self, name: str) -> None:
        self._story.started(name, self._start(self._workers[name]), self._observer.seconds)

    def _say(self, text: str) -> None:
        self._observer.look()
        self._story.say(self._observer.seconds, text)

    def _progress(self) -> float:
        return self._observer.durable / self._script.events

    def _taken_over(self) -> bool:
        vacancy = self._story.vacancy
        if vacancy is None or vacancy.filled:
            return True
        idle = self._bots.exit_code() is not None and self._observer.complete
        return idle and not vacancy.open

    def _until(self, holds: Callable[[], bool], what: str, tick: float = _TICK_SECONDS) -> None:
        """Looks on until `holds()`; two minutes in which no table grows is a failure."""
        grown, deadline = -1, Deadline.after(_STALL_SECONDS, self._clock)
        while not holds():
            self._ending.heed()
            for actor in (*self._workers.values(), self._maintainer):
                if actor.exit_code() is not None:
                    raise actor.ended()
            self._observer.look()
            if self._observer.durable > grown:
                grown, deadline = self._observer.durable, Deadline.after(_STALL_SECONDS, self._clock)
            elif deadline.expired():
                msg = (
                    f"waited {_STALL_SECONDS:g} s for {what} while no table grew; "
                    f"the logs lie in {from_here(self._stage.root / 'logs')}"
                )
                raise HeadraceError(msg)
            self._tick.wait(tick)

    @contextmanager
    def _nobody_left_behind(self) -> Iterator[None]:
        try:
            yield
        finally:
            with self._ending.held():
                for actor in (self._bots, self._maintainer, *self._workers.values()):
                    actor.kill()
