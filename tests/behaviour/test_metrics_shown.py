"""A metric of the catalogue that nothing sets would be a lie: running workers move every one of them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.samples import Sample

from headrace.kafka.embedded import EmbeddedBroker
from headrace.metrics import COMMON, INGEST, common, ingest
from headrace.metrics.metric import Histogram
from headrace.testing.brokers import BrokerHandle
from headrace.testing.waiting import wait_until
from headrace_ingest.worker import Worker
from tests.behaviour.memberships import BY_HAND
from tests.behaviour.scraping import moved, probe, scrape, served_at, value
from tests.behaviour.standing import send, standing_still
from tests.behaviour.topics import ClusterTopic, MemoryTopic
from tests.behaviour.transactions import Transactions
from tests.behaviour.world import World, fill, poison
from tests.faults.effects import Effects, Fault, recorded
from tests.faults.processes import WorkerProcess

CLIENT = '{"statistics.interval.ms": "200", "log_level": "3"}'

REFUSED = [
    poison(1),
    b'{"fill_id":"\xff"}',
    b"[" * 5_000,
    b'{"fill_id":"' + b"x" * 20_000 + b'"}',
    None,
    b'{"fill_id":1}',
]
"""As many reasons as a test of one topic can easily bring about."""


@pytest.fixture
def effects(monkeypatch: pytest.MonkeyPatch) -> Iterator[Effects]:
    with recorded(monkeypatch) as effects:
        yield effects


def samples(worker: Worker) -> list[Sample]:
    return [sample for family in worker.metrics.registry.collect() for sample in family.samples]


def an_everyday_process(world: World) -> list[Sample]:
    """What is scraped over HTTP of `headrace ingest` on a topic with good and bad records and gaps."""
    world.topic.extend([fill(n) for n in range(30)])
    world.topic.extend(REFUSED)
    transactions = Transactions(world)
    transactions.begin(fill(100))
    transactions.commit()
    with WorkerProcess(
        world,
        kafka__client=CLIENT,
        metrics__offsets_seconds="0.2",
        metrics__port="0",
        ingest__checkpoint_every="10",
        ingest__max_record_bytes="20_000",
    ) as process:
        process.await_said('"serving"')
        url = served_at(process.said)
        for number in range(12):
            world.await_landing(world.topic.append(fill(200 + number)))
        process.await_said('"checkpoint"')
        told = (ingest.BROKER_RTT.name, "0.99")
        wait_until(lambda: told in moved(scrape(url)), "librdkafka has told of itself")
        assert probe(url) == {"startupz": 200, "livez": 200, "readyz": 200}
        return scrape(url)


def retention_and_a_full_pipe(world: World, effects: Effects) -> list[Sample]:
    """A worker that is behind, paused, and on a topic whose first records are gone."""
    with standing_still(world, effects, flush_rows=5) as (worker, _gate):
        send(world, 10, age=0)
        wait_until(lambda: value(worker, ingest.PAUSED) > 0, "reading pauses")
        world.topic.delete_before(0, 3)
        wait_until(lambda: value(worker, ingest.LOW_WATERMARK, "0") == 3, "the broker says so")
        return samples(worker)


def trouble_with_commits(world: World, effects: Effects) -> list[Sample]:
    """Commits that landed although they raised, and that were refused because somebody else had come first."""

    def lost() -> None:
        msg = "the answer was lost"
        raise OSError(msg)

    def overtake() -> None:
        world.drain(group="another")

    with world.running() as running:
        worker = running.worker
        effects.plan(Fault("commit ingest", 1, "after", lost))
        world.await_landing(world.topic.append(fill(1), partition=0))
        wait_until(lambda: value(worker, ingest.OUTCOME_UNKNOWN, "landed") == 1, "it is found to have landed")
        effects.plan(Fault("commit ingest", 1, "before", overtake))
        world.topic.append(fill(2), partition=0)
        wait_until(lambda: value(worker, ingest.FENCED, "delta_txn") == 1, "it is fenced")
        world.expel(worker.consumer)
        wait_until(lambda: value(worker, ingest.REBALANCES, "lost") == 1, "it learns that it was expelled")
        running.stop()
    return samples(worker)


def a_group_that_does_not_listen(world: World) -> list[Sample]:
    """A reader without a group that tells positions to a group that has members."""
    by_hand = replace(world, membership=BY_HAND, folder=world.folder / "by-hand")
    (by_hand.folder).mkdir()
    with world.running(), by_hand.running() as running:
        worker = running.worker

        def refused() -> bool:
            world.topic.append(fill(1))
            return value(worker, ingest.OFFSET_COMMIT_FAILURES) > 0

        wait_until(refused, "the group refuses")
        return samples(worker)


def a_broker_that_goes_away(folder: Path) -> list[Sample]:
    """What the client says of it."""
    with EmbeddedBroker() as broker:
        world = World("embedded", ClusterTopic(BrokerHandle(broker), 4), folder)
        with world.running(kafka={"request_timeout_seconds": 5}) as running:
            wait_until(running.worker.metrics.health.ready, "it is ready")
            broker.stop()
            wait_until(lambda: value(running.worker, ingest.KAFKA_ERRORS, "_TRANSPORT") > 0, "the client notices")
            return samples(running.worker)


@pytest.mark.kafka
def test_running_workers_move_every_metric_of_the_catalogue(
    kafka_world: World, tmp_path: Path, effects: Effects
) -> None:
    def folder(name: str) -> Path:
        made = tmp_path / name
        made.mkdir()
        return made

    shown = moved(
        [
            *an_everyday_process(kafka_world),
            *a_group_that_does_not_listen(kafka_world),
            *a_broker_that_goes_away(folder("away")),
            *retention_and_a_full_pipe(World("memory", MemoryTopic(3), folder("behind")), effects),
            *trouble_with_commits(World("memory", MemoryTopic(3), folder("trouble")), effects),
        ]
    )
    expected = {
        f"{metric.name}_count" if isinstance(metric, Histogram) else metric.name for metric in (*COMMON, *INGEST)
    }
    assert sorted(expected - {name for name, _ in shown}) == []
    # Words of closed sets that are not to be had at once are tested where they arise.
    for metric, words in (
        (ingest.STAGE, ingest.STAGE.values["stage"]),
        (ingest.RECORD_DELAY, ingest.RECORD_DELAY.values["phase"]),
        (ingest.REBALANCES, ("assign", "revoke", "lost")),
        (ingest.FENCED, ("delta_txn", "session")),
        (ingest.OUTCOME_UNKNOWN, ("landed", "not_landed")),
        (ingest.COMMIT_FAILURES, ("conflict", "store")),
        (ingest.FLUSHES, ("age", "rows")),
        (ingest.QUARANTINED_RECORDS, ("not_json", "invalid_utf8", "too_deep", "oversize", "tombstone", "wrong_type")),
        (common.LOOP_TICK, ("poll", "offsets")),
        (common.LOG_MESSAGES, ("flush", "checkpoint")),
    ):
        name = f"{metric.name}_count" if isinstance(metric, Histogram) else metric.name
        assert sorted(word for word in words if (name, word) not in shown) == [], metric.name
