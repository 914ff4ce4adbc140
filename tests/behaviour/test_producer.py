"""What a bot relies on, on the embedded broker and on a real Kafka."""

import itertools
import uuid
from collections import defaultdict

import pytest

from headrace import Delivery, Event, EventProducer
from headrace.contracts import contract_of, load_contracts
from headrace.errors import BrokerUnreachableError, DeliveryError, EventTooLargeError
from headrace.kafka.embedded import EmbeddedBroker
from headrace.kafka.sender_properties import sender_properties
from headrace.producer import FullPolicy, Outbox
from headrace.testing import an_event
from headrace.testing.brokers import BrokerHandle
from headrace.testing.waiting import PATIENCE_SECONDS, wait_until
from tests.behaviour.bots import Bots
from tests.behaviour.fills import contract_for, contract_without_id, fill


def test_every_acknowledged_event_is_in_the_topic_once_where_its_outcome_says(bots: Bots) -> None:
    topic = bots.new_topic()
    kind = contract_for(topic)
    outcomes: list[Delivery] = []
    with bots.producer(on_delivery=outcomes.append) as producer:
        events = [fill(kind, n, symbol=f"S{n % 7}") for n in range(2_000)]
        for event in events:
            producer.emit(event)
    assert [outcome.error for outcome in outcomes] == [None] * 2_000
    records = bots.records(topic)
    assert {(o.partition, o.offset): o.value for o in outcomes} == {p: r.value for p, r in records.items()}
    assert sorted(r.value or b"" for r in records.values()) == sorted(e.to_wire() for e in events)


def test_events_of_one_key_keep_their_order_in_one_partition(bots: Bots) -> None:
    topic = bots.new_topic()
    kind = contract_for(topic)
    with bots.producer() as producer:
        for number, symbol in itertools.product(range(50), ("SPY", "QQQ", "IWM", "TLT", "GLD")):
            producer.emit(fill(kind, number, symbol))
    partitions = defaultdict(set)
    numbers = defaultdict(list)
    for (partition, _), record in sorted(bots.records(topic).items()):
        partitions[record.key].add(partition)
        numbers[record.key].append(int((record.headers["headrace-event-id"] or b"").removeprefix(b"fill-")))
    assert len(partitions) == 5
    assert all(len(found) == 1 for found in partitions.values())
    assert all(found == list(range(50)) for found in numbers.values())


def test_headers_say_what_a_record_is_and_who_sent_it(bots: Bots) -> None:
    topic = bots.new_topic()
    with bots.producer(name="condor-7") as producer:
        producer.emit(fill(contract_for(topic), 17))
    (record,) = bots.records(topic).values()
    assert record.key == b"SPY"
    assert record.headers == {
        "content-type": b"application/json",
        "headrace-contract": b"fills",
        "headrace-contract-version": b"3",
        "headrace-event-id": b"fill-17",
        "headrace-producer": b"condor-7",
    }


def test_event_without_an_id_of_its_own_gets_one(bots: Bots) -> None:
    topic = bots.new_topic()
    kind = contract_without_id(topic)
    with bots.producer() as producer:
        producer.emit(kind(number=7))
        producer.emit(kind(number=7))
    records = bots.records(topic).values()
    assert [record.key for record in records] == [b"7", b"7"]
    assert len({uuid.UUID(hex=(r.headers["headrace-event-id"] or b"").decode()) for r in records}) == 2


def test_every_built_in_event_goes_to_its_topic_under_its_key(own_broker: BrokerHandle) -> None:
    kinds = [contract.event for contract in load_contracts().values()]
    own_broker.create_topics(*kinds)
    events = [an_event(kind) for kind in kinds]
    with EventProducer(own_broker.bootstrap_servers) as producer:
        for event in events:
            producer.emit(event)
    for event in events:
        contract = contract_of(type(event))
        (record,) = own_broker.records(contract.topic).values()
        assert own_broker.events(type(event)) == [event]
        assert record.key == str(getattr(event, contract.key)).encode()
        assert record.headers["headrace-contract"] == contract.name.encode()


def test_flush_returns_when_everything_is_acknowledged(bots: Bots) -> None:
    topic = bots.new_topic()
    outcomes: list[Delivery] = []
    with bots.producer(on_delivery=outcomes.append) as producer:
        producer.emit(fill(contract_for(topic), 1))
        producer.flush()
        assert producer.pending == 0
        assert len(outcomes) == 1
        producer.flush()


def test_idle_bot_learns_of_outcomes_through_serve(bots: Bots) -> None:
    topic = bots.new_topic()
    outcomes: list[Delivery] = []
    with bots.producer(on_delivery=outcomes.append) as producer:
        producer.emit(fill(contract_for(topic), 1))

        def heard() -> bool:
            producer.serve()
            return bool(outcomes)

        wait_until(heard, "the outcome arrives")


def test_failure_in_the_block_is_raised_and_what_was_emitted_arrives(bots: Bots) -> None:
    topic = bots.new_topic()

    def bot_that_fails() -> None:
        with bots.producer() as producer:
            producer.emit(fill(contract_for(topic), 1))
            msg = "of the bot"
            raise LookupError(msg)

    with pytest.raises(LookupError, match="of the bot"):
        bot_that_fails()
    assert len(bots.records(topic)) == 1


def test_small_queue_takes_many_events_by_waiting(bots: Bots) -> None:
    topic = bots.new_topic()
    kind = contract_for(topic)
    with bots.producer(queue_records=10) as producer:
        for number in range(500):
            producer.emit(fill(kind, number))
            assert producer.pending <= 10
    assert len(bots.records(topic)) == 500


def test_missing_topic_is_not_created_but_named(bots: Bots) -> None:
    topic = f"missing-{uuid.uuid4().hex}"
    producer = bots.producer(client={"topic.metadata.propagation.max.ms": 500})
    producer.emit(fill(contract_for(topic), 1))
    with pytest.raises(DeliveryError, match=f"{topic}.*UNKNOWN_TOPIC_OR_PART") as caught:
        producer.flush(PATIENCE_SECONDS)
    assert (caught.value.topic, caught.value.failed, caught.value.pending) == (topic, 1, 0)
    producer.close()


def test_raw_records_reach_the_topic_byte_for_byte(broker: BrokerHandle) -> None:
    topic = broker.new_topic()
    values = [b"\xff not json", b"", None]
    with Outbox(sender_properties(broker.bootstrap_servers, None), FullPolicy("raise", 0)) as outbox:
        for value in values:
            outbox.put(topic, value, key=b"same")
    assert [record.value for _, record in sorted(broker.records(topic).items())] == values


def test_event_larger_than_a_record_is_refused_before_it_is_sent(embedded_broker: BrokerHandle) -> None:
    topic = embedded_broker.new_topic()

    class Note(Event, topic=topic, key="number"):
        """Carries as much text as may be."""

        number: int
        text: str

    with EventProducer(embedded_broker.bootstrap_servers, client={"message.max.bytes": 10_000}) as producer:
        with pytest.raises(EventTooLargeError, match=f"{topic} exceeds"):
            producer.emit(Note(number=1, text="x" * 20_000))
        producer.emit(Note(number=2, text="x"))
    assert [record.key for record in embedded_broker.records(topic).values()] == [b"2"]


def test_broker_that_goes_away_is_named_and_every_event_has_an_outcome() -> None:
    outcomes: list[Delivery] = []
    with EmbeddedBroker() as broker:
        broker.ensure_topic("fills")
        kind = contract_for("fills")
        producer = EventProducer(
            broker.bootstrap_servers, close_seconds=0.5, on_delivery=outcomes.append, client={"log_level": 0}
        )
        producer.emit(fill(kind, 1))
        producer.flush()
    for number in (2, 3):
        producer.emit(fill(kind, number))
    with pytest.raises(BrokerUnreachableError, match=r"2 events \(they stay queued"):
        producer.flush(1.0)
    assert producer.pending == 2
    with pytest.raises(BrokerUnreachableError, match=r"2 events \(they were given up"):
        producer.close()
    assert [(outcome.error is None) for outcome in outcomes] == [True, False, False]


def test_broker_that_goes_away_is_named_to_a_bot_that_asks_for_no_outcomes() -> None:
    with EmbeddedBroker() as broker:
        broker.ensure_topic("fills")
        kind = contract_for("fills")
        producer = EventProducer(broker.bootstrap_servers, close_seconds=0.5, client={"log_level": 0})
        producer.emit(fill(kind, 1))
        producer.flush()
    producer.emit(fill(kind, 2))
    with pytest.raises(BrokerUnreachableError, match=r"1 events \(they stay queued"):
        producer.flush(1.0)
    assert producer.health().trouble is not None
    with pytest.raises(BrokerUnreachableError, match=r"1 events \(they were given up"):
        producer.close()


def test_record_that_the_broker_refuses_is_a_delivery_error(kafka_broker: BrokerHandle) -> None:
    topic = kafka_broker.new_topic(1, max_message_bytes="200")
    producer = EventProducer(kafka_broker.bootstrap_servers)
    kind = contract_for(topic)
    producer.emit(fill(kind, 1))
    with pytest.raises(DeliveryError, match=f"{topic}.*MSG_SIZE_TOO_LARGE") as caught:
        producer.flush()
    assert not caught.value.fatal
    producer.close()


def test_fatal_error_of_the_client_stops_the_producer(kafka_broker: BrokerHandle) -> None:
    topic = kafka_broker.new_topic(1, max_message_bytes="200")
    # With this property a record that fails for good is a fatal error: there is no other way to provoke one.
    producer = EventProducer(kafka_broker.bootstrap_servers, client={"enable.gapless.guarantee": True})
    kind = contract_for(topic)
    producer.emit(fill(kind, 1))
    with pytest.raises(DeliveryError, match=topic) as caught:
        producer.flush()
    assert caught.value.failed == 1

    def refused() -> bool:
        try:
            producer.emit(fill(kind, 2))
        except DeliveryError as error:
            return error.fatal
        return False

    wait_until(refused, "the producer takes no more events")
    producer.close()
