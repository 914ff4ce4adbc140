"""What a bot on asyncio relies on, on the embedded broker and on a real Kafka."""

import asyncio
import random
import threading
import uuid
from collections.abc import Coroutine
from contextlib import suppress

import pytest

from headrace import AsyncEventProducer, Delivery, Event
from headrace.errors import BrokerUnreachableError, ConfigError, DeliveryError, EventTooLargeError, QueueFullError
from headrace.testing.brokers import BrokerHandle
from headrace.testing.waiting import PATIENCE_SECONDS
from tests.behaviour.bots import Bots
from tests.behaviour.fills import contract_for, fill

NOWHERE = "127.0.0.1:1"
QUIET = {"log_level": 0}


class Pulse:
    """Counts the turns that the loop gives to somebody else."""

    def __init__(self) -> None:
        self.beats = 0

    async def run(self) -> None:
        while True:
            self.beats += 1
            await asyncio.sleep(0)

    async def during(self, work: Coroutine[object, object, object]) -> int:
        """Turns while `work` ran; what it raises of ours is no matter here."""
        beating = asyncio.create_task(self.run())
        await asyncio.sleep(0)
        before = self.beats
        with suppress(QueueFullError, BrokerUnreachableError, DeliveryError):
            await work
        beating.cancel()
        return self.beats - before


def test_every_acknowledged_event_is_in_the_topic_once_where_its_outcome_says(bots: Bots) -> None:
    topic = bots.new_topic()
    kind = contract_for(topic)
    outcomes: list[Delivery] = []
    threads: set[int] = set()

    def note(delivery: Delivery) -> None:
        outcomes.append(delivery)
        threads.add(threading.get_ident())

    events = [fill(kind, n, symbol=f"S{n % 7}") for n in range(2_000)]

    async def bot() -> None:
        async with bots.async_producer(on_delivery=note) as producer:
            for event in events:
                await producer.emit(event)

    asyncio.run(bot())
    assert [outcome.error for outcome in outcomes] == [None] * 2_000
    records = bots.records(topic)
    assert {(o.partition, o.offset): o.value for o in outcomes} == {p: r.value for p, r in records.items()}
    assert sorted(r.value or b"" for r in records.values()) == sorted(e.to_wire() for e in events)
    assert threads == {threading.get_ident()}


def test_events_of_one_coroutine_keep_their_order(bots: Bots) -> None:
    topic = bots.new_topic()
    kind = contract_for(topic)

    async def bot() -> None:
        async with (
            bots.async_producer(queue_records=20) as producer,
            asyncio.TaskGroup() as group,
        ):
            for symbol in ("SPY", "QQQ", "IWM"):
                group.create_task(strategy(producer, symbol))

    async def strategy(producer: AsyncEventProducer, symbol: str) -> None:
        for number in range(100):
            await producer.emit(fill(kind, number, symbol))

    asyncio.run(bot())
    numbers: dict[bytes | None, list[int]] = {}
    for _, record in sorted(bots.records(topic).items()):
        number = int((record.headers["headrace-event-id"] or b"").removeprefix(b"fill-"))
        numbers.setdefault(record.key, []).append(number)
    assert numbers == {key: list(range(100)) for key in (b"SPY", b"QQQ", b"IWM")}


def test_small_queue_takes_many_events_by_waiting(bots: Bots) -> None:
    topic = bots.new_topic()
    kind = contract_for(topic)

    async def bot() -> None:
        async with bots.async_producer(queue_records=10) as producer:
            for number in range(500):
                await producer.emit(fill(kind, number))
                assert producer.pending <= 10

    asyncio.run(bot())
    assert len(bots.records(topic)) == 500


def test_flush_returns_when_everything_is_acknowledged_and_told(bots: Bots) -> None:
    topic = bots.new_topic()
    outcomes: list[Delivery] = []

    async def bot() -> None:
        async with bots.async_producer(on_delivery=outcomes.append) as producer:
            for number in range(1_000):
                await producer.emit(fill(contract_for(topic), number))
            await producer.flush()
            assert (producer.pending, len(outcomes)) == (0, 1_000)
            await producer.flush()

    asyncio.run(bot())


def test_missing_topic_is_named(bots: Bots) -> None:
    topic = f"missing-{uuid.uuid4().hex}"

    async def bot() -> None:
        client = {"topic.metadata.propagation.max.ms": 500}
        producer = bots.async_producer(client=client)
        await producer.emit(fill(contract_for(topic), 1))
        with pytest.raises(DeliveryError, match=f"{topic}.*UNKNOWN_TOPIC_OR_PART"):
            await producer.flush(PATIENCE_SECONDS)
        await producer.close()

    asyncio.run(bot())


def test_failure_in_the_block_is_raised_and_what_was_emitted_arrives(bots: Bots) -> None:
    topic = bots.new_topic()

    async def bot() -> None:
        async with bots.async_producer() as producer:
            await producer.emit(fill(contract_for(topic), 1))
            msg = "of the bot"
            raise LookupError(msg)

    with pytest.raises(LookupError, match="of the bot"):
        asyncio.run(bot())
    assert len(bots.records(topic)) == 1


@pytest.mark.parametrize("seed", range(3))
def test_cancelled_emit_has_not_taken_its_event_and_any_other_has(bots: Bots, seed: int) -> None:
    topic = bots.new_topic()
    kind = contract_for(topic)
    taken: set[bytes] = set()
    chance = random.Random(seed)

    async def emit(producer: AsyncEventProducer, number: int) -> None:
        event = fill(kind, number)
        await producer.emit(event)
        taken.add(event.to_wire())

    async def bot() -> None:
        async with bots.async_producer(queue_records=3) as producer:
            tasks = [asyncio.create_task(emit(producer, number)) for number in range(300)]
            while waiting := [task for task in tasks if not task.done()]:
                chance.choice(waiting[:3]).cancel()
                for _ in range(chance.randrange(5)):
                    await asyncio.sleep(0)
                if chance.random() < 0.2:
                    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)

    asyncio.run(bot())
    assert 3 <= len(taken) < 300
    assert sorted(record.value or b"" for record in bots.records(topic).values()) == sorted(taken)


def test_cancelled_flush_and_close_lose_nothing(broker: BrokerHandle) -> None:
    topic = broker.new_topic()
    kind = contract_for(topic)

    async def bot() -> None:
        producer = AsyncEventProducer(broker.bootstrap_servers, client={"linger.ms": 10_000})
        for number, wait in enumerate((producer.flush, producer.close)):
            await producer.emit(fill(kind, number))
            task = asyncio.create_task(wait())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await producer.close()
        with pytest.raises(ConfigError, match="closed"):
            await producer.emit(fill(kind, 9))

    asyncio.run(bot())
    assert len(broker.records(topic)) == 2


def test_full_queue_without_a_broker_is_refused_and_the_cancelled_waiter_is_forgotten() -> None:
    kind = contract_for("fills")

    async def bot() -> None:
        producer = AsyncEventProducer(NOWHERE, queue_records=3, block_seconds=0.2, close_seconds=0.1, client=QUIET)
        for number in range(3):
            await producer.emit(fill(kind, number))
        waiting = asyncio.create_task(producer.emit(fill(kind, 3)))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(QueueFullError, match=r"topic fills after 0\.2 s: 3 are pending"):
            await producer.emit(fill(kind, 4))
        assert waiting.cancelled()
        with pytest.raises(BrokerUnreachableError, match=r"3 events \(they stay queued"):
            await producer.flush(0.2)
        with pytest.raises((BrokerUnreachableError, DeliveryError), match=r"3 events.*given up"):
            await producer.close()

    asyncio.run(bot())


def test_event_larger_than_a_record_is_refused(embedded_broker: BrokerHandle) -> None:
    topic = embedded_broker.new_topic()

    class Note(Event, topic=topic, key="number"):
        """Carries as much text as may be."""

        number: int
        text: str

    async def bot() -> None:
        servers, client = embedded_broker.bootstrap_servers, {"message.max.bytes": 10_000}
        async with AsyncEventProducer(servers, client=client) as producer:
            with pytest.raises(EventTooLargeError, match=f"{topic} exceeds"):
                await producer.emit(Note(number=1, text="x" * 20_000))
            await producer.emit(Note(number=2, text="x"))

    asyncio.run(bot())
    assert [record.key for record in embedded_broker.records(topic).values()] == [b"2"]


def test_others_have_turns_while_a_bot_emits_without_pause(embedded_broker: BrokerHandle) -> None:
    kind = contract_for(embedded_broker.new_topic())

    async def bot() -> int:
        async with AsyncEventProducer(embedded_broker.bootstrap_servers) as producer:

            async def emit() -> None:
                for number in range(3_000):
                    await producer.emit(fill(kind, number))

            return await Pulse().during(emit())

    assert asyncio.run(bot()) >= 29


@pytest.mark.parametrize("waiting", ["emit", "flush", "close"])
def test_others_have_turns_while_a_producer_waits(waiting: str) -> None:
    kind = contract_for("fills")

    async def bot() -> int:
        producer = AsyncEventProducer(NOWHERE, queue_records=1, block_seconds=0.3, close_seconds=0.3, client=QUIET)
        await producer.emit(fill(kind, 1))
        work = {"emit": producer.emit(fill(kind, 2)), "flush": producer.flush(0.3), "close": producer.close()}
        beats = await Pulse().during(work.pop(waiting))
        for unused in work.values():
            unused.close()
        with suppress(BrokerUnreachableError, DeliveryError):
            await producer.close()
        return beats

    assert asyncio.run(bot()) >= 20


def test_producer_outside_a_loop_is_refused() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        AsyncEventProducer(NOWHERE)
