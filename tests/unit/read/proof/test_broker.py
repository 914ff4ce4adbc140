"""The table against the topic itself: on the embedded broker and on a real one."""

import uuid
from collections.abc import Callable, Mapping

import pytest
from confluent_kafka import KafkaError, Message, Producer
from deltalake import DeltaTable

from headrace.connection import KafkaSettings
from headrace.contracts import load_contracts
from headrace.kafka.topics import TopicClient
from headrace.offsets import Address
from headrace.read.proof.broker import Broker
from headrace.read.proof.canonical import ValueCodec
from headrace.read.proof.findings import Code, Finding, Level, Verdict
from headrace.read.proof.given import Base
from headrace.read.proof.identity import TableIdentity
from headrace.read.proof.report import TableReport
from headrace.read.proof.truth import Progress
from headrace.read.proof.verify import Verifier, no_progress
from headrace.testing.brokers import BrokerHandle
from headrace.testing.waiting import PATIENCE_SECONDS
from tests.behaviour.transactions import await_markers
from tests.unit.read.proof.tables import TableBuilder

Send = Callable[[Mapping[int, list[bytes | None]]], None]


def failures(report: TableReport) -> list[Finding]:
    listed = [*report.findings, *(finding for p in report.partitions for finding in p.findings)]
    return [finding for finding in listed if finding.verdict is Verdict.FAIL]


class Topic:
    """A fresh topic, and a table that says it is filled from it."""

    def __init__(self, handle: BrokerHandle, build: Callable[..., TableBuilder]) -> None:
        self.settings = KafkaSettings(
            bootstrap_servers=handle.bootstrap_servers, request_timeout_seconds=PATIENCE_SECONDS
        )
        self.name = handle.new_topic()
        client = TopicClient(self.settings, self.name)
        self.identity = client.identity()
        client.close()
        self.table = build(
            dict.fromkeys(range(self.identity.partitions), 0),
            **{
                "headrace.topic": self.name,
                "headrace.cluster_id": self.identity.cluster_id,
                "headrace.topic_id": self.identity.topic_id,
            },
        )

    def send(self, values: Mapping[int, list[bytes | None]], *, transaction: str | None = None) -> None:
        """Sends values to partitions; `transaction` is `commit` or `abort`."""
        config: dict[str, str | int] = {"bootstrap.servers": self.settings.bootstrap_servers or "", "log_level": 0}
        if transaction:
            config["transactional.id"] = uuid.uuid4().hex
        producer = Producer(config)
        sent: list[Address] = []

        def report(error: KafkaError | None, message: Message) -> None:
            assert error is None, error
            partition, offset = message.partition(), message.offset()
            assert partition is not None
            assert offset is not None
            sent.append((partition, offset))

        if transaction:
            producer.init_transactions(PATIENCE_SECONDS)
            producer.begin_transaction()
        for partition, listed in values.items():
            for value in listed:
                producer.produce(self.name, value, partition=partition, on_delivery=report)
        assert producer.flush(PATIENCE_SECONDS) == 0
        if not transaction:
            return
        end = producer.commit_transaction if transaction == "commit" else producer.abort_transaction
        end(PATIENCE_SECONDS)
        await_markers(self.settings, self.name, sent)

    def verify(self, base: Base | None = None, progress: Progress = no_progress) -> TableReport:
        def open_broker(identity: TableIdentity, codec: ValueCodec | None) -> Broker:
            return Broker(self.settings, identity, codec.canonical if codec else None)

        return Verifier(self.table.root, load_contracts([]), open_broker, progress).verify("trades", base)

    def sent(self, partition: int, start: int, end: int) -> list[bytes | None]:
        return [self.table.event(partition, offset).to_wire() for offset in range(start, end)]


@pytest.fixture
def topic(broker: BrokerHandle, build: Callable[..., TableBuilder]) -> Topic:
    return Topic(broker, build)


@pytest.fixture
def kafka_topic(kafka_broker: BrokerHandle, build: Callable[..., TableBuilder]) -> Topic:
    return Topic(kafka_broker, build)


def test_a_table_that_equals_its_topic_passes(topic: Topic) -> None:
    topic.send({0: [*topic.sent(0, 0, 50), b"not json"], 2: topic.sent(2, 0, 30)})
    topic.table.land({0: (0, 51), 2: (0, 20)}, rejects={0: [50]})

    report = topic.verify()

    assert report.verdict is Verdict.PASS
    assert report.levels == (Level.LOG, Level.FILES, Level.BROKER)
    assert [p.behind for p in report.partitions] == [0, 0, 10, 0]


@pytest.mark.parametrize("compacted", [False, True])
def test_since_a_version_the_topic_is_read_from_its_positions(topic: Topic, compacted: bool) -> None:
    sent = topic.sent(0, 0, 80)
    sent[10], sent[60] = sent[11], sent[61]
    topic.send({0: sent, 1: topic.sent(1, 0, 5)})
    topic.table.land({0: (0, 50)})
    topic.table.land({0: (50, 80), 1: (0, 5)}, gaps={0: [(70, 71)]})
    if compacted:
        DeltaTable(topic.table.path).optimize.compact()

    report = topic.verify(Base(1))

    found = [(f.code, f.partition, f.offset) for f in failures(report)]
    assert (Code.LOST, 0, 70) in found
    assert (Code.VALUE_DIFFERS, 0, 60) in found
    assert [p.rows for p in report.partitions] == [29, 5, 0, 0]
    assert report.levels == (Level.LOG, Level.FILES, Level.BROKER)


def test_since_a_version_what_the_topic_held_before_is_not_asked_for(topic: Topic) -> None:
    sent = topic.sent(0, 0, 80)
    sent[10] = sent[11]
    topic.send({0: sent})
    topic.table.land({0: (0, 50)}, gaps={0: [(20, 21)]})
    topic.table.land({0: (50, 80)})
    DeltaTable(topic.table.path).optimize.compact()

    assert topic.verify(Base(1)).verdict is Verdict.PASS
    assert topic.verify().verdict is Verdict.FAIL


def test_a_record_that_was_taken_for_a_gap_is_lost(topic: Topic) -> None:
    topic.send({0: topic.sent(0, 0, 50)})
    topic.table.land({0: (0, 50)}, gaps={0: [(30, 31)]})

    report = topic.verify()

    assert [(f.code, f.partition, f.offset) for f in failures(report)] == [(Code.LOST, 0, 30)]


def test_other_json_for_the_same_event_is_the_same_value(topic: Topic) -> None:
    topic.send({0: [value.replace(b',"', b', "') for value in topic.sent(0, 0, 50) if value]})
    topic.table.land({0: (0, 50)})

    assert topic.verify().verdict is Verdict.PASS


def test_lost_changed_and_phantom_records_are_named(topic: Topic) -> None:
    topic.send({0: topic.sent(0, 0, 40)})

    def damage(rows: list[dict[str, object]]) -> list[dict[str, object]]:
        rows[7]["quantity"] = 1
        return [*rows[:20], *rows[21:]]

    topic.table.land({0: (0, 45)}, change=damage)

    report = topic.verify()

    found = {(f.code, f.offset) for f in failures(report)}
    assert {(Code.VALUE_DIFFERS, 7), (Code.LOST, 20), (Code.PHANTOM, 40)} <= found
    assert report.partitions[0].differing == 1
    assert any("was truncated" in f.message for f in report.partitions[0].findings)


def test_a_quarantined_value_is_compared_as_it_came(topic: Topic) -> None:
    topic.send({0: [b"not json", b"not JSON", None]})
    topic.table.land({0: (0, 2)}, rejects={0: [0, 1]})
    topic.table.quarantine({(0, 2): None})
    topic.table.land({0: (2, 3)}, claims={"rows": 0, "rejects": 1}, change=lambda _rows: [])

    report = topic.verify()

    assert [(f.code, f.offset) for f in failures(report)] == [(Code.VALUE_DIFFERS, 1)]
    assert report.partitions[0].quarantined == 3


def test_records_that_the_topic_no_longer_holds_are_counted(kafka_topic: Topic, kafka_broker: BrokerHandle) -> None:
    kafka_topic.send({0: kafka_topic.sent(0, 0, 40)})
    kafka_topic.table.land({0: (0, 40)})
    kafka_broker.admin.delete_records(kafka_topic.name, {0: 25})

    report = kafka_topic.verify()

    assert report.verdict is Verdict.PASS
    assert report.partitions[0].uncompared == 25


def test_records_that_the_topic_deleted_unread_are_not_passed_over(
    kafka_topic: Topic, kafka_broker: BrokerHandle
) -> None:
    kafka_topic.send({0: kafka_topic.sent(0, 0, 40)})
    kafka_topic.table.land({0: (0, 20)})
    kafka_broker.admin.delete_records(kafka_topic.name, {0: 20})
    assert kafka_topic.verify().verdict is Verdict.PASS
    kafka_broker.admin.delete_records(kafka_topic.name, {0: 30})

    report = kafka_topic.verify()

    assert report.verdict is Verdict.UNKNOWN
    (partition,) = (found for found in report.partitions if found.partition == 0)
    assert partition.behind == 10
    assert [(f.code, f.offset, f.count) for f in partition.findings if f.verdict is Verdict.UNKNOWN] == [
        (Code.EXPIRED_UNREAD, 20, 10)
    ]


def test_records_that_were_read_and_deleted_while_verify_ran_are_not_missed(
    kafka_topic: Topic, kafka_broker: BrokerHandle
) -> None:
    kafka_topic.send({0: kafka_topic.sent(0, 0, 40)})
    kafka_topic.table.land({0: (0, 20)})

    def read_on(stage: str, _done: int, _total: int) -> None:
        if stage == "trades: log" and not landed:
            landed.append(kafka_topic.table.land({0: (20, 40)}))
            kafka_broker.admin.delete_records(kafka_topic.name, {0: 30})

    landed: list[object] = []
    report = kafka_topic.verify(progress=read_on)

    assert landed
    assert (report.verdict, report.version) == (Verdict.PASS, 1)


def test_records_of_an_added_partition_that_were_deleted_unread_are_not_passed_over(
    kafka_topic: Topic, kafka_broker: BrokerHandle
) -> None:
    added = kafka_topic.identity.partitions
    kafka_topic.table.land({0: (0, 0)})
    kafka_broker.admin.create_partitions(kafka_topic.name, added + 1)
    kafka_topic.send({added: kafka_topic.sent(added, 0, 8)})
    kafka_broker.admin.delete_records(kafka_topic.name, {added: 5})

    report = kafka_topic.verify()

    assert report.verdict is Verdict.UNKNOWN
    assert [(f.code, f.partition, f.offset, f.count) for f in report.findings if f.verdict is Verdict.UNKNOWN] == [
        (Code.EXPIRED_UNREAD, added, 0, 5)
    ]


@pytest.mark.parametrize("found", ["damaged", "another table"])
def test_what_was_deleted_unread_is_told_although_the_table_cannot_be_asked_any_more(
    kafka_topic: Topic, kafka_broker: BrokerHandle, found: str
) -> None:
    kafka_topic.send({0: kafka_topic.sent(0, 0, 40)})
    kafka_topic.table.land({0: (0, 20)})
    kafka_broker.admin.delete_records(kafka_topic.name, {0: 30})
    log = kafka_topic.table.path / "_delta_log"
    created, landed = ((log / f"{version:020d}.json").read_text().splitlines() for version in (0, 1))
    metadata = next(line for line in created if "metaData" in line).replace(kafka_topic.name, "another")
    moved = next(line for line in landed if "txn" in line).replace(":20", ":40")

    def change(stage: str, _done: int, _total: int) -> None:
        if stage == "trades: files":
            newest.write_text("{torn" if found == "damaged" else f"{metadata}\n{moved}\n")

    newest = log / f"{2:020d}.json"
    report = kafka_topic.verify(progress=change)

    assert newest.exists()
    (partition,) = (found for found in report.partitions if found.partition == 0)
    assert report.verdict is Verdict.UNKNOWN
    assert [(f.code, f.offset) for f in partition.findings if f.verdict is Verdict.UNKNOWN] == [
        (Code.EXPIRED_UNREAD, 20)
    ]


def test_aborted_records_and_markers_are_gaps(kafka_topic: Topic) -> None:
    kafka_topic.send({0: kafka_topic.sent(0, 0, 10)}, transaction="commit")  # the marker is offset 10
    kafka_topic.send({0: kafka_topic.sent(0, 11, 15)}, transaction="abort")  # the marker is offset 15
    kafka_topic.send({0: kafka_topic.sent(0, 16, 20)})
    kafka_topic.table.land({0: (0, 20)}, gaps={0: [(10, 16)]})

    assert kafka_topic.verify().verdict is Verdict.PASS


def test_aborted_records_in_the_table_are_phantoms(kafka_topic: Topic) -> None:
    kafka_topic.send({0: kafka_topic.sent(0, 0, 4)}, transaction="abort")
    kafka_topic.table.land({0: (0, 5)}, gaps={0: [(4, 5)]})

    found = failures(kafka_topic.verify())

    assert [(f.code, f.offset, f.count) for f in found] == [(Code.PHANTOM, 0, 4)]
    assert "never gave out" in found[0].message


def test_another_topic_than_the_tables_own_leaves_it_unknown(topic: Topic) -> None:
    creation = topic.table.log(0)
    creation.write_text(creation.read_text().replace(topic.identity.cluster_id, "another"))

    report = topic.verify()

    assert report.verdict is Verdict.UNKNOWN
    assert "is not the one that the table was filled from" in report.findings[0].message


def test_an_unreachable_broker_leaves_the_table_unknown(table: TableBuilder) -> None:
    settings = KafkaSettings(bootstrap_servers="127.0.0.1:1", request_timeout_seconds=0.5)
    opened = Verifier(table.root, load_contracts([]), lambda identity, _codec: Broker(settings, identity, None))

    report = opened.verify("trades")

    assert report.verdict is Verdict.UNKNOWN
    assert report.levels == (Level.LOG, Level.FILES)
    assert report.findings[0].code is Code.SOURCE_UNAVAILABLE
