"""Workers that stand still in the midst of old records."""

from collections.abc import Iterator
from contextlib import contextmanager

from headrace.clock import SystemClock
from headrace.metrics import ingest
from headrace.testing.waiting import wait_until
from headrace_ingest.worker import Worker
from tests.behaviour.gates import Gate
from tests.behaviour.scraping import value
from tests.behaviour.world import World, fill
from tests.faults.effects import Effects, Fault

HOUR = 3600.0


def now() -> float:
    return SystemClock().now().timestamp()


def send(world: World, count: int, *, age: float, partition: int = 0) -> float:
    """Appends records of one partition that are as old; returns their timestamp."""
    stamp = int((now() - age) * 1000)
    for number in range(count):
        world.topic.append(fill(number), partition=partition, timestamp_ms=stamp)
    return stamp / 1000


@contextmanager
def standing_still(world: World, effects: Effects, **limits: int) -> Iterator[tuple[Worker, Gate]]:
    """A worker that has landed ten records of two hours ago and hangs in its next commit, with records of one hour ago.

    The gate is opened at the end.
    """
    gate = Gate()
    with world.running(**limits) as running:
        send(world, 10, age=2 * HOUR)
        world.await_landing((0, 9))
        wait_until(lambda: value(running.worker, ingest.COMMITTED, "0") == 10, "the commit is known")
        effects.plan(Fault("commit ingest", 1, "before", gate.hold))
        send(world, 10, age=HOUR)
        gate.await_reached("the commit takes place")
        try:
            yield running.worker, gate
        finally:
            gate.opened.set()
