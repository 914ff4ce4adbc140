"""What the producers of bots cost over plain confluent-kafka: the same records, settings and topic in one run.

Plain is the least with which a loss would be noticed: `produce` of bytes made beforehand, `poll(0)` after each, and a
callback that counts errors.
"""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from statistics import median

from confluent_kafka import KafkaError, Message, Producer

from benchmarks.cluster import Cluster, percentile
from headrace import AsyncEventProducer, Delivery, EventProducer, Trade
from headrace.clock import SystemClock
from headrace.kafka.sender import OutgoingRecord
from headrace.kafka.sender_properties import sender_properties
from headrace.producer._records import EventRecords
from headrace_bots.bots import Simulation
from headrace_bots.events import Stamps

EVENTS = 100_000
ROUNDS = 9
PACED_PER_SECOND = 1_000
PACED_SECONDS = 5
NAME = "benchmark"


@dataclass
class Round:
    """What one way of sending took for all events, from the first to the last acknowledgement."""

    seconds: float
    cpu_seconds: float


@dataclass
class Input:
    """The same events in the three forms that something is made of."""

    arguments: list[dict[str, object]]
    events: list[Trade] = field(init=False)
    records: list[OutgoingRecord] = field(init=False)

    def __post_init__(self) -> None:
        records = EventRecords(NAME)
        self.events = [make_trade(arguments) for arguments in self.arguments]
        self.records = [records.record_of(event) for event in self.events]


def make_trade(arguments: dict[str, object]) -> Trade:
    return Trade(**arguments)


def measure(cluster: Cluster) -> dict[str, object]:
    """Interleaved rounds, so that all meet the same machine; ratios are of the same round."""
    ways: dict[str, Callable[[Cluster, Input], Round]] = {
        "plain": _plain,
        "emit": _emit,
        "make_and_emit": _make_and_emit,
        "async_emit": _async_emit,
        "async_make_and_emit": _async_make_and_emit,
    }
    given = Input(list(_arguments(EVENTS)))
    gc.freeze()  # no bot holds so many events, for the collector to walk through
    rounds = [{name: _quietly(way, cluster, given) for name, way in ways.items()} for _ in range(ROUNDS)]
    cluster.new_topic()
    return {
        "events": EVENTS,
        "value_bytes": round(sum(len(record.value or b"") for record in given.records) / EVENTS),
        "per_second": {name: round(median(EVENTS / done[name].seconds for done in rounds)) for name in ways},
        "cpu_microseconds": {name: round(median(_micros(done[name]) for done in rounds), 2) for name in ways},
        "ratio": {
            name: round(median(done["plain"].seconds / done[name].seconds for done in rounds), 3) for name in ways
        },
        "ratios": {
            name: sorted(round(done["plain"].seconds / done[name].seconds, 3) for done in rounds) for name in ways
        },
        "acknowledged_at_per_second": PACED_PER_SECOND,
        "p99_ack_ms": {
            "plain": _p99(_paced_plain(cluster, given)),
            "emit": _p99(_paced_emit(cluster, given)),
            "async_emit": _p99(asyncio.run(_paced_async(cluster, given))),
        },
    }


def _micros(done: Round) -> float:
    return done.cpu_seconds / EVENTS * 1e6


def _p99(seconds: list[float]) -> float:
    # The first half second goes to connecting.
    return round(percentile(seconds[PACED_PER_SECOND // 2 :], 0.99) * 1000, 2)


def _arguments(count: int) -> Iterator[dict[str, object]]:
    """Of trades as a bot would write them: exact numbers as texts."""
    events = Simulation(7, 96, Stamps("p7", SystemClock())).events()
    for event in islice((event for event in events if isinstance(event, Trade)), count):
        arguments = {name: getattr(event, name) for name in Trade.__pydantic_fields__}
        yield arguments | {"price": f"{event.price:f}", "commission": f"{event.commission:f}"}


def _quietly(way: Callable[[Cluster, Input], Round], cluster: Cluster, given: Input) -> Round:
    cluster.new_topic()
    gc.collect()
    return way(cluster, given)


@contextmanager
def _timed() -> Iterator[Round]:
    done = Round(0.0, 0.0)
    began, cpu = time.perf_counter(), time.process_time()
    yield done
    done.seconds, done.cpu_seconds = time.perf_counter() - began, time.process_time() - cpu


class _PlainProducer:
    """The client with the settings of an `EventProducer`."""

    def __init__(self, cluster: Cluster, told: Callable[[KafkaError | None, Message], None]) -> None:
        properties = sender_properties(
            cluster.bootstrap_servers,
            {"log_level": 0},
            client_id=NAME,
            queue_buffering_max_messages=100_000,
            queue_buffering_max_kbytes=64 * 1024,
        )
        self.client = Producer({**properties, "on_delivery": told})

    def send(self, record: OutgoingRecord) -> None:
        client = self.client
        while True:
            try:
                client.produce(record.topic, value=record.value, key=record.key, headers=[*record.headers])
            except BufferError:
                client.poll(0.05)
            else:
                client.poll(0)
                return


def _plain(cluster: Cluster, given: Input) -> Round:
    failures: list[KafkaError] = []

    def told(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failures.append(error)

    producer = _PlainProducer(cluster, told)
    producer.send(given.records[0])
    producer.client.flush()
    with _timed() as done:
        for record in given.records:
            producer.send(record)
        producer.client.flush()
    if failures:
        msg = f"{len(failures)} records failed: {failures[0]}"
        raise RuntimeError(msg)
    return done


def _emit(cluster: Cluster, given: Input) -> Round:
    with _warm(cluster, given) as producer, _timed() as done:
        for event in given.events:
            producer.emit(event)
        producer.flush()
    return done


def _make_and_emit(cluster: Cluster, given: Input) -> Round:
    with _warm(cluster, given) as producer, _timed() as done:
        for arguments in given.arguments:
            producer.emit(make_trade(arguments))
        producer.flush()
    return done


@contextmanager
def _warm(cluster: Cluster, given: Input) -> Iterator[EventProducer]:
    with EventProducer(cluster.bootstrap_servers, name=NAME) as producer:
        producer.emit(given.events[0])
        producer.flush()
        yield producer


def _async_emit(cluster: Cluster, given: Input) -> Round:
    async def work(producer: AsyncEventProducer) -> None:
        for event in given.events:
            await producer.emit(event)

    return asyncio.run(_on_loop(cluster, given, work))


def _async_make_and_emit(cluster: Cluster, given: Input) -> Round:
    async def work(producer: AsyncEventProducer) -> None:
        for arguments in given.arguments:
            await producer.emit(make_trade(arguments))

    return asyncio.run(_on_loop(cluster, given, work))


async def _on_loop(cluster: Cluster, given: Input, work: Callable[[AsyncEventProducer], Awaitable[None]]) -> Round:
    async with AsyncEventProducer(cluster.bootstrap_servers, name=NAME) as producer:
        await producer.emit(given.events[0])
        await producer.flush()
        with _timed() as done:
            await work(producer)
            await producer.flush()
    return done


class _Stopwatch:
    """When each event was sent and acknowledged, by its bytes."""

    def __init__(self) -> None:
        self.sent: dict[bytes, float] = {}
        self.seconds: list[float] = []

    def acknowledged(self, value: bytes | None) -> None:
        self.seconds.append(time.perf_counter() - self.sent[value or b""])

    def delivered(self, delivery: Delivery) -> None:
        self.acknowledged(delivery.value)


def _paced() -> Iterator[tuple[int, float]]:
    """Numbers of events and when each is due."""
    began = time.perf_counter() + 0.5
    for number in range(min(EVENTS, PACED_PER_SECOND * PACED_SECONDS)):
        yield number, began + number / PACED_PER_SECOND


def _paced_plain(cluster: Cluster, given: Input) -> list[float]:
    watch = _Stopwatch()
    producer = _PlainProducer(cluster, lambda _, message: watch.acknowledged(message.value()))
    for number, due in _paced():
        while (left := due - time.perf_counter()) > 0:
            producer.client.poll(left)
        record = given.records[number]
        watch.sent[record.value or b""] = time.perf_counter()
        producer.send(record)
    producer.client.flush()
    return watch.seconds


def _paced_emit(cluster: Cluster, given: Input) -> list[float]:
    watch = _Stopwatch()
    with EventProducer(cluster.bootstrap_servers, name=NAME, on_delivery=watch.delivered) as producer:
        for number, due in _paced():
            while due > time.perf_counter():
                producer.serve()
                time.sleep(0.0002)  # `serve` does not wait; without a pause this thread holds the client's back
            watch.sent[given.records[number].value or b""] = time.perf_counter()
            producer.emit(given.events[number])
    return watch.seconds


async def _paced_async(cluster: Cluster, given: Input) -> list[float]:
    watch = _Stopwatch()
    async with AsyncEventProducer(cluster.bootstrap_servers, name=NAME, on_delivery=watch.delivered) as producer:
        for number, due in _paced():
            if (left := due - time.perf_counter()) > 0:
                await asyncio.sleep(left)
            watch.sent[given.records[number].value or b""] = time.perf_counter()
            await producer.emit(given.events[number])
    return watch.seconds
