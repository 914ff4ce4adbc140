"""The worker's loop: collect while the last batch is being written, flush, confirm.

One thread polls, decodes and decides; one thread writes. At most one batch is in flight. What a batch in flight has
become is learnt in `_settle` and nowhere else.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event

from headrace.clock import Clock, Deadline
from headrace.errors import CommitTimeoutError
from headrace.logs import get_logger
from headrace.metrics.health import State
from headrace_ingest.batch import Batch
from headrace_ingest.claim import Claimer
from headrace_ingest.collect import Collector
from headrace_ingest.drain import Drain
from headrace_ingest.fencing import FencedPartitions
from headrace_ingest.flight import Flight, log_flush
from headrace_ingest.flush import Trigger
from headrace_ingest.intake import Lease
from headrace_ingest.metrics import WorkerMetrics
from headrace_ingest.pace import FlushPace
from headrace_ingest.ports import Consumer
from headrace_ingest.source_offsets import SourceOffsets
from headrace_ingest.standing import Standing
from headrace_ingest.topic_watch import TopicWatch
from headrace_ingest.upkeep import checkpoint
from headrace_ingest.writer import BatchWriter

log = get_logger(__name__)

# Large enough that the cost of a poll vanishes, small enough that a poll's Python objects stay below 20 MB. How large
# records are is only known once some were read: a worker begins with few, and takes as many as make up the bytes.
_POLL_RECORDS = 20_000
_FIRST_POLL_RECORDS = 10
_POLL_BYTES = 8 * 1024 * 1024
_POLL_SECONDS = 0.1
# How long the loop waits for the writer before it pauses the partitions: pausing throws prefetched records away.
_PATIENCE_SECONDS = 1.0


@dataclass
class Worker:
    """One worker of one table.

    The consumer calls `assigned`, `revoked` and `lost` on the polling thread, from inside `poll` and `close`.

    Attributes:
        table: its name, for log lines.
        consumer: its member of the group.
        claimer: takes partitions.
        collector: fills batches.
        writer: writes batches.
        pace: when to flush.
        watch: looks after the topic.
        clock: time.
        resident: reads the process's resident bytes, near their limit after what lies free was given back.
        stop_seconds: how long a stop or a revocation may take to make durable what was read.
        fenced: partitions that somebody else has moved.
        offsets: what the broker has; nothing is decided by it.
        metrics: told what happened; nothing is decided by it.
        drain: when to stop by itself, if ever.
    """

    table: str
    consumer: Consumer
    claimer: Claimer
    collector: Collector
    writer: BatchWriter
    pace: FlushPace
    watch: TopicWatch
    clock: Clock
    resident: Callable[[], int]
    stop_seconds: float
    fenced: FencedPartitions
    offsets: SourceOffsets
    metrics: WorkerMetrics
    drain: Drain | None = None
    _leases: dict[int, Lease] = field(default_factory=dict, init=False)
    _paused: set[int] = field(default_factory=set, init=False)
    _batch: Batch = field(default_factory=Batch, init=False)
    _flight: Flight | None = field(default=None, init=False)
    _stop: Event = field(default_factory=Event, init=False)
    _abandoned: bool = field(default=False, init=False)
    _poll_records: int = field(default=_FIRST_POLL_RECORDS, init=False)
    _upkeep: Future[None] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="headrace-writer")
        self.metrics.watch(self.standing)

    def stop(self) -> None:
        """Asks the loop to end after making durable what was read; safe from a signal handler."""
        self._stop.set()

    def standing(self) -> Standing:
        """Where the worker stands; from any thread, without waiting. Its parts may be a turn of the loop apart."""
        flight = self._flight
        batches = [self._batch] if flight is None else [flight.batch, self._batch]
        leases = list(self._leases.values())
        return self.offsets.standing(leases, batches, paused=len(self._paused), of=self.watch.partitions)

    def run(self) -> None:
        """Works until stopped or drained.

        Raises:
            HeadraceError: what cannot be proved or mended; nothing was skipped and nothing is half written.
        """
        try:
            self.consumer.subscribe(self)
            self.metrics.enter(State.RUNNING)
            while not self._finished():
                self.metrics.tick()
                self._settle()
                self.watch.check()
                self.pace.check()
                self.offsets.check(self._leases)
                self._reclaim()
                self._collect()
                self._flush_if_due()
            self.metrics.enter(State.DRAINING)
            deadline = Deadline.after(self.stop_seconds, self.clock)
            self._flush_all(Trigger.SHUTDOWN, deadline)
            if self._upkeep is not None:
                wait([self._upkeep], timeout=deadline.remaining())
        except BaseException:
            self._abandoned = True
            self.metrics.enter(State.FAILED)
            with suppress(Exception):
                self.consumer.close()
            raise
        self.consumer.close()
        self._thread.shutdown(wait=False)
        self.metrics.enter(State.STOPPED)
        log.info("stopped", table=self.table, drained=not self._stop.is_set())

    def _finished(self) -> bool:
        return self._stop.is_set() or (self.drain is not None and self.drain.done(self._leases))

    def _collect(self) -> None:
        asked = time.perf_counter()
        poll = self.consumer.poll(self._poll_records, self._poll_seconds())
        came = time.perf_counter()
        before = self._batch.size
        for partition, position in self.collector.collect(poll, self._leases, self._batch).items():
            self.consumer.seek(partition, position)
        if self._batch.size > before:
            fitting = _POLL_BYTES * len(poll.records) // (self._batch.size - before)
            self._poll_records = min(_POLL_RECORDS, max(1, fitting))
        self.metrics.polled(len(poll.records), poll_seconds=came - asked, decode_seconds=time.perf_counter() - came)

    def _poll_seconds(self) -> float:
        if self._batch.opened_at is None or self._flight is not None:
            return _POLL_SECONDS
        return min(_POLL_SECONDS, max(0.0, self._batch.opened_at + self.pace.policy.seconds - self.clock.monotonic()))

    def _flush_if_due(self) -> None:
        trigger = self.pace.policy.due(self._batch, self.clock.monotonic(), self.resident())
        if trigger is None and self.drain is not None and not self._batch.empty and self.drain.collected(self._leases):
            trigger = Trigger.DRAIN
        if trigger is None:
            return
        if self._flight is None:
            self._flush(trigger)
        elif trigger not in (Trigger.AGE, Trigger.DRAIN):
            # The batch is full and the one before it is still being written.
            wait([self._flight.future], timeout=_PATIENCE_SECONDS)
            if not self._flight.future.done():
                self._hold()

    def _hold(self) -> None:
        """Stops delivery until the writer is free; polling goes on, so the group keeps this member."""
        if unpaused := self._leases.keys() - self._paused:
            log.debug("paused", table=self.table, partitions=sorted(unpaused))
            self.consumer.pause(sorted(unpaused))
            self._paused |= unpaused

    def _flush(self, trigger: Trigger) -> None:
        batch, self._batch = self._batch, Batch()
        leases = {p: self._leases[p] for p in batch.spans}
        epochs = {p: lease.epoch for p, lease in leases.items()}
        self.metrics.flushing(batch, trigger)
        future = self._thread.submit(self.writer.write, batch, epochs)
        self._flight = Flight(batch, leases, trigger, future, self.clock.monotonic())

    def _flush_all(self, trigger: Trigger, deadline: Deadline) -> None:
        """Makes everything collected durable.

        Raises:
            CommitTimeoutError: the deadline passed; what was not durable is read again by whoever comes next.
        """
        in_time = self._await_flight(deadline)
        if in_time and not self._batch.empty:
            self._flush(trigger)
            in_time = self._await_flight(deadline)
        if not in_time:
            msg = (
                f"the last batch of {self.table} was not durable within {self.stop_seconds:g} s; nothing is lost, "
                "it is read again. Check the store, or raise HEADRACE_INGEST__SHUTDOWN_SECONDS."
            )
            raise CommitTimeoutError(msg)

    def _await_flight(self, deadline: Deadline) -> bool:
        if self._flight is not None:
            wait([self._flight.future], timeout=deadline.remaining())
        return self._settle()

    def _settle(self) -> bool:
        """Learns what became of the batch in flight; False while it is still being written.

        Raises:
            HeadraceError: what stopped the writer.
        """
        flight = self._flight
        if flight is None or not flight.future.done():
            return flight is None
        self._flight = None
        flushed = flight.future.result()
        confirmed = {}
        for partition, position in flushed.positions.items():
            if self._leases.get(partition) is flight.leases[partition]:
                self._leases[partition].durable = confirmed[partition] = position
        # Step 6 of the flush. The rows are durable: the group may know.
        if confirmed:
            self.consumer.commit(confirmed)
        log_flush(self.table, flight, flushed, self.clock.monotonic())
        self.metrics.flushed(flight, flushed)
        self.offsets.compare(self._leases)
        for partition, position in flushed.dropped.items():
            if self._leases.get(partition) is flight.leases[partition]:
                self._park(self._leases[partition], position)
        if flushed.version is not None:
            self._upkeep = self._thread.submit(checkpoint, self.writer, flushed.version, self.table, self.metrics)
        if self._paused:
            self.consumer.resume(sorted(self._paused & self._leases.keys()))
            self._paused.clear()
        return True

    def _park(self, lease: Lease, found: int) -> None:
        partition = lease.partition
        log.warning(
            "fenced", table=self.table, partition=partition, durable=lease.durable, found=found, times=lease.fenced + 1
        )
        self.fenced.park(lease)
        del self._leases[partition]
        self._batch = self._batch.without({partition})

    def _reclaim(self) -> None:
        """Takes parked partitions again that the group has left to us."""
        if not (due := self.fenced.due()):
            return
        for lease in self.claimer.claim(due):
            self.fenced.take_back(lease)
            self._leases[lease.partition] = lease
            self.consumer.seek(lease.partition, lease.position)

    def assigned(self, partitions: Sequence[int]) -> Mapping[int, int]:
        """Claims partitions; returns the table's positions."""
        self.offsets.forget_lost()
        if not partitions:
            return {}
        leases = {lease.partition: lease for lease in self.claimer.claim(partitions)}
        self._leases |= leases
        positions = {p: lease.position for p, lease in leases.items()}
        log.info("assigned", table=self.table, positions=positions)
        self.metrics.rebalanced("assign", partitions)
        self.offsets.compare(leases)
        # Whoever held them before may have died between a commit and telling the group.
        self.consumer.commit(positions)
        return positions

    def revoked(self, partitions: Sequence[int]) -> None:
        """Makes durable what was read of them, if the deadline allows; drops it otherwise."""
        log.info("revoked", table=self.table, partitions=list(partitions))
        self.metrics.rebalanced("revoke", partitions)
        if not self._abandoned:
            try:
                self._flush_all(Trigger.REVOKE, Deadline.after(self.stop_seconds, self.clock))
            except CommitTimeoutError as error:
                log.warning("revoke_timeout", table=self.table, partitions=list(partitions), error=str(error))
        self._forget(partitions)

    def lost(self, partitions: Sequence[int]) -> None:
        """Drops what was read of them: they may belong to another member already, and Delta fences the rest."""
        log.warning("lost", table=self.table, partitions=list(partitions), unflushed=self._batch.offsets(partitions))
        self.metrics.rebalanced("lost", partitions)
        self.offsets.keep_lost([self._leases[p] for p in partitions if p in self._leases])
        self._forget(partitions)

    def _forget(self, partitions: Sequence[int]) -> None:
        for partition in partitions:
            self._leases.pop(partition, None)
            self.fenced.forget(partition)
            self._paused.discard(partition)
        self._batch = self._batch.without(set(partitions))
