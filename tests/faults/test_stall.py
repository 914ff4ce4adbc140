"""A worker that does not poll for longer than its group allows, while its heartbeats go on."""

import threading
from dataclasses import replace

import pytest

from headrace.testing.waiting import wait_until
from headrace_ingest.worker import Worker
from tests.behaviour.gates import Gate, before_polls
from tests.behaviour.memberships import CLASSIC, CONSUMER, Membership
from tests.behaviour.world import World, fill, poison

LEAST_MAX_POLL = {"max_poll_interval_ms": 10_000}


def stall(worker: Worker) -> threading.Event:
    """From its next poll on the loop stands still until the event is set; the client's threads go on."""
    gate = Gate()
    before_polls(worker.consumer, gate.hold)
    return gate.opened


def some(begin: int) -> list[bytes | None]:
    """Good and bad records."""
    return [poison(n) if n % 10 == 3 else fill(n) for n in range(begin, begin + 40)]


@pytest.mark.kafka
@pytest.mark.parametrize("membership", [CLASSIC, CONSUMER], ids=lambda membership: membership.name)
def test_a_stalled_worker_loses_its_partitions_and_takes_its_share_again(
    kafka_world: World, membership: Membership
) -> None:
    world = replace(kafka_world, membership=membership)
    with world.running(kafka=LEAST_MAX_POLL) as stalled:
        world.await_landing(*world.topic.extend(some(0)))
        over = stall(stalled.worker)
        with world.running(kafka=LEAST_MAX_POLL) as other:
            world.await_landing(*world.topic.extend(some(100)))
            over.set()
            world.topic.extend(some(200))

            def shared() -> bool:
                held = [set(worker._leases) for worker in (stalled.worker, other.worker)]
                return all(held) and held[0] | held[1] == set(range(world.topic.partitions))

            wait_until(shared, "both have partitions")
            world.await_landing(*world.topic.extend(some(300)))
            assert stalled.alive, stalled.failure
    world.assert_exact()
