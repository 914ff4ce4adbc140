"""What a spool promises a bot: outages, crashes and restarts lose no event that `emit` took, and keep their order."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from headrace import AsyncEventProducer, Delivery, Event, EventProducer
from headrace.errors import BrokerUnreachableError, ConfigError, DeliveryError, EventTooLargeError, QueueFullError
from headrace.offsets import Address
from headrace.testing.brokers import BrokerHandle, TopicRecord
from tests.behaviour.fills import contract_for, fill

NOWHERE = "127.0.0.1:1"
QUIET = {"log_level": 0}
BOT = """
import sys
from headrace import EventProducer
from tests.behaviour.fills import contract_for, fill

servers, topic, spool, first = sys.argv[1:]
with EventProducer(servers, spool=spool, client={"linger.ms": 20}) as producer:
    for number in range(int(first), 1_000_000):
        producer.emit(fill(contract_for(topic), number, symbol=f"S{number % 3}"))
        print(number, flush=True)
"""


def numbers(records: dict[Address, TopicRecord]) -> dict[bytes | None, list[int]]:
    """The events of each key in the order of the topic."""
    found: dict[bytes | None, list[int]] = {}
    for _, record in sorted(records.items()):
        number = int((record.headers["headrace-event-id"] or b"").removeprefix(b"fill-"))
        found.setdefault(record.key, []).append(number)
    return found


def test_events_of_an_outage_arrive_in_order_when_the_next_bot_has_a_broker(
    broker: BrokerHandle, tmp_path: Path
) -> None:
    topic = broker.new_topic()
    kind = contract_for(topic)
    with EventProducer(NOWHERE, spool=tmp_path, close_seconds=0.1, queue_records=5, client=QUIET) as producer:
        for number in range(300):
            producer.emit(fill(kind, number))
        assert producer.pending == 300
        with pytest.raises(BrokerUnreachableError, match="300 events"):
            producer.flush(0.1)
    outcomes: list[Delivery] = []
    with EventProducer(
        broker.bootstrap_servers, spool=tmp_path, queue_records=20, on_delivery=outcomes.append
    ) as producer:
        assert producer.pending == 300
        for number in range(300, 400):
            producer.emit(fill(kind, number))
    assert len(outcomes) == 400
    assert numbers(broker.records(topic)) == {b"SPY": list(range(400))}
    assert list(tmp_path.glob("*.spool")) == []


@pytest.mark.parametrize("kills_after", [1, 300])
def test_killed_bot_has_lost_nothing_that_emit_took(broker: BrokerHandle, tmp_path: Path, kills_after: int) -> None:
    topic = broker.new_topic()
    taken = 0
    for _ in range(2):
        command = [sys.executable, "-c", BOT, broker.bootstrap_servers, topic, str(tmp_path), str(taken)]
        last = taken + kills_after - 1
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as bot:
            assert bot.stdout is not None
            for line in bot.stdout:
                taken = int(line) + 1
                if taken > last:
                    bot.send_signal(signal.SIGKILL)
    with EventProducer(broker.bootstrap_servers, spool=tmp_path) as producer:
        producer.flush()
    arrived = numbers(broker.records(topic))
    for found in arrived.values():
        assert list(dict.fromkeys(found)) == sorted(set(found)), "what is sent again may not overtake what was not"
    assert set(range(taken)) <= set().union(*arrived.values())
    assert list(tmp_path.glob("*.spool")) == []


def test_full_spool_is_what_a_full_queue_is(tmp_path: Path) -> None:
    kind = contract_for("fills")
    with EventProducer(
        NOWHERE, spool=tmp_path, spool_bytes=1 << 16, on_full="raise", close_seconds=0.1, client=QUIET
    ) as producer:

        def emit_on_and_on() -> None:
            for number in range(1_000):
                producer.emit(fill(kind, number))

        with pytest.raises(QueueFullError, match="no room for an event of topic fills"):
            emit_on_and_on()
        assert 100 < producer.pending < 400


def test_event_that_the_broker_refuses_is_raised_and_kept(kafka_broker: BrokerHandle, tmp_path: Path) -> None:
    topic = kafka_broker.new_topic(1, max_message_bytes="200")
    for _ in range(2):
        producer = EventProducer(kafka_broker.bootstrap_servers, spool=tmp_path)
        if not producer.pending:
            producer.emit(fill(contract_for(topic), 1))
        with pytest.raises(DeliveryError, match=f"{topic}.*MSG_SIZE_TOO_LARGE"):
            producer.flush()
        producer.close()
    assert len(list(tmp_path.glob("*.spool"))) == 1


def test_event_larger_than_a_record_is_refused_before_it_is_kept(tmp_path: Path) -> None:
    class Note(Event, topic="notes", key="number"):
        """Carries as much text as may be."""

        number: int
        text: str

    with EventProducer(NOWHERE, spool=tmp_path, client=QUIET | {"message.max.bytes": 1_000}) as producer:
        with pytest.raises(EventTooLargeError, match="topic notes exceeds"):
            producer.emit(Note(number=1, text="x" * 1_000))
        assert producer.pending == 0


def test_two_bots_cannot_share_a_spool(tmp_path: Path) -> None:
    with (
        EventProducer(NOWHERE, spool=tmp_path, client=QUIET),
        pytest.raises(ConfigError, match="in use by another process"),
    ):
        EventProducer(NOWHERE, spool=tmp_path, client=QUIET)


def test_bot_on_asyncio_has_the_same_spool(broker: BrokerHandle, tmp_path: Path) -> None:
    topic = broker.new_topic()
    kind = contract_for(topic)

    async def away() -> None:
        async with AsyncEventProducer(NOWHERE, spool=tmp_path, close_seconds=0.1, client=QUIET) as producer:
            for number in range(300):
                await producer.emit(fill(kind, number))

    async def back() -> None:
        async with AsyncEventProducer(broker.bootstrap_servers, spool=tmp_path, queue_records=20) as producer:
            for number in range(300, 400):
                await producer.emit(fill(kind, number))
            await producer.flush()
            assert producer.pending == 0

    asyncio.run(away())
    asyncio.run(back())
    assert numbers(broker.records(topic)) == {b"SPY": list(range(400))}
    assert list(tmp_path.glob("*.spool")) == []
