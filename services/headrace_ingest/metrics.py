"""What a worker reports of itself: it says what happened, and here that becomes numbers.

Nothing is decided here. Called once per poll, batch or rebalance, never per record. Where partitions stand is read when
somebody scrapes, from the leases themselves: a partition that was given away leaves no series behind. One that was lost
without a word does, until the group answers: brokers that are away must not look as if nothing were late.
"""

from collections.abc import Callable, Iterator, Sequence

from prometheus_client import GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.registry import CollectorRegistry

from headrace.clock import Clock
from headrace.kafka.statistics import Statistics
from headrace.lake.quarantine import quarantine_name
from headrace.metrics import COMMON, INGEST, common, ingest
from headrace.metrics.health import Health, State
from headrace.metrics.recorder import Recorder, Sample
from headrace_ingest.batch import Batch
from headrace_ingest.flight import Flight
from headrace_ingest.flush import Trigger
from headrace_ingest.flushed import FailureKind, Flushed
from headrace_ingest.standing import Standing, readings


class WorkerMetrics:
    """The metrics and the health of one worker. The polling thread calls it; whoever scrapes reads on other threads.

    Args:
        table: its name.
        topic: name of its topic.
        clock: time.
        stall_seconds: a loop that has not turned for longer is dead.
        partition_detail: whether partitions are told apart.
    """

    def __init__(self, table: str, topic: str, clock: Clock, *, stall_seconds: float, partition_detail: bool) -> None:
        self.clock = clock
        self.health = Health(clock, stall_seconds=stall_seconds)
        self.registry = CollectorRegistry()
        self.recorder = Recorder(self.registry, (*COMMON, *INGEST), table=table, topic=topic)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._quarantine = quarantine_name(table)
        self._detail = partition_detail
        self._ticked_at: float | None = None
        self._received = 0
        self._round_trips: dict[str, float] = {}
        self.recorder.put(common.CONFLICT_GUARD, 0)
        self.recorder.read(self._own)
        self.recorder.add(ingest.COMMITS, 0, table=self._quarantine, operation="append")
        for kind in FailureKind:
            self.recorder.add(ingest.COMMIT_FAILURES, 0, table=self._quarantine, reason=kind)

    # -- the start

    def proved(self) -> None:
        """The store has refused a conflicting commit."""
        self.recorder.put(common.CONFLICT_GUARD, 1)

    def opened(self, version: int) -> None:
        """The table was opened at `version`."""
        self.recorder.put(ingest.DELTA_VERSION, version)

    # -- the loop

    def enter(self, state: State) -> None:
        """Says what the worker is doing from now on."""
        self.health.enter(state)

    def tick(self) -> None:
        """The loop has turned."""
        self.health.tick()
        self._ticked_at = self.clock.now().timestamp()

    def watch(self, standing: Callable[[], Standing]) -> None:
        """Asks `standing` when somebody scrapes."""
        self.recorder.read(lambda: readings(standing(), detail=self._detail))

    def polled(self, records: int, *, poll_seconds: float, decode_seconds: float) -> None:
        """A poll brought `records`."""
        if records:
            self.recorder.add(ingest.CONSUMED_RECORDS, records)
            self.recorder.observe(ingest.STAGE, poll_seconds, stage="poll")
            self.recorder.observe(ingest.STAGE, decode_seconds, stage="decode")

    def paced(self, seconds: float) -> None:
        """Batches may wait so long from now on."""
        self.recorder.put(ingest.FLUSH_AGE, seconds)

    # -- batches

    def flushing(self, batch: Batch, trigger: Trigger) -> None:
        """A batch goes to the writer."""
        self.recorder.add(ingest.FLUSHES, trigger=trigger)
        self.recorder.observe(ingest.BATCH_RECORDS, batch.records)
        self.recorder.observe(ingest.BATCH_BYTES, batch.size)

    def flushed(self, flight: Flight, flushed: Flushed) -> None:
        """The writer is done with a batch: moves the freshness of its leases, and counts."""
        self._count_attempts(flushed)
        if flushed.version is not None:
            self._count_commit(flight, flushed)
        now = self.clock.now().timestamp()
        for partition in flushed.positions:
            span, freshness = flight.batch.spans[partition], flight.leases[partition].freshness
            freshness.landed(span.newest_ms, now)
            if span.oldest_ms >= 0:
                phase = "catchup" if freshness.caught_up_at is None else "live"
                self.recorder.observe(ingest.RECORD_DELAY, max(0.0, now - span.oldest_ms / 1000), phase=phase)
            self.recorder.add(ingest.OFFSET_GAPS, span.gap_records)
        self.recorder.add(ingest.FENCED, len(flushed.dropped), reason="delta_txn")

    def _count_attempts(self, flushed: Flushed) -> None:
        self.recorder.add(ingest.COMMIT_ATTEMPTS, flushed.attempts)
        for number, failed in enumerate(flushed.failures, start=1):
            self.recorder.add(ingest.COMMIT_FAILURES, table=failed.table, reason=failed.kind)
            # No attempt after it, and yet there is a version: it was this one.
            landed = flushed.version is not None and number == flushed.attempts
            self.recorder.add(ingest.OUTCOME_UNKNOWN, resolution="landed" if landed else "not_landed")
        for reason, count in flushed.quarantined.items():
            self.recorder.add(ingest.QUARANTINED_RECORDS, count, reason=reason)
        if flushed.quarantined:
            self.recorder.add(ingest.COMMITS, table=self._quarantine, operation="append")

    def _count_commit(self, flight: Flight, flushed: Flushed) -> None:
        version = flushed.version or 0
        self.recorder.add(ingest.COMMITS, operation="append")
        self.recorder.put(ingest.DELTA_VERSION, version)
        self.recorder.add(ingest.WRITTEN_RECORDS, sum(file.rows for file in flushed.files))
        self.recorder.add(ingest.WRITTEN_BYTES, sum(file.size for file in flushed.files))
        self.recorder.add(ingest.WRITTEN_FILES, len(flushed.files))
        if flushed.attempts > len(flushed.failures):
            exemplar = {"batch": flight.batch.id, "version": str(version)}
            self.recorder.observe(ingest.COMMIT_DURATION, flushed.commit_seconds, exemplar)
            self.recorder.observe(ingest.STAGE, flushed.commit_seconds, stage="commit")
            self.recorder.observe(ingest.STAGE, flushed.write_seconds, stage="write")

    def checkpointed(self, seconds: float) -> None:
        """A checkpoint was written; called on the writer thread."""
        self.recorder.observe(ingest.STAGE, seconds, stage="checkpoint")

    # -- the group and the client

    def rebalanced(self, event: str, partitions: Sequence[int]) -> None:
        """The group spoke: assign, revoke or lost."""
        self.recorder.add(ingest.REBALANCES, event=event)
        if event == "lost":
            self.recorder.add(ingest.FENCED, len(partitions), reason="session")

    def client_error(self, code: str) -> None:
        """Called by the Kafka client."""
        self.recorder.add(ingest.KAFKA_ERRORS, code=code)

    def commit_failed(self) -> None:
        """Called by the Kafka client."""
        self.recorder.add(ingest.OFFSET_COMMIT_FAILURES)

    def client_statistics(self, statistics: Statistics) -> None:
        """Called by the Kafka client."""
        self.recorder.add(ingest.RECEIVED_BYTES, statistics.rxmsg_bytes - self._received)
        self._received = statistics.rxmsg_bytes
        self._round_trips = statistics.round_trips()

    def _own(self) -> Iterator[Sample]:
        for state in State:
            yield Sample(common.STATE, float(self.health.state is state), {"state": state})
        if self._ticked_at is not None:
            yield Sample(common.LOOP_TICK, self._ticked_at, {"loop": "poll"})
        for quantile, seconds in self._round_trips.items():
            yield Sample(ingest.BROKER_RTT, seconds, {"quantile": quantile})
