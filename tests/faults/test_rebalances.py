"""Storms of rebalances: up to five workers come, go, die and freeze at random; each record is there once at the end."""

import random
import signal
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.errors import AnotherWriterError
from headrace.testing.memory_broker import MemoryConsumer
from headrace.testing.waiting import wait_for_more
from tests.behaviour.gates import before_polls
from tests.behaviour.memberships import BY_HAND, CLASSIC, EVERY, Membership
from tests.behaviour.running import Running
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.world import World, fill, poison
from tests.faults.chance import seeded
from tests.faults.processes import WorkerProcess, producing, stream

SLOTS = 5
STEPS = 14
# Who was expelled and finds itself fenced leaves its partitions alone for as long as a session.
QUICK: dict[str, Any] = {"flush_seconds": 0.02, "kafka": {"session_timeout_ms": 1000}}


class CrashError(Exception):
    """What a worker dies of."""


class Threads:
    """Workers on the broker in memory, by slot."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._running: dict[int, Running] = {}
        self._sent = 0
        self.happened: set[str] = set()

    def step(self, slot: int, what: str, *, wait: bool) -> None:
        """Starts the worker of a slot that is free, does `what` to another; more records come meanwhile."""
        self._forget_the_fenced()
        if slot not in self._running:
            self.happened.add("join")
            named = [slot % 3, (slot + 1) % 3]
            self._running[slot] = self._world.running(partitions=named, **QUICK).start()
        else:
            self.happened.add(what)
            getattr(self, what)(slot)
        records = [poison(n) if n % 7 == 3 else fill(n) for n in range(self._sent, self._sent + 9)]
        self._sent += 9
        self._world.topic.extend(records)
        if wait and not self._world.membership.by_hand and self._running:
            self._world.await_landing(*self._world.topic.records)

    def leave(self, slot: int) -> None:
        running = self._running.pop(slot)
        running.worker.stop()
        self._ended(running)

    def die(self, slot: int) -> None:
        """Leaves the group without making durable what was read."""
        running = self._running.pop(slot)

        def crash() -> None:
            raise CrashError

        before_polls(running.worker.consumer, crash)
        with pytest.raises((CrashError, AnotherWriterError)):
            running.join()

    def expel(self, slot: int) -> None:
        """The group takes its partitions away without telling."""
        consumer = self._running[slot].worker.consumer
        assert isinstance(consumer, MemoryConsumer)
        if consumer.held and not consumer.expelled and not self._world.membership.by_hand:
            self._world.memory.expel(consumer)

    def end(self) -> None:
        for slot in list(self._running):
            self.leave(slot)

    def _ended(self, running: Running) -> None:
        try:
            running.join()
        except AnotherWriterError:
            assert self._world.membership.by_hand, "members of a group never fight"

    def _forget_the_fenced(self) -> None:
        for slot in [slot for slot, running in self._running.items() if not running.alive]:
            self._ended(self._running.pop(slot))


steps = st.lists(
    st.tuples(st.integers(0, SLOTS - 1), st.sampled_from(["leave", "die", "expel"]), st.booleans()),
    min_size=3,
    max_size=STEPS,
)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("membership", [CLASSIC, BY_HAND], ids=["group", "by-hand"])
@settings(max_examples=10, suppress_health_check=list(HealthCheck))
@given(steps=steps)
def test_a_storm_of_rebalances_leaves_each_record_once(
    membership: Membership, steps: list[tuple[int, str, bool]]
) -> None:
    with tempfile.TemporaryDirectory(prefix="headrace-storm-") as folder:
        world = World("memory", MemoryTopic(3), Path(folder), membership)
        threads = Threads(world)
        for slot, what, wait in steps:
            threads.step(slot, what, wait=wait)
        threads.end()
        world.drain()
        world.assert_exact()


class Processes:
    """Worker processes by slot; each is left in a state of which the next step knows."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self._world, self._chance = world, chance
        self._alive: dict[int, WorkerProcess] = {}
        self._frozen: set[int] = set()
        self._ended: list[WorkerProcess] = []
        self.happened: list[str] = []

    def step(self, slot: int) -> None:
        """One thing happens to a slot."""
        for over in [slot for slot, worker in self._alive.items() if not worker.alive]:
            self._frozen.discard(over)
            self._ended.append(self._alive.pop(over))
        if slot not in self._alive:
            what = "join"
            named = self._chance.sample(range(self._world.topic.partitions), 2)
            self._alive[slot] = WorkerProcess(self._world, member=f"slot-{slot}", partitions=named)
        elif slot in self._frozen:
            what = "wake"
            self._frozen.remove(slot)
            self._alive[slot].signal(signal.SIGCONT)
        else:
            what = self._chance.choice(["leave", "kill", "freeze"])
            getattr(self, f"_{what}")(slot)
        self.happened.append(what)

    def _leave(self, slot: int) -> None:
        self._alive[slot].signal(signal.SIGTERM)

    def _kill(self, slot: int) -> None:
        self._alive[slot].signal(signal.SIGKILL)

    def _freeze(self, slot: int) -> None:
        self._frozen.add(slot)
        self._alive[slot].signal(signal.SIGSTOP)

    def landed(self) -> bool:
        """Whether any worker has flushed."""
        return any('"event": "flush"' in worker.said for worker in (*self._ended, *self._alive.values()))

    def end(self) -> list[WorkerProcess]:
        """Stops all that are left; returns every worker there was."""
        for worker in self._alive.values():
            worker.signal(signal.SIGCONT, signal.SIGTERM)
        for worker in self._alive.values():
            worker.end()
        return [*self._ended, *self._alive.values()]

    def kill(self) -> None:
        for worker in self._alive.values():
            with worker:
                pass


# Stopped gracefully, killed, or stopped before it could be graceful.
_ENDS = {0, -signal.SIGKILL, -signal.SIGTERM, 143}


@pytest.mark.kafka
@pytest.mark.timeout(300)
@pytest.mark.parametrize("membership", EVERY, ids=lambda membership: membership.name)
def test_a_storm_over_real_processes_leaves_each_record_once(kafka_world: World, membership: Membership) -> None:
    world = replace(kafka_world, membership=membership)
    chance = seeded()
    storm = Processes(world, chance)
    # A static member that was killed is not let in before its session is over; by hand one of two stops.
    ends = _ENDS | ({75} if membership.static else set()) | ({82} if membership.by_hand else set())
    with ExitStack() as stack:
        stack.callback(storm.kill)
        with producing(world, stream()) as sent:
            for _ in range(10):
                storm.step(chance.randrange(SLOTS))
                wait_for_more(sent, chance.randrange(20, 600))
            for rest in range(1, 9):  # on a slow machine workers may have come and gone before their first flush
                if storm.landed():
                    break
                storm.step(chance.randrange(SLOTS))
                wait_for_more(sent, 600 * rest)
            assert storm.landed(), "some of it lands in the storm"
            workers = storm.end()
        assert {worker.end() for worker in workers} <= ends, [w.said for w in workers if w.end() not in ends]
    assert len(set(storm.happened)) > 1, storm.happened
    with WorkerProcess(world, drain=True, member="last") as last:
        assert last.end() == 0, last.said
    world.assert_exact()
