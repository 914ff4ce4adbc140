"""Workers that are told their partitions, and read them without a consumer group."""

from dataclasses import replace
from functools import partial

import pytest

from headrace.connection import KafkaSettings
from headrace.errors import AccessDeniedError, AnotherWriterError, ConfigError
from headrace.kafka.topics import TopicClient
from headrace.metrics import ingest
from headrace.testing.shared_kafka import KafkaAddress
from headrace.testing.waiting import wait_until
from headrace_ingest.monitoring import new_metrics
from headrace_ingest.wiring import build_worker, kafka_ends
from tests.behaviour.gates import Gate, before_polls
from tests.behaviour.memberships import BY_HAND, CLASSIC
from tests.behaviour.rights import READ, TOPIC, grant, login
from tests.behaviour.running import Running
from tests.behaviour.scraping import series
from tests.behaviour.world import World, fill, poison
from tests.logged import capture_logs


@pytest.fixture
def by_hand(strict_world: World) -> World:
    """Partitions are named, in memory and on a real Kafka; three of them."""
    return replace(strict_world, membership=BY_HAND)


def some(begin: int, count: int = 30) -> list[bytes | None]:
    """Good and bad records."""
    return [poison(n) if n % 10 == 3 else fill(n) for n in range(begin, begin + count)]


def good(begin: int, count: int = 30) -> list[bytes | None]:
    """Records that all become rows."""
    return [fill(n) for n in range(begin, begin + count)]


def test_workers_with_partitions_of_their_own_read_the_topic_between_them(by_hand: World) -> None:
    world = by_hand
    with world.running(partitions=[0, 2]) as pair, world.running(partitions=[1]) as single:
        world.await_landing(*world.topic.extend(some(0)))
        single.stop()
        waiting = world.topic.append(fill(100), partition=1)
        world.await_landing(world.topic.append(fill(101), partition=0))
        assert not world.have_landed(waiting)
        with world.running(partitions=[1]):
            world.await_landing(waiting)
        assert pair.alive
    world.assert_exact()


def has_claimed(running: Running) -> bool:
    return len(series(running.worker, ingest.ASSIGNED)) == 3


def test_the_newest_of_two_workers_of_a_partition_goes_on_and_the_other_stops(by_hand: World) -> None:
    world = by_hand
    newest = world.running().start()
    for begin in range(0, 90, 30):
        world.await_landing(*world.topic.extend(some(begin)))
        older, newest = newest, world.running().start()
        wait_until(partial(has_claimed, newest), "the newest one has claimed")
        world.topic.extend(some(begin + 1000))
        with pytest.raises(AnotherWriterError, match="the other one goes on") as stopped:
            older.join()
        assert stopped.value.exit_code == 82
    with newest:
        world.await_landing(*world.topic.extend(some(5000)))
    world.assert_exact()


def test_the_newest_goes_on_where_all_records_are_good_too(by_hand: World) -> None:
    world, gate = by_hand, Gate()
    older = world.running().start()
    world.await_landing(*world.topic.extend(good(0)))
    with standing_by(world, gate) as newer:
        world.topic.extend(good(100))
        with pytest.raises(AnotherWriterError, match="the other one goes on"):
            older.join()
        gate.opened.set()
        world.await_landing(*world.topic.extend(good(200)))
        assert newer.alive
    world.assert_exact()


def test_an_older_worker_that_had_committed_nothing_goes_on_if_it_comes_first(by_hand: World) -> None:
    world, gate = by_hand, Gate()
    with world.running() as older:
        wait_until(partial(has_claimed, older), "the older one has claimed")
        newer = standing_by(world, gate)
        world.await_landing(*world.topic.extend(good(0)))
        gate.opened.set()
        with pytest.raises(AnotherWriterError, match="the other one goes on") as stopped:
            newer.join()
        assert stopped.value.exit_code == 82
        world.await_landing(*world.topic.extend(good(100)))
        assert older.alive
    world.assert_exact()


def standing_by(world: World, gate: Gate) -> Running:
    """A worker that has claimed its partitions and reads nothing before the gate is opened."""
    running = world.running()
    before_polls(running.worker.consumer, gate.hold)
    running.start()
    gate.await_reached("it has claimed")
    return running


def test_a_drain_waits_for_its_own_partitions_alone(by_hand: World) -> None:
    world = by_hand
    world.topic.extend(some(0))
    world.drain(partitions=[0, 1])
    assert world.positions() == {0: 10, 1: 10, 2: 0}
    world.drain(partitions=[2])
    world.assert_exact()


def test_a_partition_that_the_topic_does_not_have_is_named(by_hand: World) -> None:
    with pytest.raises(ConfigError, match="has partitions 0 to 2; --partitions names 3") as stopped:
        by_hand.drain(partitions=[0, 3])
    assert stopped.value.exit_code == 78
    assert not by_hand.root.exists()


def test_partitions_that_nobody_reads_are_named_and_wait_for_a_worker(by_hand: World) -> None:
    world = by_hand
    quick = {"metadata_refresh_seconds": 0.1}
    with capture_logs() as lines, world.running(kafka=quick, partitions=[0, 1, 2]) as worker:
        world.await_landing(*world.topic.extend(some(0)))
        assert not [line for line in lines if line["event"] == "partitions_unread"]
        world.topic.add_partitions(2)
        waiting = [world.topic.append(fill(n), partition=3) for n in range(5)]
        wait_until(lambda: any(line["event"] == "partitions_unread" for line in lines), "they are named")
        world.await_landing(world.topic.append(fill(9), partition=0))
        told = [line["partitions"] for line in lines if line["event"] == "partitions_unread"]
        assert told == [[3, 4]]
        assert 3 not in world.positions()
        with world.running(partitions=[3]):
            world.await_landing(*waiting)
        wait_until(lambda: [line for line in lines if line.get("partitions") == [4]] != [], "one is left")
        assert worker.alive
    world.assert_exact()


def test_a_group_takes_over_from_workers_without_one_and_the_other_way_round(by_hand: World) -> None:
    world = by_hand
    for begin, membership in enumerate((BY_HAND, CLASSIC, BY_HAND)):
        replaced = replace(world, membership=membership)
        with replaced.running():
            world.await_landing(*world.topic.extend(some(100 * begin)))
    world.assert_exact()


@pytest.mark.kafka
def test_reading_by_hand_needs_no_right_on_any_group(kafka_world: World, kafka: KafkaAddress) -> None:
    world = replace(kafka_world, membership=BY_HAND)
    grant(kafka, READ, TOPIC, world.topic.name)
    settings = world.settings(kafka=login(kafka))
    wait_until(lambda: may_read_topic(settings.kafka, world.topic.name), "the broker knows the right that was granted")

    def worker(partitions: tuple[int, ...] | None) -> Running:
        ends = kafka_ends(settings, world.contract, None, partitions)
        metrics = new_metrics(settings, world.contract, world.clock)
        return Running(build_worker(settings, world.contract, ends, drain=False, metrics=metrics))

    with worker((0, 1, 2)):
        for begin in range(0, 90, 30):
            world.await_landing(*world.topic.extend(some(begin)))
    world.assert_exact()
    with pytest.raises(AccessDeniedError, match="ACLs of topic and group"):
        worker(None).start().join()


def may_read_topic(kafka: KafkaSettings, topic: str) -> bool:
    """Whether the user of `kafka` is let at the topic."""
    client = TopicClient(kafka, topic)
    try:
        return client.identity().name == topic
    except AccessDeniedError:
        return False
    finally:
        client.close()
