"""Puts the canary together. Read from top to bottom, this is what `headrace canary` is made of."""

from collections.abc import Mapping
from contextlib import closing, suppress
from threading import Event

from headrace.clock import SystemClock
from headrace.connection import KafkaSettings
from headrace.contracts import contract_of
from headrace.contracts.heartbeat import Heartbeat
from headrace.contracts.rejects import RejectedError
from headrace.errors import AccessDeniedError, BrokerUnreachableError, DeliveryError
from headrace.kafka.client import client_properties
from headrace.kafka.reader import TopicReader
from headrace.kafka.topics import TopicClient
from headrace.lake.store import Store
from headrace.logs import get_logger
from headrace.metrics.health import State
from headrace.offsets import OffsetRange
from headrace.origins import shown_root
from headrace.process import serve, stop_on_signals
from headrace.producer import EventProducer
from headrace.producer.metrics import register
from headrace.read.feed import RowFeed
from headrace.settings import Settings
from headrace_canary.beats import Beat, Beats
from headrace_canary.canary import Canary
from headrace_canary.metrics import CanaryMetrics

log = get_logger(__name__)

_CONTRACT = contract_of(Heartbeat)
# A look waits for the store as long as that takes; what hangs for five minutes is of no use to anybody.
_STALL_SECONDS = 300.0
# What is not acknowledged by then is found by the next canary, if it is in the topic at all.
_CLOSE_SECONDS = 2.0


def run_canary(settings: Settings) -> None:
    """Emits heartbeats and looks for them until SIGTERM or SIGINT.

    Raises:
        TopicMissingError: the topic of heartbeats does not exist.
        BrokerUnreachableError: no broker answers at the start; later ones are waited for.
        WrongTableError, TopicRecreatedError: the table of heartbeats is another topic's.
        ConfigError, AccessDeniedError: settings or rights are not enough.
    """
    stopping = Event()
    stop_on_signals(stopping)
    clock = SystemClock()
    metrics = CanaryMetrics(clock, stall_seconds=_STALL_SECONDS)
    log.info("canary_starting", topic=_CONTRACT.topic, table=_CONTRACT.name, lake=shown_root(settings.lake.root))
    serve(settings.metrics, metrics.registry, metrics.health, metrics.recorder)
    beats = Beats(settings.canary.deadline_seconds)
    with closing(TopicClient(settings.kafka, _CONTRACT.topic)) as topic:
        identity = topic.identity()
        feed = RowFeed(Store(settings.lake.root), _CONTRACT.name, _CONTRACT.key, identity)
        found = feed.look()
        positions = found.positions if found else {}
        waiting = {p: _after(topic.watermarks(p), positions.get(p, 0)) for p in range(identity.partitions)}
    if found is not None:
        beats.account(found, clock.now().timestamp())
    adopted = _adopt(beats, settings.kafka, waiting)
    log.info("canary_started", every_seconds=settings.canary.every_seconds, adopted=adopted, table=found is not None)
    canary = Canary(feed.look, beats, settings=settings.canary, metrics=metrics, clock=clock)
    producer = _producer(settings, canary)
    register(producer, registry=metrics.registry)
    try:
        canary.run(producer, stopping.wait)
    finally:
        metrics.health.enter(State.STOPPED)
        with suppress(DeliveryError, BrokerUnreachableError, AccessDeniedError):  # each is a line `beat_unsent`
            producer.close()
    log.info("canary_stopped")


def _after(kept: OffsetRange, position: int) -> OffsetRange:
    start = max(kept.start, position)
    return OffsetRange(start, max(kept.end, start))


def _adopt(beats: Beats, kafka: KafkaSettings, waiting: Mapping[int, OffsetRange]) -> int:
    """Takes over the heartbeats that are in the topic and not in the table: an earlier canary's."""
    if not any(map(len, waiting.values())):
        return 0
    adopted = 0
    with closing(TopicReader(kafka, _CONTRACT.topic)) as reader:
        for partition, offsets in waiting.items():
            for records in reader.read(partition, offsets) if offsets else ():
                for offset, value in zip(records.offsets, records.values, strict=True):
                    with suppress(RejectedError):  # somebody else's, and never a row
                        beat = Heartbeat.from_wire(value or b"")
                        beats.sent(Beat(beat.beat_id, beat.timestamp.timestamp()))
                        beats.placed(beat.beat_id, (partition, offset))
                        adopted += 1
    return adopted


def _producer(settings: Settings, canary: Canary) -> EventProducer:
    client = client_properties(settings.kafka)
    return EventProducer(
        client.pop("bootstrap.servers"),
        name="canary",
        on_full="raise",
        delivery_seconds=settings.canary.deadline_seconds,
        close_seconds=_CLOSE_SECONDS,
        client=client,
        on_delivery=canary.delivered,
    )
