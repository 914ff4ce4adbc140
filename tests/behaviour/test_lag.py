"""What `headrace lag` says, on the embedded broker and on a real Kafka, of tables that real workers made."""

import json
import shutil
from datetime import timedelta

import pytest

from headrace.clock import Clock, SystemClock
from headrace.errors import BrokerUnreachableError, ConfigError
from headrace.lake.store import Store
from headrace.read.lag import LagReader, PartitionLag, TableLag
from headrace.testing.manual_clock import ManualClock
from tests.behaviour.transactions import Transactions
from tests.behaviour.world import DAY, TABLE, Command, World, fill

MADE = int(DAY.timestamp() * 1000)


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def cluster_world(request: pytest.FixtureRequest) -> World:
    """A world whose broker is addressed."""
    world = request.getfixturevalue(f"{request.param}_world")
    assert isinstance(world, World)
    return world


def lag_of(world: World, clock: Clock | None = None) -> TableLag:
    (found,) = LagReader(Store(str(world.root)), world.topic.kafka(), clock or SystemClock()).read([TABLE])
    return found


def partition(number: int, position: int, high: int, *, durable_for: int, low: int = 0, gone: int = 0) -> PartitionLag:
    """What is found an hour after `DAY` of a partition whose records are all durable until so many seconds after it."""
    return PartitionLag(
        number,
        position,
        low,
        high,
        lag=high - position,
        gone=gone,
        ahead=0,
        durable_until=DAY + timedelta(seconds=durable_for),
        freshness_seconds=3_600 - durable_for,
    )


def append(world: World, partition: int, count: int, timestamp_ms: int = MADE) -> None:
    for number in range(count):
        world.topic.append(fill(number), partition=partition, timestamp_ms=timestamp_ms + number * 1_000)


def test_a_table_without_a_worker_falls_behind_and_says_for_how_long(cluster_world: World) -> None:
    world = cluster_world
    append(world, 0, 5)
    world.drain()
    append(world, 0, 3, MADE + 60_000)
    append(world, 1, 2, MADE + 90_000)

    found = lag_of(world, ManualClock(DAY.replace(hour=15)))

    assert found.partitions[:3] == (
        partition(0, 5, 8, durable_for=60),
        partition(1, 0, 2, durable_for=90),
        partition(2, 0, 0, durable_for=3_600),
    )
    assert (found.lag, found.freshness_seconds, found.topic) == (5, 3_540, world.topic.name)


def test_an_idle_topic_is_fresh_however_old_its_records_are(cluster_world: World) -> None:
    append(cluster_world, 0, 5)
    cluster_world.drain()
    found = lag_of(cluster_world)
    assert (found.lag, found.freshness_seconds) == (0, 0)


def test_lag_shrinks_while_a_worker_catches_up_and_agrees_with_the_positions(cluster_world: World) -> None:
    world = cluster_world
    world.drain()
    world.topic.extend([fill(n) for n in range(2_000)])
    seen = [lag_of(world)]
    with world.running(flush_rows=100, flush_seconds=0.05):
        while seen[-1].lag:
            seen.append(lag_of(world))
    assert seen[0].lag == 2_000
    lags = [found.lag or 0 for found in seen]
    assert lags == sorted(lags, reverse=True)
    for found in seen:
        assert found.lag == sum(each.high - each.position for each in found.partitions)
        assert all((each.lag == 0) == (each.freshness_seconds == 0) for each in found.partitions)
    assert {each.partition: each.position for each in seen[-1].partitions if each.position} == world.positions()


def test_json_and_text_say_the_same(cluster_world: World, command: Command) -> None:
    append(cluster_world, 0, 5)
    cluster_world.drain()
    append(cluster_world, 0, 3)
    code, out = command(cluster_world, "lag", "--json")
    (told,) = json.loads(out)["tables"]
    assert (code, told["lag"], told["partitions"][0]["lag"]) == (0, 3, 3)
    code, out = command(cluster_world, "lag", TABLE)
    assert out.startswith(f"{TABLE} from {cluster_world.topic.name}, version 2: lag 3, freshness ")
    assert out.splitlines()[2].split()[:4] == ["0", "5", "8", "3"]
    assert command(cluster_world, "lag", TABLE, TABLE)[1].count("lag 3, freshness ") == 2


@pytest.mark.kafka
def test_added_partitions_count_from_their_first_record(kafka_world: World) -> None:
    kafka_world.drain()
    kafka_world.topic.add_partitions(1)
    append(kafka_world, 3, 4)
    found = lag_of(kafka_world)
    assert (found.lag, found.partitions[3].lag) == (4, 4)


@pytest.mark.kafka
def test_what_retention_took_before_it_was_read_is_told(kafka_world: World, command: Command) -> None:
    append(kafka_world, 0, 2)
    kafka_world.drain()
    append(kafka_world, 0, 6, MADE + 60_000)
    kafka_world.topic.delete_before(0, 5)
    found = lag_of(kafka_world, ManualClock(DAY.replace(hour=15)))
    assert found.partitions[0] == partition(0, 2, 8, durable_for=63, low=5, gone=3)
    assert "3 records after the position are no longer in the topic" in command(kafka_world, "lag")[1]


@pytest.mark.kafka
def test_markers_that_wait_make_nothing_stale(kafka_world: World) -> None:
    kafka_world.drain()
    transactions = Transactions(kafka_world)
    transactions.begin(fill(1))
    transactions.abort()
    found = lag_of(kafka_world)
    assert (found.lag, found.freshness_seconds) == (2, 0)


@pytest.mark.kafka
def test_a_topic_made_anew_is_told_and_is_the_exit_code(kafka_world: World, command: Command) -> None:
    kafka_world.drain()
    kafka_world.topic.recreate()
    found = lag_of(kafka_world)
    assert (found.lag, found.exit_code) == (None, 80)
    assert "is not the one that the table was filled from" in str(found.problem)
    assert command(kafka_world, "lag")[0] == 80


def test_a_broker_that_does_not_answer_is_told_so(embedded_world: World) -> None:
    embedded_world.drain()
    kafka = embedded_world.topic.kafka()
    nobody = kafka.model_copy(update={"bootstrap_servers": "127.0.0.1:1", "request_timeout_seconds": 0.3})
    with pytest.raises(BrokerUnreachableError, match="HEADRACE_KAFKA__BOOTSTRAP_SERVERS"):
        LagReader(Store(str(embedded_world.root)), nobody, SystemClock()).read()


def test_without_a_broker_s_name_it_is_a_configuration_error(embedded_world: World) -> None:
    embedded_world.drain()
    unnamed = embedded_world.topic.kafka().model_copy(update={"bootstrap_servers": None})
    with pytest.raises(ConfigError, match="no broker is named"):
        LagReader(Store(str(embedded_world.root)), unnamed, SystemClock()).read()


def test_a_table_that_cannot_be_read_hides_no_other(embedded_world: World) -> None:
    embedded_world.drain()
    for name in ("broken", "broken__quarantine"):
        (embedded_world.root / name / "_delta_log").mkdir(parents=True)
    broken, whole = LagReader(Store(str(embedded_world.root)), embedded_world.topic.kafka(), SystemClock()).read()
    assert (broken.table, broken.lag, whole.lag) == ("broken", None, 0)
    assert broken.exit_code


def test_a_table_whose_quarantine_is_gone_is_told(embedded_world: World) -> None:
    embedded_world.drain()
    shutil.rmtree(embedded_world.root / f"{TABLE}__quarantine")
    (found,) = LagReader(Store(str(embedded_world.root)), embedded_world.topic.kafka(), SystemClock()).read()
    assert (found.table, found.exit_code) == (TABLE, 73)
