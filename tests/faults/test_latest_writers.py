"""Several workers of one table of latest rows: beside each other, after each other, and one that should be dead."""

from typing import Any

import pytest

from headrace.lake.datafile import DataFile
from headrace.testing.waiting import wait_until
from headrace_ingest.batch import Batch
from headrace_ingest.upserting import Upserting
from tests.behaviour.gates import Gate, freeze_polls
from tests.behaviour.latest import LatestWorld
from tests.behaviour.memberships import BY_HAND
from tests.behaviour.running import Running
from tests.behaviour.topics import MemoryTopic
from tests.faults.effects import Effects, Fault, Moment

QUICK: dict[str, Any] = {"flush_seconds": 0.05, "kafka": {"session_timeout_ms": 1000}}


@pytest.fixture
def world(tmp_path: Any) -> LatestWorld:
    return LatestWorld("memory", MemoryTopic(4), tmp_path)


def send_some(world: LatestWorld, begin: int, count: int = 30) -> None:
    """Events of a few accounts, most of them newer than those before, and a tombstone."""
    for number in range(begin, begin + count):
        world.send(number % 12, at=number - 15 * (number % 5 == 3), price=number)
    world.forget(begin % 12)


@pytest.mark.parametrize(
    ("effect", "when"),
    [
        ("write rows of the table", "before"),
        ("write deleted rows of the table", "after"),
        ("write a commit to the table", "before"),
        ("write a commit to the table", "after"),
    ],
)
def test_a_zombie_changes_nothing_and_both_go_on(
    world: LatestWorld, effects: Effects, monkeypatch: pytest.MonkeyPatch, effect: str, when: Moment
) -> None:
    monkeypatch.setattr("headrace.lake.latest.merging.SMALL", 1)
    gate = Gate()
    for account in range(50):
        world.send(account, at=0)
    world.drain()
    send_some(world, 100)
    effects.plan(Fault(effect, 1, when, gate.hold))
    zombie = Running(world.worker(**QUICK))
    freeze_polls(zombie.worker.consumer, gate)
    with zombie:
        gate.await_reached("the effect takes place")
        send_some(world, 50)
        world.expel(zombie.worker.consumer)
        with world.running(**QUICK):
            world.await_all()
            gate.opened.set()
            send_some(world, 200)
            world.await_all()
            assert zombie.alive, zombie.failure
    assert effects.happened == 1
    world.assert_latest()


def test_a_zombie_that_wakes_before_it_looks_at_the_table_moves_nothing_back(
    world: LatestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, frozen = Gate(), Upserting.write

    def write(landing: Upserting, batch: Batch) -> list[DataFile]:
        monkeypatch.setattr(Upserting, "write", frozen)
        gate.hold()
        return frozen(landing, batch)

    monkeypatch.setattr(Upserting, "write", write)
    zombie = Running(world.worker(**QUICK))
    freeze_polls(zombie.worker.consumer, gate)
    send_some(world, 0)
    with zombie:
        gate.await_reached("it flushes")
        send_some(world, 30)
        world.expel(zombie.worker.consumer)
        with world.running(**QUICK):
            world.await_all()
            gate.opened.set()
            wait_until(lambda: zombie.worker._flight is None, "it has tried")
            send_some(world, 60)
            world.await_all()
    world.assert_latest()


def test_workers_of_one_table_take_turns_and_all_get_on(world: LatestWorld) -> None:
    with world.running(**QUICK) as one:
        for begin in range(0, 200, 40):
            send_some(world, begin)
        with world.running(**QUICK) as two, world.running(**QUICK) as three:
            wait_until(lambda: all(w.worker._leases for w in (one, two, three)), "all have partitions")
            for begin in range(200, 600, 40):
                send_some(world, begin)
                world.await_all()
            assert all(worker.alive for worker in (one, two, three))
    world.assert_latest()


def test_of_one_key_in_two_partitions_the_later_event_counts_whoever_reads_it(world: LatestWorld) -> None:
    by_hand = LatestWorld("memory", world.topic, world.folder, BY_HAND)
    with (
        by_hand.running(partitions=[0], flush_seconds=0.05) as one,
        by_hand.running(partitions=[1], flush_seconds=0.05) as two,
    ):
        for turn in range(20):
            for account in range(8):
                by_hand.send(account, at=(turn * 7 + account) % 20, price=turn, partition=turn % 2)
            if turn % 5 == 4:
                by_hand.await_all()
        assert one.alive
        assert two.alive
    by_hand.assert_latest()
