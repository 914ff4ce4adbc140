"""A worker that is frozen while another takes its partitions, and then wakes up; and one that never belonged."""

from collections.abc import Callable
from concurrent.futures import wait
from typing import Any

import pytest

from headrace.errors import AnotherWriterError
from headrace.testing.waiting import PATIENCE_SECONDS, wait_until
from tests.behaviour.gates import Gate, freeze_polls
from tests.behaviour.running import Running
from tests.behaviour.world import World, fill, poison
from tests.faults.effects import Effects, Fault, Moment

QUICK: dict[str, Any] = {"flush_seconds": 0.05, "kafka": {"session_timeout_ms": 1000}}


def some(begin: int, count: int = 20) -> list[bytes | None]:
    """Good and bad records."""
    return [poison(n) if n % 5 == 2 else fill(n) for n in range(begin, begin + count)]


def good(begin: int, count: int = 20) -> list[bytes | None]:
    """Records of which none goes to the quarantine, so that nothing but the positions fences a zombie."""
    return [fill(n) for n in range(begin, begin + count)]


@pytest.mark.parametrize("wholly", [True, False], ids=["process", "writer-thread"])
@pytest.mark.parametrize(
    ("records", "effect", "when"),
    [
        (some, "write rows of the table", "before"),
        (some, "sync rows of the table", "after"),
        (good, "sync rows of the table", "after"),
        (some, "commit quarantine", "before"),
        (some, "commit quarantine", "after"),
        (some, "commit ingest", "before"),
        (good, "commit ingest", "before"),
        (some, "commit ingest", "after"),
    ],
)
def test_a_zombie_adds_nothing_and_both_go_on(
    memory_world: World,
    effects: Effects,
    records: Callable[[int], list[bytes | None]],
    effect: str,
    when: Moment,
    wholly: bool,
) -> None:
    world, gate = memory_world, Gate()
    effects.plan(Fault(effect, 1, when, gate.hold))
    world.topic.extend(records(0))
    # A hanging store is waited for as long as a stop may take, before the partitions are given away.
    zombie = Running(world.worker(**QUICK, shutdown_seconds=10 if wholly else 3))
    if wholly:
        freeze_polls(zombie.worker.consumer, gate)
    with zombie:
        gate.await_reached("the effect takes place")
        wait_until(lambda: zombie.worker._flight is not None, "the loop knows of it")
        flight = zombie.worker._flight
        assert flight is not None
        world.topic.extend(records(20))
        world.expel(zombie.worker.consumer)
        with world.running(**QUICK) as other:
            if wholly:
                world.await_landing(*world.topic.records)
            else:  # the loop of the hanging worker comes back for a share of the partitions
                wait_until(lambda: bool(other.worker._leases), "the other has partitions")
            gate.opened.set()
            # Nobody else commits meanwhile: a conflict would stop the zombie where its positions should.
            wait_until(flight.future.done, "the zombie's flush has ended")
            world.topic.extend(records(40))
            world.await_landing(*world.topic.records)
            assert zombie.alive, zombie.failure
    assert effects.happened == 1
    world.assert_exact()


def test_a_zombie_that_wakes_before_its_successor_flushes_quarantines_nothing(
    memory_world: World, effects: Effects
) -> None:
    world, gate, polls = memory_world, Gate(), Gate()

    def hold() -> None:
        polls.reached.set()
        gate.hold()

    effects.plan(Fault("commit quarantine", 1, "before", hold))
    world.topic.extend(some(0))
    zombie = Running(world.worker(**QUICK))
    freeze_polls(zombie.worker.consumer, polls)
    with zombie:
        gate.await_reached("it is about to quarantine")
        wait_until(lambda: zombie.worker._flight is not None, "the loop knows of it")
        flight = zombie.worker._flight
        assert flight is not None
        world.expel(zombie.worker.consumer)
        with world.running(flush_seconds=3600) as successor:
            wait_until(lambda: successor.worker._batch.records == 20, "the successor has read the same records")
            gate.opened.set()
            wait([flight.future], timeout=PATIENCE_SECONDS)
            assert world.quarantined() == {}
            successor.stop()
        polls.opened.set()
    world.assert_exact()


def test_a_zombies_commit_that_had_landed_is_not_repeated(memory_world: World, effects: Effects) -> None:
    world, gate = memory_world, Gate()
    effects.plan(Fault("commit ingest", 1, "after", gate.hold))
    sent = world.topic.extend([fill(n) for n in range(10)])
    zombie = Running(world.worker(**QUICK))
    freeze_polls(zombie.worker.consumer, gate)
    with zombie:
        gate.await_reached("the commit takes place")
        assert world.have_landed(*sent)
        world.expel(zombie.worker.consumer)
        world.drain(**QUICK)
        gate.opened.set()
    assert sum(note.get("kind") == "ingest" for note in world.notes()) == 1
    world.assert_exact()


@pytest.mark.parametrize("kind", ["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
def test_a_second_group_under_the_same_name_stays_exact_until_one_gives_up(
    request: pytest.FixtureRequest, kind: str
) -> None:
    world: World = request.getfixturevalue(f"{kind}_world")
    pair = [Running(world.worker(group=f"{world.topic.name}-{n}", **QUICK)).start() for n in (1, 2)]

    def one_gave_up() -> bool:
        world.topic.extend(some(len(world.topic.records)))
        return not all(running.alive for running in pair)

    # One that loses its partitions to a session that is over, on a slow machine, begins to count anew.
    wait_until(one_gave_up, "one of the two workers gives up", seconds=3 * PATIENCE_SECONDS)
    loser, winner = sorted(pair, key=lambda running: running.alive)
    with pytest.raises(AnotherWriterError, match="HEADRACE_KAFKA__GROUP_ID") as stopped:
        loser.join()
    assert stopped.value.exit_code == 82
    with winner:
        world.await_landing(*world.topic.extend(some(1000)))
    world.assert_exact()
