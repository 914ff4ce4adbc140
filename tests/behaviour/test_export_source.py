"""How far tables are behind their topics as exported: with no worker alive, idle, catching up, and without a broker."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from headrace.kafka.embedded import EmbeddedBroker
from headrace.metrics import tables
from headrace.testing.brokers import BrokerHandle
from headrace.testing.waiting import wait_until
from tests.behaviour.exporting import Exported, exported
from tests.behaviour.standing import HOUR, send
from tests.behaviour.topics import ClusterTopic
from tests.behaviour.transactions import Transactions
from tests.behaviour.world import TABLE, Command, World, fill

pytestmark = pytest.mark.kafka


def asked(world: World, **kafka: object) -> dict[str, Any]:
    """Settings with which the broker is asked."""
    return {"kafka": {**world.topic.kafka().model_dump(exclude_unset=True), **kafka}}


def freshness(shown: Exported) -> float:
    """What a query says at this moment: the age of the oldest watermark."""
    return shown.clock.now().timestamp() - min(shown.series(tables.SOURCE_WATERMARK).values())


def lag(shown: Exported) -> float:
    return sum(shown.series(tables.SOURCE_LAG).values())


def test_with_no_worker_alive_a_table_falls_behind_by_what_is_sent_and_ages_from_then_on(kafka_world: World) -> None:
    world = kafka_world
    send(world, 5, age=24 * HOUR)
    world.drain()
    with exported(world, **asked(world)) as shown:
        assert (lag(shown), freshness(shown)) == (0, 0)
        stamp = send(world, 7, age=HOUR)
        shown.turn()
        assert shown.value(tables.SOURCE_LAG, "0") == lag(shown) == 7
        assert shown.value(tables.SOURCE_WATERMARK, "0") == pytest.approx(stamp, abs=0.01)
        for _ in range(3):
            before = freshness(shown)
            shown.clock.advance(60)
            shown.turn()
            assert freshness(shown) == before + 60
        assert shown.value(tables.COLLECTED, "source") == shown.clock.now().timestamp()


def test_an_idle_topic_is_fresh_and_stays_so_however_long_nothing_comes(kafka_world: World) -> None:
    world = kafka_world
    send(world, 5, age=24 * HOUR)
    world.drain()
    with exported(world, **asked(world)) as shown:
        for _ in range(3):
            shown.clock.advance(10 * HOUR)
            shown.turn()
            assert set(shown.series(tables.SOURCE_LAG).values()) == {0}
            assert freshness(shown) == 0


def test_markers_of_transactions_that_wait_make_no_table_old(kafka_world: World) -> None:
    world = kafka_world
    world.drain()
    transactions = Transactions(world)
    transactions.begin(fill(1))
    transactions.abort()
    with exported(world, **asked(world)) as shown:
        assert lag(shown) == 2
        assert freshness(shown) == 0


def test_while_a_worker_catches_up_lag_and_freshness_shrink_to_what_is_left(kafka_world: World) -> None:
    world = kafka_world
    world.drain()
    for batch in range(20):
        send(world, 50, age=HOUR - 60 * batch)
    with exported(world, **asked(world)) as shown:
        seen = [(lag(shown), freshness(shown))]
        with world.running(flush_rows=50, flush_seconds=0.05):

            def caught_up() -> bool:
                shown.turn()
                seen.append((lag(shown), freshness(shown)))
                return seen[-1][0] == 0

            wait_until(caught_up, "the worker has caught up")
    assert seen[0][0] == 1_000
    assert seen[0][1] == pytest.approx(HOUR, abs=60)
    assert seen[-1] == (0, 0)
    assert [lag for lag, _ in seen] == sorted((lag for lag, _ in seen), reverse=True)
    assert all(later <= earlier for (_, earlier), (_, later) in pairwise(seen))


def test_headrace_lag_says_the_same(kafka_world: World, command: Command) -> None:
    world = kafka_world
    send(world, 5, age=HOUR)
    world.drain()
    send(world, 3, age=HOUR)
    send(world, 4, age=2 * HOUR, partition=1)
    world.topic.delete_before(1, 2)
    (told,) = json.loads(command(world, "lag", "--json")[1])["tables"]
    with exported(world, **asked(world)) as shown:
        partitions = {(str(each["partition"]),): each for each in told["partitions"]}
        assert shown.series(tables.SOURCE_LAG) == {place: each["lag"] for place, each in partitions.items()}
        assert shown.series(tables.SOURCE_GONE) == {place: each["gone"] for place, each in partitions.items()}
        assert told["gone"] == 2
        assert freshness(shown) == pytest.approx(told["freshness_seconds"], abs=60)


def test_without_partition_detail_a_topic_is_one_series(kafka_world: World) -> None:
    world = kafka_world
    world.drain()
    stamps = [send(world, 2 + partition, age=HOUR * (2 + partition), partition=partition) for partition in range(2)]
    with exported(world, metrics={"partition_detail": False}, **asked(world)) as shown:
        assert shown.series(tables.SOURCE_LAG) == {(): 5}
        assert shown.value(tables.SOURCE_WATERMARK) == pytest.approx(min(stamps), abs=0.01)


def test_a_broker_that_goes_away_is_counted_and_tables_are_shown_all_the_same(tmp_path: Path) -> None:
    with EmbeddedBroker() as broker:
        world = World("embedded", ClusterTopic(BrokerHandle(broker), 4), tmp_path)
        world.topic.extend([fill(n) for n in range(8)])
        world.drain()
        with exported(world, **asked(world, request_timeout_seconds=10)) as shown:
            assert (lag(shown), freshness(shown)) == (0, 0)
            collected, version = shown.value(tables.COLLECTED, "source"), shown.value(tables.VERSION)
            broker.stop()
            world.table().create_checkpoint()
            world.table().delete("symbol = 'none'")
            shown.clock.advance(60)
            shown.turn()
            assert shown.value(tables.COLLECTION_FAILURES, "source") == 1
            assert shown.value(tables.COLLECTED, "source") == collected
            assert (lag(shown), freshness(shown)) == (0, 60)
            assert shown.value(tables.LAST_CHECKPOINT) == version
            assert shown.value(tables.COLLECTED, "log") == shown.clock.now().timestamp()


def test_without_a_broker_s_name_nothing_is_said_of_topics(embedded_world: World) -> None:
    embedded_world.drain()
    with exported(embedded_world) as shown:
        assert shown.value(tables.FILES) == 0
        assert shown.series(tables.SOURCE_LAG) == {}
        assert shown.series(tables.COLLECTION_FAILURES) == {}
        assert {s.labels.get("table") for s in shown.samples()} >= {TABLE}


def test_a_topic_made_anew_is_no_lag(kafka_world: World) -> None:
    world = kafka_world
    world.drain()
    with exported(world, **asked(world)) as shown:
        world.topic.recreate()
        shown.turn()
        assert shown.value(tables.COLLECTION_FAILURES, "source") == 1
        assert shown.series(tables.SOURCE_LAG) == {}
