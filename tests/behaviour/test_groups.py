"""Consumer groups of both protocols: migration between them, static members, and what brokers refuse."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from headrace.errors import AnotherWriterError, ConfigError, MemberIdInUseError
from headrace.testing.brokers import BrokerHandle
from headrace.testing.kafka_server import KafkaServer
from headrace.testing.shared_kafka import KafkaAddress
from headrace.testing.waiting import wait_until
from tests.behaviour.memberships import CLASSIC, CLASSIC_STATIC, CONSUMER, CONSUMER_STATIC, Membership
from tests.behaviour.running import Running
from tests.behaviour.topics import ClusterTopic
from tests.behaviour.world import World, fill, poison
from tests.logged import capture_logs

pytestmark = pytest.mark.kafka


def pieces() -> Iterator[list[bytes | None]]:
    """A stream, 30 records at a time."""
    for begin in count(0, 30):
        yield [poison(n) if n % 10 == 3 else fill(n) for n in range(begin, begin + 30)]


def holds_all(world: World, *workers: Running) -> bool:
    """Whether each of `workers` has partitions, and they have all of them."""
    held = [set(running.worker._leases) for running in workers]
    return all(held) and sorted(p for part in held for p in part) == list(range(world.topic.partitions))


@pytest.mark.parametrize(("before", "after"), [(CLASSIC, CONSUMER), (CONSUMER, CLASSIC)], ids=["to-consumer", "back"])
def test_workers_of_a_group_change_their_protocol_one_at_a_time(
    kafka_world: World, before: Membership, after: Membership
) -> None:
    old, new = replace(kafka_world, membership=before), replace(kafka_world, membership=after)
    records = pieces()
    with ExitStack() as group:
        workers = [group.enter_context(old.running()) for _ in range(2)]
        for number in range(2):
            kafka_world.await_landing(*kafka_world.topic.extend(next(records)))
            workers[number].stop()
            # Whoever comes while members of the other protocol share anew may be refused by the brokers.
            wait_until(partial(holds_all, kafka_world, workers[1 - number]), "the other one has all")
            workers[number] = group.enter_context(new.running())
            wait_until(lambda: holds_all(kafka_world, *workers), "the partitions are shared")
            assert all(worker.alive for worker in workers)
        kafka_world.await_landing(*kafka_world.topic.extend(next(records)))
    kafka_world.assert_exact()


@pytest.mark.parametrize("membership", [CLASSIC_STATIC, CONSUMER_STATIC], ids=lambda membership: membership.name)
def test_a_static_member_comes_back_to_its_partitions_without_a_rebalance(
    kafka_world: World, membership: Membership
) -> None:
    world, records = replace(kafka_world, membership=membership), pieces()
    with world.running(member="stays") as stays, world.running(member="returns") as returns:
        wait_until(lambda: holds_all(world, stays, returns), "the partitions are shared")
        held, kept = set(returns.worker._leases), set(stays.worker._leases)
        returning = world.running(member="returns")  # made before: what is left to do fits into the session
        with capture_logs() as lines:
            returns.stop()
            world.topic.extend(next(records))
            with returning as returned:
                wait_until(lambda: set(returned.worker._leases) == held, "it has its partitions again")
                world.await_landing(*world.topic.records)
                gone = [line["event"] for line in lines if line["event"] in ("revoked", "lost")]
                assert gone == ["revoked"], "nobody but the one that went gave partitions away"
                assert set(stays.worker._leases) == kept
    world.assert_exact()


def test_of_two_workers_with_one_static_id_the_classic_group_keeps_the_newer(kafka_world: World) -> None:
    world, records = replace(kafka_world, membership=CLASSIC_STATIC), pieces()
    older = world.running().start()
    world.await_landing(*world.topic.extend(next(records)))
    with world.running():
        with pytest.raises(AnotherWriterError, match="HEADRACE_KAFKA__GROUP_INSTANCE_ID: give each its own") as stopped:
            older.join()
        assert stopped.value.exit_code == 82
        world.await_landing(*world.topic.extend(next(records)))
    world.assert_exact()


def test_of_two_workers_with_one_static_id_the_newer_protocol_keeps_the_older(kafka_world: World) -> None:
    world, records = replace(kafka_world, membership=CONSUMER_STATIC), pieces()
    with world.running() as older:
        world.await_landing(*world.topic.extend(next(records)))
        with pytest.raises(MemberIdInUseError, match="start again after that") as stopped:
            world.running().start().join()
        assert stopped.value.exit_code == 75
        world.await_landing(*world.topic.extend(next(records)))
        assert older.alive
    world.assert_exact()


@pytest.mark.parametrize(
    ("broker", "refused"),
    [
        (
            {
                "group.coordinator.rebalance.protocols": "classic",
                "group.min.session.timeout.ms": "6000",
                "group.max.size": "1",
            },
            [
                (CONSUMER.kafka, "GROUP_PROTOCOL"),
                ({"session_timeout_ms": 2_000}, "SESSION_TIMEOUT"),
                ({}, r"max\.size"),
            ],
        ),
        ({"group.consumer.migration.policy": "disabled"}, [(CONSUMER.kafka, "GROUP_PROTOCOL")]),
    ],
    ids=["unknown-protocol-short-session-full", "no-migration"],
)
def test_what_the_brokers_refuse_of_a_member_is_a_wrong_setting(
    kafka: KafkaAddress, tmp_path: Path, broker: dict[str, str], refused: Sequence[tuple[Mapping[str, object], str]]
) -> None:
    with KafkaServer(broker) as server:
        handle = BrokerHandle(KafkaAddress(server.bootstrap_servers, is_own=True))
        world = World("kafka", ClusterTopic(handle, 2), tmp_path)
        with world.running() as accepted:
            world.await_landing(*world.topic.extend(next(pieces())))
            for settings, named in refused:
                with pytest.raises(ConfigError, match=named) as stopped:
                    world.running(kafka=settings).start().join()
                assert stopped.value.exit_code == 78
                assert accepted.alive
        if "group.consumer.migration.policy" in broker:  # only members bind a group to a protocol
            world.topic.extend(next(pieces()))
            world.drain(kafka=CONSUMER.kafka)
        world.assert_exact()
