"""Puts a worker together. Read from top to bottom, this is what `headrace ingest TABLE` is made of."""

import gc
import math
import os
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from threading import Event

import pyarrow as pa

from headrace import __version__
from headrace.clock import Clock, SystemClock
from headrace.connection import KafkaSettings
from headrace.contracts import Contract
from headrace.errors import ConfigError
from headrace.kafka.consumer import ByHand, GroupMember, KafkaConsumer, Membership
from headrace.kafka.statistics import ClientObserver
from headrace.kafka.topics import TopicClient, TopicIdentity
from headrace.lake.allocators import keep_little
from headrace.lake.layouts import file_layout
from headrace.lake.log import DeltaLog
from headrace.lake.quarantine import quarantine_name
from headrace.lake.store import Store
from headrace.lake.tables import PARTITIONS, positions_of
from headrace.lake.upkeep.debt import deepest
from headrace.offsets import SourceId
from headrace.sections import MIB, IngestSettings
from headrace.settings import Settings
from headrace_ingest.claim import Claimer, starting_position, unclaimed
from headrace_ingest.collect import Collector
from headrace_ingest.decode import Decoder
from headrace_ingest.drain import Drain
from headrace_ingest.fencing import FencedPartitions
from headrace_ingest.flush import FlushPolicy, QuarantineGauge, QuarantineLimit
from headrace_ingest.landing import Appending, Landing
from headrace_ingest.metrics import WorkerMetrics
from headrace_ingest.monitoring import announce, new_metrics, serve_metrics
from headrace_ingest.pace import FlushPace
from headrace_ingest.ports import Consumer, Topic
from headrace_ingest.resident import ResidentMemory
from headrace_ingest.source_offsets import SourceOffsets
from headrace_ingest.startup import prepare_tables
from headrace_ingest.topic_watch import TopicWatch
from headrace_ingest.worker import Worker
from headrace_ingest.writer import BatchWriter, Target

# Ended by a second SIGTERM or SIGINT: 128 + 15, as shells report it.
STOPPED_AT_ONCE = 143


@dataclass(frozen=True)
class Ends:
    """The two ends of a worker on the Kafka side; tests put an in-memory broker here.

    Attributes:
        topic: what is asked about the topic.
        consumer: makes the reader, of an observer of its client and the table's id.
        partitions: those that the reader was told to read; None if a group gives them.
    """

    topic: Topic
    consumer: Callable[[ClientObserver, str], Consumer]
    partitions: tuple[int, ...] | None = None


def group_name(table: str, table_id: str) -> str:
    """The consumer group of a table's workers, unless settings name another: each lake has its own."""
    return f"headrace-{table}-{table_id[:8]}"


def kafka_ends(
    settings: Settings, contract: Contract, group_id: str | None, partitions: tuple[int, ...] | None = None
) -> Ends:
    """A real cluster, or the embedded one.

    Without a `group_id` the group is the table's own: two lakes on one cluster must not share their partitions.

    Raises:
        ConfigError: partitions are named, and settings of a group are, too.
    """
    if partitions is not None:
        _refuse_group_settings(settings)

    def consumer(observer: ClientObserver, table_id: str) -> Consumer:
        if partitions is not None:
            membership: Membership = ByHand(partitions, group_id)
        else:
            membership = GroupMember(group_name(contract.name, table_id) if group_id is None else group_id)
        return KafkaConsumer(settings.kafka, contract.topic, membership, queue_kib=queue_kib, observer=observer)

    # Of what the budget leaves beside the interpreter, its libraries and the index of keys: a record takes several
    # times its bytes in librdkafka's queue and again as a message. 12 MiB are a tenth of a second's drain; of 40 MiB
    # nothing came but batches flushed at a fifth of their rows, because memory was short, and drains a seventh longer.
    queue_kib = (settings.ingest.memory_mib - 190 - _index_mib(contract, settings.ingest)) * 1024 // 26
    return Ends(
        topic=TopicClient(settings.kafka, contract.topic),
        consumer=consumer,
        partitions=partitions,
    )


def _refuse_group_settings(settings: Settings) -> None:
    kafka = settings.kafka
    named = {"GROUP_INSTANCE_ID": kafka.group_instance_id, "GROUP_PROTOCOL": kafka.group_protocol != "classic"}
    for name in (name for name, value in named.items() if value):
        msg = (
            f"--partitions reads without a group, and HEADRACE_KAFKA__{name} is of one: unset it, or drop --partitions"
        )
        raise ConfigError(msg)


def build_worker(settings: Settings, contract: Contract, ends: Ends, *, drain: bool, metrics: WorkerMetrics) -> Worker:
    """Prepares the tables and puts a worker on them; its clock is that of `metrics`.

    Raises:
        HeadraceError: broker, topic, tables or settings do not allow it; see `headrace.errors`.
    """
    pipeline = settings.pipeline or contract.name
    store = Store(settings.lake.root)
    identity = ends.topic.identity()
    by_hand = ends.partitions is not None
    wanted = _existing(identity, ends.partitions) if ends.partitions is not None else range(identity.partitions)
    source = SourceId(pipeline, identity.cluster_id, identity.topic_id)
    tables = prepare_tables(store, contract, source, ends.topic, settings.ingest)
    metrics.proved()

    clock = metrics.clock
    pause = Event().wait
    ingest = settings.ingest
    target = Target(
        source=source,
        layout=file_layout(contract),
        contract=contract.name,
        contract_version=contract.schema_version,
        version=__version__,
        checkpoint_every=ingest.checkpoint_every,
        deadline_seconds=ingest.commit_deadline_seconds,
        landing=_landing(store, contract, ingest),
        event_time=contract.event_time,
    )
    watch = TopicWatch(
        ends.topic,
        identity,
        unread=partial(unclaimed, store, contract.name, source) if by_hand else None,
        seconds=settings.kafka.metadata_refresh_seconds,
        clock=clock,
    )
    shown = settings.metrics
    offsets = SourceOffsets(ends.topic, seconds=shown.offsets_seconds if shown.enabled else math.inf, clock=clock)
    ending = _drain(tables.main, source, ends.topic, wanted, clock) if drain else None
    writer = BatchWriter(tables, target, clock, pause, prove_topic=watch.prove)
    metrics.opened(writer.version)
    pace = _pace(store, contract, ingest, metrics)
    return Worker(
        table=contract.name,
        consumer=ends.consumer(metrics, tables.main.id),
        claimer=Claimer(store, contract.name, source, offsets.ask, pause, clock, ingest.checkpoint_every),
        collector=Collector(
            Decoder(contract, max_record_bytes=ingest.max_record_bytes), QuarantineGauge(_limit(ingest)), clock
        ),
        writer=writer,
        pace=pace,
        watch=watch,
        clock=clock,
        resident=ResidentMemory.of_this_process(enough=pace.policy.resident),
        stop_seconds=ingest.shutdown_seconds,
        fenced=FencedPartitions(contract.name, None if by_hand else _park_seconds(settings.kafka), clock),
        offsets=offsets,
        metrics=metrics,
        drain=ending,
    )


def _pace(store: Store, contract: Contract, ingest: IngestSettings, metrics: WorkerMetrics) -> FlushPace:
    table = contract.name
    policy = FlushPolicy(
        rows=ingest.flush_rows,
        # A commit of latest rows takes several times its batch.
        size=ingest.flush_mib * MIB // (1 if contract.table.mode == "append" else 4),
        seconds=ingest.flush_seconds,
        # A poll, and a file in the making, have to fit beside it.
        resident=ingest.memory_mib * MIB * 9 // 10,
    )
    told = (table, quarantine_name(table))
    return FlushPace(
        table,
        policy,
        limit=ingest.freshness_seconds,
        ask=lambda: deepest(store, told, metrics.clock.now()),
        metrics=metrics,
    )


def _landing(store: Store, contract: Contract, ingest: IngestSettings) -> Landing:
    """How batches come into the table."""
    if contract.table.mode == "append":
        return Appending(store, file_layout(contract))
    keep_little()
    from headrace_ingest.upserting import Upserting  # noqa: PLC0415  # loads polars, some 20 MiB

    return Upserting.of(store, contract, _index_mib(contract, ingest) * MIB)


def _index_mib(contract: Contract, ingest: IngestSettings) -> int:
    """What may remember where keys lie: a quarter of the budget, of tables of latest rows alone."""
    return 0 if contract.table.mode == "append" else ingest.memory_mib // 4


def _existing(identity: TopicIdentity, partitions: tuple[int, ...]) -> tuple[int, ...]:
    missing = [p for p in partitions if p >= identity.partitions]
    if missing:
        msg = f"topic {identity.name} has partitions 0 to {identity.partitions - 1}; --partitions names {missing[0]}"
        raise ConfigError(msg)
    return partitions


def _park_seconds(kafka: KafkaSettings) -> float:
    """How long a group takes to tell a member that was away that its partitions have gone."""
    # A member of the newer protocol hears of it with its next heartbeat. The brokers choose how often one is sent:
    # 15 s is the most they do unless told otherwise.
    return 15.0 if kafka.group_protocol == "consumer" else kafka.session_timeout_ms / 1000


def run_ingest(
    settings: Settings, contract: Contract, *, drain: bool, partitions: tuple[int, ...] | None = None
) -> None:
    """Runs a worker until it is stopped by a signal, or drained.

    Args:
        settings: of the process.
        contract: of the table.
        drain: whether it stops once everything that is in the topic now is durable.
        partitions: those to read without a group; None for those that the group gives.

    Raises:
        HeadraceError: what cannot be proved or mended.
    """
    announce(settings, contract)
    ends = kafka_ends(settings, contract, settings.kafka.group_id, partitions)
    metrics = new_metrics(settings, contract, SystemClock())
    serve_metrics(settings.metrics, metrics)
    worker = build_worker(settings, contract, ends, drain=drain, metrics=metrics)
    _stop_on_signals(worker.stop)
    # Arrow's own pool keeps what a burst once took, some 50 MiB; the system's gives it back.
    pa.set_memory_pool(pa.system_memory_pool())
    # A poll makes 20,000 messages that die by reference count. At the default threshold of 700 the collector walks
    # them again and again and takes a third of the time of polling; what is alive now stays alive.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
    worker.run()


def _limit(ingest: IngestSettings) -> QuarantineLimit:
    return QuarantineLimit(ingest.quarantine_max_ratio, ingest.quarantine_window, ingest.quarantine_max_consecutive)


def _drain(log: DeltaLog, source: SourceId, topic: Topic, partitions: Sequence[int], clock: Clock) -> Drain:
    started = int(log.properties[PARTITIONS])
    # Positions first: whatever lands meanwhile lies below watermarks that are asked for later. The newest: from an
    # older one on, records that another worker has read since may be gone.
    log.refresh()
    found = {p: log.txn(source.app_id(p)) for p in partitions}
    watermarks = {p: topic.watermarks(p) for p in partitions}
    for p in partitions:
        # A drain may be done before it claims anything; a position that cannot be continued from stops it too.
        starting_position(p, found[p], started, watermarks[p])
    store, table = log.store, log.table
    # That log is the writer's from here on; this one is asked where other workers have brought their partitions.
    own = cache(lambda: DeltaLog(store, table))
    targets = {p: w.end for p, w in watermarks.items()}
    return Drain(targets, {p: found[p] or 0 for p in partitions}, lambda: positions_of(own(), partitions), clock)


def _stop_on_signals(stop: Callable[[], None]) -> None:
    """The first SIGTERM or SIGINT stops gracefully, the second at once.

    Python runs handlers between two bytecodes of the main thread, which may be waiting for a broker: a thread of its
    own reads the numbers of signals as they arrive.
    """
    arrived, told = socket.socketpair()
    told.setblocking(False)
    signal.set_wakeup_fd(told.fileno())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)

    def listen() -> None:
        arrived.recv(1)
        stop()
        arrived.recv(1)
        os._exit(STOPPED_AT_ONCE)

    # `told` is kept open by the thread that would miss it.
    threading.Thread(target=lambda _kept: listen(), args=(told,), name="headrace-signals", daemon=True).start()
