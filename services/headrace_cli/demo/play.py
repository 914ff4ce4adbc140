"""The demo's play: bots emit, workers ingest, one is killed, one becomes a zombie, and the proof is printed."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event

from headrace.clock import Deadline, SystemClock
from headrace.contracts import Contract
from headrace.errors import HeadraceError
from headrace.kafka.topics import TopicClient
from headrace.lake.store import Store
from headrace.settings import Settings
from headrace_cli.demo.answers import answers
from headrace_cli.demo.proof import prove
from headrace_cli.demo.screen import Screen
from headrace_cli.demo.stage import Actor, Stage
from headrace_cli.demo.status import TableStatus, TableWatch

# Shares of the expected records that are durable when a worker is killed and when one is frozen.
_KILL_AT, _FREEZE_AT = 0.30, 0.55
_TICK_SECONDS = 0.5
_START_SECONDS = 60.0
_STALL_SECONDS = 60.0
_STOP_SECONDS = 40.0
# The embedded broker drops what is older than 5 MiB of a partition; an event has 200 to 500 bytes.
_BACKLOG_RECORDS = 8_000
# What a worker logs when it learns that its partitions have gone: from the group, or from the table.
_FENCED = ("lost", "fenced")
_SPAWN = {"HEADRACE_INGEST__FLUSH_SECONDS": "1.0"}


@dataclass(frozen=True, slots=True)
class Script:
    """What the bots do.

    Attributes:
        contracts: of the tables they fill.
        events: valid events to emit.
        rate: events a second.
        seed: of the market.
    """

    contracts: Sequence[Contract]
    events: int
    rate: float
    seed: int


class Play:
    """One performance.

    Args:
        stage: broker and folders.
        script: what the bots do.
        settings: of this process, for the proof.
        screen: where to print.
    """

    def __init__(self, stage: Stage, script: Script, settings: Settings, screen: Screen) -> None:
        self._stage = stage
        self._script = script
        self._settings = settings
        self._screen = screen
        self._clock = SystemClock()
        self._tick = Event()
        store = Store(str(stage.lake))
        self._watches = {c.name: TableWatch(store, c, TopicClient(stage.kafka, c.topic)) for c in script.contracts}
        workers = {"trades-1": "trades", "trades-2": "trades", "greeks": "greeks", "signals": "signals"}
        self._workers = {name: Actor(name, ["ingest", table], stage, _SPAWN) for name, table in workers.items()}
        self._bots = Actor("bots", _bot_arguments(stage, script), stage)

    def run(self) -> bool:
        """Plays it; True if the proof holds.

        Raises:
            HeadraceError: a process ended that should not, or nothing moved for a minute.
        """
        with self._nobody_left_behind():
            self._open()
            self._until(lambda: self._progress() >= _KILL_AT)
            self._kill()
            self._until(lambda: self._progress() >= _FREEZE_AT)
            self._freeze()
            self._close()
        proven = prove(self._stage, self._script.contracts, self._settings, self._screen)
        for question, answer in answers(self._stage.lake):
            self._screen.answer(question, answer)
        self._screen.farewell(self._stage, proven=proven)
        return proven

    def _open(self) -> None:
        self._screen.say(f"broker: {self._stage.broker} at {self._stage.kafka.bootstrap_servers}")
        self._screen.say("starting 4 workers (2 share trades) and the bots")
        for worker in self._workers.values():
            worker.start()
        self._wait_for(lambda: all(watch.ready() for watch in self._watches.values()), "the tables", _START_SECONDS)
        self._bots.start()

    def _kill(self) -> None:
        victim, watch = self._workers["trades-1"], self._watches["trades"]
        claims = sum(watch.claims().values())
        self._screen.act("SIGKILL to worker trades-1, in the middle of its work; it is started again at once")
        victim.send(signal.SIGKILL)
        victim.wait(_STOP_SECONDS)
        victim.start()
        self._until(lambda: sum(watch.claims().values()) > claims)
        self._screen.say("the dead worker's partitions are claimed again, from the positions in the table")

    def _freeze(self) -> None:
        zombie, watch = self._workers["trades-2"], self._watches["trades"]
        claims = sum(watch.claims().values())
        self._screen.act("SIGSTOP to worker trades-2: the group takes it for dead and moves its partitions")
        zombie.send(signal.SIGSTOP)
        self._until(lambda: sum(watch.claims().values()) > claims)
        self._screen.act("SIGCONT to worker trades-2: a zombie, which believes that the partitions are still its own")
        noticed = len(zombie.logged(*_FENCED))
        zombie.send(signal.SIGCONT)
        self._until(lambda: len(zombie.logged(*_FENCED)) > noticed)
        how = "the group told it first" if "lost" in zombie.logged(*_FENCED)[noticed] else "Delta refused its commit"
        self._screen.say(f"the zombie has dropped what it held: {how}")

    def _close(self) -> None:
        self._until(lambda: self._bots.exit_code() is not None)
        if self._bots.exit_code() != 0:
            raise _ended(self._bots)
        self._screen.say("the bots are done; the workers catch up")
        self._until(lambda: sum(status.lag for status in self._look()) == 0)
        for worker in self._workers.values():
            worker.send(signal.SIGTERM)
        for worker in self._workers.values():
            if worker.wait(_STOP_SECONDS) != 0:
                raise _ended(worker)
        self._screen.say("all workers stopped with exit code 0")

    def _progress(self) -> float:
        return sum(status.durable for status in self._look()) / self._script.events

    def _look(self) -> list[TableStatus]:
        statuses = [watch.status() for watch in self._watches.values()]
        self._screen.show(statuses)
        return statuses

    def _until(self, holds: Callable[[], bool]) -> None:
        """Waits while something moves; a minute in which no table grows is a failure."""
        best, deadline = -1, Deadline.after(_STALL_SECONDS, self._clock)
        while not holds():
            for worker in self._workers.values():
                if worker.exit_code() is not None:
                    raise _ended(worker)
            durable = sum(status.durable for status in self._look())
            if durable > best:
                best, deadline = durable, Deadline.after(_STALL_SECONDS, self._clock)
            elif deadline.expired():
                msg = f"no table has grown for {_STALL_SECONDS:g} s; the logs lie in {self._stage.root / 'logs'}"
                raise HeadraceError(msg)
            self._tick.wait(_TICK_SECONDS)

    def _wait_for(self, holds: Callable[[], bool], what: str, seconds: float) -> None:
        deadline = Deadline.after(seconds, self._clock)
        while not holds():
            for worker in self._workers.values():
                if worker.exit_code() is not None:
                    raise _ended(worker)
            if deadline.expired():
                msg = f"{what} did not appear within {seconds:g} s; the logs lie in {self._stage.root / 'logs'}"
                raise HeadraceError(msg)
            self._tick.wait(_TICK_SECONDS / 5)

    @contextmanager
    def _nobody_left_behind(self) -> Iterator[None]:
        try:
            yield
        finally:
            for actor in (self._bots, *self._workers.values()):
                actor.kill()


def _ended(actor: Actor) -> HeadraceError:
    lines = actor.log.read_text(errors="replace").splitlines()[-5:]
    tail = "\n".join(lines)
    return HeadraceError(
        f"{actor.name} ended with exit code {actor.exit_code()}; its log {actor.log} ends with:\n{tail}"
    )


def _bot_arguments(stage: Stage, script: Script) -> list[str]:
    arguments = ["simulate", "--events", str(script.events), "--rate", str(script.rate), "--seed", str(script.seed)]
    arguments += ["--backlog-limit", str(_BACKLOG_RECORDS), "--json"]
    return [*arguments, "--ledger", str(stage.ledger)] if stage.broker == "embedded" else arguments
