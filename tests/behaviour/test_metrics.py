"""Lag, freshness and ownership as scraped: idle, catching up, standing still, moving, and without a broker."""

import signal
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from headrace.kafka.embedded import EmbeddedBroker
from headrace.metrics import common, ingest
from headrace.testing.brokers import BrokerHandle
from headrace.testing.waiting import wait_until
from headrace_ingest.worker import Worker
from tests.behaviour.gates import Gate, before_polls
from tests.behaviour.running import Running
from tests.behaviour.scraping import probe, scrape, series, served_at, value
from tests.behaviour.standing import HOUR, now, send, standing_still
from tests.behaviour.topics import ClusterTopic
from tests.behaviour.world import TABLE, World, fill, poison
from tests.faults.effects import Effects, Fault, recorded
from tests.faults.processes import WorkerProcess


def watermark(worker: Worker, partition: int = 0) -> float:
    return value(worker, ingest.FRESHNESS, str(partition))


def lag(worker: Worker, partition: int = 0) -> float:
    return value(worker, ingest.LAG, str(partition))


def answered_after(worker: Worker, before: float | None) -> bool:
    return worker.offsets.answered_at != before


def await_answers(worker: Worker, rounds: int = 2) -> None:
    """Returns when the broker was asked so often from now on of every partition."""
    for _ in range(rounds * worker.watch.partitions):
        before = worker.offsets.answered_at
        wait_until(partial(answered_after, worker, before), "the broker is asked")


def await_turns(worker: Worker, seconds: float) -> None:
    """Returns when the loop has gone on for so long."""
    begin = value(worker, common.LOOP_TICK, "poll")
    wait_until(lambda: value(worker, common.LOOP_TICK, "poll") > begin + seconds, "the loop goes on")


@pytest.fixture
def effects(monkeypatch: pytest.MonkeyPatch) -> Iterator[Effects]:
    with recorded(monkeypatch) as effects:
        yield effects


def test_an_idle_worker_is_fresh_and_stays_so_however_old_its_records_are(world: World) -> None:
    send(world, 5, age=24 * HOUR)
    with world.running() as running:
        worker = running.worker
        wait_until(lambda: lag(worker) == 0 and watermark(worker) > now() - 5, "it is idle and fresh")
        before = watermark(worker)
        await_answers(worker)
        wait_until(lambda: watermark(worker) > before, "the watermark goes on")
        assert {lag(worker, p) for p in range(world.topic.partitions)} == {0}
        assert all(watermark(worker, p) > now() - 60 for p in range(world.topic.partitions))
        assert value(worker, ingest.POSITION, "0") == value(worker, ingest.COMMITTED, "0") == 5
        assert value(worker, ingest.HIGH_WATERMARK, "0") == 5
        assert series(worker, ingest.BUFFER_OLDEST) == {}


def test_a_worker_that_stands_still_grows_old_and_its_lag_grows(strict_world: World, effects: Effects) -> None:
    world = strict_world
    with standing_still(world, effects) as (worker, gate):
        await_answers(worker)  # one that was on its way has arrived
        wait_until(lambda: value(worker, ingest.POSITION, "0") == 20 and lag(worker) == 10, "it has read all")
        # It was caught up with a moment ago: as of then it is fresh, and not as of the old records that have come.
        before = watermark(worker)
        assert now() - 60 < before
        assert value(worker, ingest.COMMITTED, "0") == 10
        send(world, 7, age=0)
        wait_until(lambda: lag(worker) == 17, "the lag grows")
        await_answers(worker)
        assert watermark(worker) == before
        assert value(worker, ingest.BUFFERED_RECORDS) >= 10
        assert value(worker, ingest.BUFFERED_BYTES) > 0
        assert now() - HOUR - 60 < value(worker, ingest.BUFFER_OLDEST) < now() - HOUR + 60
        gate.opened.set()
        wait_until(lambda: lag(worker) == 0 and watermark(worker) > before, "it has caught up")


def test_while_catching_up_the_newest_durable_record_tells_how_far(strict_world: World, effects: Effects) -> None:
    world, gate = strict_world, Gate()
    first = send(world, 10, age=2 * HOUR)
    effects.plan(Fault("commit ingest", 2, "before", gate.hold))
    second = send(world, 10, age=HOUR)
    with world.running(flush_rows=1) as running:  # a batch is what a poll brings, and the first brings ten at most
        worker = running.worker
        gate.await_reached("the second commit takes place")
        wait_until(lambda: value(worker, ingest.COMMITTED, "0") > 0, "the first commit is known")
        assert lag(worker) == 20 - value(worker, ingest.COMMITTED, "0") >= 10
        assert watermark(worker) == pytest.approx(first, abs=0.01)
        delays = ingest.RECORD_DELAY.name + "_count", {"table": TABLE, "phase": "catchup"}
        assert worker.metrics.registry.get_sample_value(*delays) == 1
        gate.opened.set()
        wait_until(lambda: lag(worker) == 0 and watermark(worker) >= second, "it has caught up")


def test_before_its_first_commit_a_worker_is_as_old_as_what_waits(memory_world: World, effects: Effects) -> None:
    world, gate = memory_world, Gate()
    stamp = send(world, 10, age=HOUR)
    effects.plan(Fault("commit ingest", 1, "before", gate.hold))
    with world.running() as running:
        gate.await_reached("the commit takes place")
        assert watermark(running.worker) == pytest.approx(stamp, abs=0.01)
        assert lag(running.worker) == 10
        gate.opened.set()


def test_a_paused_worker_sees_what_it_does_not_fetch(strict_world: World, effects: Effects) -> None:
    world = strict_world
    with standing_still(world, effects, flush_rows=5) as (worker, gate):
        send(world, 10, age=0)
        wait_until(lambda: value(worker, ingest.PAUSED) == world.topic.partitions, "reading pauses")
        send(world, 50, age=0)
        wait_until(lambda: lag(worker) == 70, "the broker's end is known although nothing is fetched")
        gate.opened.set()
        wait_until(lambda: lag(worker) == 0 and value(worker, ingest.PAUSED) == 0, "reading goes on")


def owned(running: Running) -> set[str]:
    return {labels[0] for labels, held in series(running.worker, ingest.ASSIGNED).items() if held}


def test_a_partition_that_moved_is_shown_by_its_new_worker_alone(group_world: World) -> None:
    world = group_world
    everything = {str(p) for p in range(world.topic.partitions)}
    with world.running() as first:
        wait_until(lambda: owned(first) == everything, "the first worker has all")
        with world.running(member="two") as second:
            wait_until(
                lambda: bool(owned(first)) and bool(owned(second)) and owned(first) | owned(second) == everything,
                "the partitions are shared",
            )
            assert owned(first).isdisjoint(owned(second))
            for metric in ingest.INGEST:
                if "partition" in metric.labels:
                    shown = {labels[-1] for labels in series(first.worker, metric)}
                    assert shown <= owned(first), metric.name
            assert value(first.worker, ingest.REBALANCES, "revoke") >= 1
            assert value(second.worker, ingest.TOPIC_PARTITIONS) == len(everything)


def test_a_worker_that_ended_shows_no_partition(memory_world: World) -> None:
    world = memory_world
    with world.running() as running:
        wait_until(lambda: len(owned(running)) == 3, "it has all partitions")
        running.stop()
    assert owned(running) == set()
    assert series(running.worker, ingest.LAG) == {}
    assert value(running.worker, common.STATE, "stopped") == 1


def test_without_partition_detail_a_topic_is_one_series(memory_world: World) -> None:
    world = replace(memory_world, metrics={"offsets_seconds": 0.1, "partition_detail": False})
    world.memory.delete_before(0, 0)
    for partition, count in enumerate((2, 3, 4)):
        send(world, count, age=HOUR, partition=partition)
    with world.running() as running:
        worker = running.worker
        wait_until(
            lambda: value(worker, ingest.COMMITTED) == 9 and watermark_of_topic(worker) > now() - 5, "all landed"
        )
        for metric, expected in (
            (ingest.LAG, 0),
            (ingest.POSITION, 9),
            (ingest.HIGH_WATERMARK, 9),
            (ingest.LOW_WATERMARK, 0),
            (ingest.ASSIGNED, 3),
        ):
            assert series(worker, metric) == {(): expected}


def watermark_of_topic(worker: Worker) -> float:
    return value(worker, ingest.FRESHNESS)


def test_a_broker_that_is_gone_makes_a_worker_old_and_not_dead(tmp_path: Path) -> None:
    quick = {"request_timeout_seconds": 5, "metadata_refresh_seconds": 0.2}
    with EmbeddedBroker() as broker:
        world = World("embedded", ClusterTopic(BrokerHandle(broker), 4), tmp_path)
        world.topic.extend([fill(n) for n in range(8)])
        with world.running(kafka=quick) as running:
            worker = running.worker
            world.await_landing(*world.topic.records)
            wait_until(lambda: sum(series(worker, ingest.LAG).values()) == 0, "it is idle")
            broker.stop()
            wait_until(lambda: value(worker, ingest.REBALANCES, "lost") > 0, "the session is over")
            wait_until(lambda: value(worker, ingest.KAFKA_ERRORS, "_TRANSPORT") > 0, "the client says why")
            await_turns(worker, seconds=1)  # an answer that was on its way has arrived
            before = (series(worker, ingest.FRESHNESS), value(worker, common.LOOP_TICK, "offsets"))
            assert len(before[0]) == world.topic.partitions
            await_turns(worker, seconds=2)
            assert (series(worker, ingest.FRESHNESS), value(worker, common.LOOP_TICK, "offsets")) == before
            assert len(series(worker, ingest.LAG)) == world.topic.partitions
            assert sum(series(worker, ingest.ASSIGNED).values()) == 0
            assert worker.metrics.health.live()
            assert worker.metrics.health.ready()


def test_a_lost_partition_is_shown_until_the_group_answers(memory_world: World) -> None:
    world = memory_world
    with world.running(member="two") as other, world.running() as running:
        wait_until(
            lambda: all((owned(running), owned(other))) and len(owned(running) | owned(other)) == 3, "they share"
        )
        gate = Gate()
        before_polls(running.worker.consumer, gate.hold)
        gate.await_reached("the worker polls")
        lost = owned(running)
        world.expel(running.worker.consumer)
        wait_until(lambda: len(owned(other)) == 3, "the other one takes all")
        assert owned(running) == lost
        gate.opened.set()
        wait_until(lambda: len(owned(running)) + len(owned(other)) == 3, "they share again")
        wait_until(lambda: shown(running) <= owned(running), "it shows what it reads")


def shown(running: Running) -> set[str]:
    """Partitions that any series names."""
    named = (metric for metric in ingest.INGEST if "partition" in metric.labels)
    return {labels[-1] for metric in named for labels in series(running.worker, metric)}


def is_ready(url: str) -> bool:
    return probe(url)["readyz"] == 200


def test_workers_on_one_machine_find_ports_and_a_named_one_is_not_shared(embedded_world: World) -> None:
    world = embedded_world
    with WorkerProcess(world) as first, WorkerProcess(world) as second:
        for process in (first, second):
            process.await_said('"serving"')
        urls = [served_at(process.said) for process in (first, second)]
        assert len(set(urls)) == 2
        for url in urls:
            wait_until(partial(is_ready, url), "it is ready")
            assert scrape(url)
        _, _, port = urls[0].rpartition(":")
        with WorkerProcess(world, metrics__port=port) as third:
            assert third.end() == 78
            assert f"port {port} of 127.0.0.1 is taken" in third.said
        first.signal(signal.SIGTERM)
        assert first.end() == 0


def test_a_worker_that_drains_is_alive_and_not_ready(memory_world: World, effects: Effects) -> None:
    with standing_still(memory_world, effects) as (worker, gate):
        worker.stop()
        wait_until(lambda: value(worker, common.STATE, "draining") == 1, "it makes durable what was read")
        assert worker.metrics.health.live()
        assert not worker.metrics.health.ready()
        gate.opened.set()


def test_a_loop_that_hangs_is_dead(memory_world: World) -> None:
    world, gate = memory_world, Gate()
    with world.running() as running:
        worker = running.worker
        wait_until(worker.metrics.health.ready, "it is ready")
        worker.metrics.health._stall_seconds = 0.5
        before_polls(worker.consumer, gate.hold)
        wait_until(lambda: not worker.metrics.health.live(), "it is found dead")
        assert not worker.metrics.health.ready()
        gate.opened.set()
        wait_until(worker.metrics.health.live, "it lives again")


def test_a_failure_is_shown_as_such(memory_world: World) -> None:
    memory_world.topic.extend([poison(n) for n in range(50)])
    running = memory_world.running(quarantine_max_consecutive=20).start()
    wait_until(lambda: running.failure is not None, "it fails")
    assert value(running.worker, common.STATE, "failed") == 1
    assert not running.worker.metrics.health.live()
