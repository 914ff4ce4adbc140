import asyncio
import threading
from collections.abc import Iterator

import pytest

from headrace import BrokerUnreachableError, Delivery, DeliveryError, QueueFullError, Trade
from headrace.contracts import RejectedError
from headrace.testing import AsyncCaptureProducer, CaptureBroker, CaptureProducer, a_signal, a_trade
from headrace.testing.waiting import PATIENCE_SECONDS, wait_until


def a_broken_trade() -> Trade:
    values = {name: getattr(a_trade(), name) for name in Trade.__pydantic_fields__}
    return Trade.model_construct(**(values | {"symbol": "no ticker"}))


def test_events_and_records_are_kept_in_order() -> None:
    events = [a_trade(symbol="SPY"), a_signal(), a_trade(symbol="QQQ")]
    with CaptureProducer(name="bot-7") as producer:
        for event in events:
            producer.emit(event)
    assert producer.events == events
    assert [record.value for record in producer.broker.records] == [event.to_wire() for event in events]
    assert [record.topic for record in producer.broker.records] == ["trades", "signals", "trades"]
    assert dict(producer.broker.records[0].headers)["headrace-producer"] == b"bot-7"


def test_event_that_no_worker_would_take_is_refused() -> None:
    with CaptureProducer() as producer:
        with pytest.raises(RejectedError, match="symbol"):
            producer.emit(a_broken_trade())
        assert (producer.events, producer.pending) == ([], 0)


def test_event_that_no_worker_would_take_is_refused_on_asyncio() -> None:
    async def bot() -> None:
        async with AsyncCaptureProducer() as producer:
            with pytest.raises(RejectedError, match="symbol"):
                await producer.emit(a_broken_trade())

    asyncio.run(bot())


def test_failed_deliveries_are_as_many_as_asked_for() -> None:
    outcomes: list[Delivery] = []
    producer = CaptureProducer(on_delivery=outcomes.append)
    producer.broker.fail("TOPIC_AUTHORIZATION_FAILED", times=2)
    with pytest.raises(DeliveryError, match=r"2 events were not acknowledged.*TOPIC_AUTHORIZATION_FAILED"):
        emit_three(producer)
    producer.close()
    assert [outcome.code for outcome in outcomes] == ["TOPIC_AUTHORIZATION_FAILED"] * 2 + [None]


def emit_three(producer: CaptureProducer) -> None:
    producer.broker.go_away()
    for _ in range(3):
        producer.emit(a_trade())
    producer.broker.come_back()
    producer.flush()


def test_outage_fills_the_queue_and_loses_what_close_gives_up() -> None:
    producer = CaptureProducer(queue_records=2, on_full="raise", close_seconds=0.0)
    producer.broker.go_away()
    producer.emit(a_trade())
    producer.emit(a_trade())
    with pytest.raises(QueueFullError, match="told to go away"):
        producer.emit(a_trade())
    assert not producer.health().ok
    with pytest.raises(BrokerUnreachableError, match="2 events"):
        producer.close()
    assert producer.broker.records == []
    assert producer.health().failed == 2


@pytest.fixture
def released() -> Iterator[list[threading.Thread]]:
    threads: list[threading.Thread] = []
    yield threads
    for thread in threads:
        thread.join(PATIENCE_SECONDS)


def test_blocked_emit_goes_on_when_there_is_room(released: list[threading.Thread]) -> None:
    with CaptureProducer() as producer:
        producer.broker.fill_queues()
        released.append(threading.Thread(target=producer.emit, args=(a_trade(),)))
        released[0].start()
        wait_until(lambda: released[0].is_alive() and not producer.events, "the emit waits")
        producer.broker.make_room()
        released[0].join(PATIENCE_SECONDS)
        assert len(producer.events) == 1


def test_topic_that_does_not_exist_is_missing() -> None:
    producer = CaptureProducer(broker=CaptureBroker({"signals"}))
    producer.emit(a_trade())
    with pytest.raises(DeliveryError, match="UNKNOWN_TOPIC_OR_PART"):
        producer.flush()
    producer.close()


def test_producers_share_a_broker() -> None:
    broker = CaptureBroker()
    with CaptureProducer(broker=broker) as one, CaptureProducer(broker=broker) as other:
        one.emit(a_trade(symbol="SPY"))
        one.flush()
        other.emit(a_trade(symbol="SPY"))
    assert [captured.offset for captured in broker.captured] == [0, 1]
