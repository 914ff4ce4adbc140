"""Worker processes of a table of latest rows on a real Kafka, killed again and again."""

import os
import signal
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from headrace.testing.brokers import BrokerHandle
from tests.behaviour.latest import LatestWorld
from tests.behaviour.memberships import BY_HAND, CLASSIC_STATIC
from tests.behaviour.repeating import repeating
from tests.behaviour.topics import ClusterTopic
from tests.behaviour.world import poison
from tests.faults.chance import seeded
from tests.faults.processes import WorkerProcess

ROUNDS = int(os.environ.get("HEADRACE_TEST_ROUNDS") or 20)

# Longer than a round: a static member that comes back does not wait for the session of the dead one.
_SESSION = "6000"


@pytest.mark.kafka
@pytest.mark.timeout(300)
def test_two_workers_killed_at_random_moments_leave_the_latest_rows_every_time(
    tmp_path: Path, kafka_broker: BrokerHandle
) -> None:
    world = LatestWorld("kafka", ClusterTopic(kafka_broker, 4), tmp_path, CLASSIC_STATIC)
    chance = seeded()
    numbers = count()

    def send() -> None:
        """Events of 300 accounts, every fifth older than those before it; now and then a tombstone, or no event."""
        for number in (next(numbers) for _ in range(10)):
            world.send(number % 300, at=number - 500 * (number % 5 == 0), price=number % 1000, desk="ABC"[number % 3])
        if chance.random() < 0.2:
            world.forget(chance.randrange(300))
            world.topic.append(poison(1), partition=chance.randrange(4))

    def worker(member: str) -> WorkerProcess:
        return WorkerProcess(world, member=member, kafka__session_timeout_ms=_SESSION)

    versions: set[int] = set()
    with repeating(send, pause=0.02), worker("survivor") as survivor:
        for number in range(ROUNDS):
            with worker("victim") as victim:
                if number % 3:  # in the midst of flushes; else also while it starts
                    victim.await_said('"event": "flush"')
                assert victim.runs_for(chance.uniform(0.0, 0.4 if number % 3 else 1.0)), victim.said
                victim.signal(signal.SIGKILL)
                assert victim.end() == -signal.SIGKILL
            if world.exists():
                world.assert_proved()
                versions.add(world.table().version())
        survivor.signal(signal.SIGTERM)
        assert survivor.end() == 0, survivor.said
    assert len(versions) > ROUNDS // 2, "most of the rounds hit workers at work"
    with WorkerProcess(replace(world, membership=BY_HAND), drain=True) as last:
        assert last.end() == 0, last.said
    world.assert_latest()
