"""The flush: the order in which a batch becomes durable. Runs on the writer thread."""

import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from headrace.clock import Clock, Deadline
from headrace.errors import BrokerUnreachableError, CommitTimeoutError, InvariantError
from headrace.lake.datafile import FileLayout, write_files
from headrace.lake.event_times import noted
from headrace.lake.failures import is_conflict, store_failure
from headrace.lake.log import DeltaLog
from headrace.lake.quarantine import quarantine_layout, quarantine_name, quarantine_rows, unresolved
from headrace.lake.racing import retry_pause
from headrace.offsets import SourceId
from headrace_ingest.batch import Batch, per_partition
from headrace_ingest.checkpoints import checkpoint_due
from headrace_ingest.flushed import FailedAttempt, FailureKind, Flushed
from headrace_ingest.landing import Appending, Landing
from headrace_ingest.outcome import Mine, Outcome, Seen, decide
from headrace_ingest.pair import TablePair


def worker_name() -> str:
    """Of this process, for people: `host/pid`."""
    return f"{socket.gethostname()}/{os.getpid()}"


@dataclass(frozen=True)
class Target:
    """The tables a worker writes to.

    Attributes:
        source: what they are filled from.
        layout: layout of the main table's files.
        contract: name of the contract.
        contract_version: its schema version.
        version: of the program.
        checkpoint_every: versions between checkpoints where nothing maintains the tables.
        deadline_seconds: how long one batch may try to commit.
        landing: how rows come into the main table; None if each record is one.
        event_time: column that says when events happened; None if they do not.
    """

    source: SourceId
    layout: FileLayout
    contract: str
    contract_version: int
    version: str
    checkpoint_every: int
    deadline_seconds: float
    landing: Landing | None = None
    event_time: str | None = None

    @property
    def table(self) -> str:
        """Folder of the main table."""
        return self.layout.table


class _FencedError(Exception):
    """A txn is not what this worker left there; decided like any unknown outcome, from the tables."""


class BatchWriter:
    """Writes batches one after another. One thread uses it.

    Args:
        tables: handles on them, which nobody else uses from now on.
        target: which tables they are.
        clock: time.
        pause: waits that many seconds.
        prove_topic: asks the cluster whether the topic is still the same; raises if it is not.
    """

    def __init__(
        self,
        tables: TablePair,
        target: Target,
        clock: Clock,
        pause: Callable[[float], object],
        *,
        prove_topic: Callable[[], None],
    ) -> None:
        self._tables = tables
        self._store = tables.main.store
        self._landing = target.landing or Appending(self._store, target.layout)
        self._prove_topic = prove_topic
        self._target = target
        self._clock = clock
        self._pause = pause
        self._known: Mapping[int, int] = {}
        self._quarantined: int | None = None

    @property
    def version(self) -> int:
        """Version of the main table that was made or read last; not while `write` runs on another thread."""
        return self._tables.main.version

    def write(self, batch: Batch, epochs: Mapping[int, int]) -> Flushed:
        """Makes `batch` durable, or as much of it as is still ours.

        Args:
            batch: what was collected.
            epochs: the owner txn each of its partitions was collected under.

        Raises:
            CommitTimeoutError: other writers kept winning until the deadline.
            StoreError, AccessDeniedError: the store failed and nothing of the batch landed.
            TopicRecreatedError: the records may be another topic's.
            BrokerUnreachableError: whether they are could not be asked until the deadline.
            InvariantError: the rows are not those the offsets account for.
        """
        flushed = Flushed()
        base = self._tables.main.version
        deadline = Deadline.after(self._target.deadline_seconds, self._clock)
        while not batch.empty:
            flushed.attempts += 1
            try:
                self._attempt(batch, epochs, flushed)
            except InvariantError:
                raise
            except Exception as failure:
                flushed.failures.append(self._failed(batch, failure))
                batch = self._resolve(batch, epochs, flushed, base=base, failure=failure)
                if batch.empty:
                    break
                self._retry_or_raise(failure, flushed.attempts, deadline)
            else:
                flushed.positions |= batch.positions()
                break
        return flushed

    def checkpoint(self, version: int) -> bool:
        """Writes a checkpoint if `version` is one that gets one from whoever made it.

        The same holds for the version of the quarantine that the last flush made, if it made one.

        Raises:
            StoreError, AccessDeniedError: it could not be written; the table is whole without it.
        """
        made = self._due(self._tables.main, version)
        if made:
            self._tables.main.checkpoint()
        quarantined, self._quarantined = self._quarantined, None
        if quarantined is not None and self._due(self._tables.quarantine, quarantined):
            self._tables.quarantine.checkpoint()
        return made

    def _due(self, log: DeltaLog, version: int) -> bool:
        every, now = self._target.checkpoint_every, self._clock.now()
        return checkpoint_due(self._store, log.table, version, every=every, now=now)

    def _attempt(self, batch: Batch, epochs: Mapping[int, int], flushed: Flushed) -> None:
        """The protocol of a flush; its order is the guarantee.

        1. The rows become durable in files that no log names yet; the topic is proved to be the same. Where only the
           latest row of a key stays, they are written in step 4: it depends on the table what they replace.
        2. The rejects are committed to the quarantine, under our claim.
        3. The table's positions are compared with the batch's, on the handle that commits.
        4. Rows and positions are committed together, refused if a position has moved.
        5. The commit is fsynced, inside `DeltaLog.commit`. Kafka's offsets follow on the polling thread.
        """
        began = time.perf_counter()
        # Step 1. The rows, durable under a name that no log knows yet.
        batch.check()
        flushed.files = self._landing.write(batch)
        # The topic, asked after the last record was read, is still the one that the app_ids name: ids never come back.
        self._prove_topic()
        # Step 2. The rejects, committed before the position moves past them.
        self._write_rejects(batch, epochs, flushed)
        written = time.perf_counter()
        # Step 3. Every partition still stands, on this very handle, where this batch begins.
        if self._landing.rests_on_rows or not epochs.items() <= self._known.items():
            # Claimed since the last commit through this handle: the position may be another worker's work, and so may
            # the rows be at any time.
            self._tables.main.refresh()
            self._known = dict(epochs)
        txns = {self._target.source.app_id(p): span for p, span in batch.spans.items()}
        for app_id, span in txns.items():
            if (self._tables.main.txn(app_id) or 0) != span.start:
                raise _FencedError(app_id)
        # Step 4. Rows and positions in one commit, refused if one of the positions has moved since step 3.
        # Step 5 is the end of it.
        digests = {file.path: file.sha256 for file in flushed.files}
        flushed.version, flushed.files = self._landing.commit(
            self._tables.main,
            batch,
            flushed.files,
            {app_id: span.end for app_id, span in txns.items()},
            batch.note(worker_name(), self._target.version, digests) | noted(batch.table(), self._target.event_time),
        )
        flushed.write_seconds, flushed.commit_seconds = written - began, time.perf_counter() - written

    def _write_rejects(self, batch: Batch, epochs: Mapping[int, int], flushed: Flushed) -> None:
        if not batch.rejects:
            return
        rows = quarantine_rows(
            batch.rejects,
            contract=self._target.contract,
            contract_version=self._target.contract_version,
            headrace_version=self._target.version,
            at=self._clock.now(),
        )
        files = write_files(self._store, quarantine_layout(self._target.table), rows)
        owners = {self._target.source.owner_id(p): epochs[p] for p in {r.partition for r in batch.rejects}}
        self._tables.quarantine.refresh()
        for owner_id, epoch in owners.items():
            if self._tables.quarantine.txn(owner_id) != epoch:
                raise _FencedError(owner_id)
        self._quarantined = self._tables.quarantine.commit(
            files,
            owners,
            {
                "kind": "quarantine",
                "batch": batch.id,
                "worker": worker_name(),
                "partitions": {str(p): {"rejects": count} for p, count in per_partition(rows).items()},
            },
        )
        flushed.quarantined.update(r.reason for r in batch.rejects)
        # Committed: a repetition of this flush must not quarantine them again. They stay counted in the spans.
        batch.rejects = []

    def _resolve(
        self, batch: Batch, epochs: Mapping[int, int], flushed: Flushed, *, base: int, failure: Exception
    ) -> Batch:
        """Decides an unknown outcome from the tables alone; returns what is left to write.

        `base` is the version before the first attempt.
        """
        try:
            self._tables = TablePair.open(self._store, self._target.table)
            landed = self._tables.main.landed(batch.id, base)
            outcome = decide(
                {p: Mine(span.start, span.end, epochs[p]) for p, span in batch.spans.items()},
                {p: self._seen(p) for p in batch.spans},
                landed=landed is not None,
            )
            self._forget_quarantined(batch, outcome, flushed)
        except Exception as second:
            raise store_failure(second, f"reading {self._target.table} after: {failure}") from failure
        flushed.version = landed
        if landed is None:
            flushed.files = []
        flushed.positions |= outcome.done
        flushed.dropped |= outcome.dropped
        return batch.without(outcome.done.keys() | outcome.dropped.keys())

    def _seen(self, partition: int) -> Seen:
        source = self._target.source
        position = self._tables.main.txn(source.app_id(partition)) or 0
        return Seen(position, self._tables.quarantine.txn(source.owner_id(partition)) or 0)

    def _forget_quarantined(self, batch: Batch, outcome: Outcome, flushed: Flushed) -> None:
        """Takes rejects off the batch that the quarantine has, although its commit was reported as failed."""
        if not batch.rejects or not outcome.keep:
            return
        known = unresolved(self._store, self._target.table, {p: batch.spans[p].start for p in outcome.keep})
        flushed.quarantined.update(r.reason for r in batch.rejects if r.offset in known.get(r.partition, ()))
        batch.rejects = [r for r in batch.rejects if r.offset not in known.get(r.partition, ())]

    def _failed(self, batch: Batch, failure: Exception) -> FailedAttempt:
        # Rejects are taken off the batch when they are committed, and conflicts before that are about them.
        main = self._target.table
        if isinstance(failure, BrokerUnreachableError):
            return FailedAttempt(main, FailureKind.BROKER)
        table = quarantine_name(main) if batch.rejects else main
        if isinstance(failure, _FencedError):
            return FailedAttempt(table, FailureKind.FENCED)
        return FailedAttempt(table, FailureKind.CONFLICT if is_conflict(failure) else FailureKind.STORE)

    def _retry_or_raise(self, failure: Exception, attempts: int, deadline: Deadline) -> None:
        passing = isinstance(failure, BrokerUnreachableError)
        if not (is_conflict(failure) or isinstance(failure, _FencedError) or passing):
            raise store_failure(failure, f"committing to {self._target.table}") from failure
        if deadline.expired() and passing:
            raise failure
        if deadline.expired():
            msg = (
                f"committing to {self._target.table} lost against other writers {attempts} times in "
                f"{self._target.deadline_seconds:g} s; nothing was lost. Longer HEADRACE_INGEST__FLUSH_SECONDS helps."
            )
            raise CommitTimeoutError(msg) from failure
        self._pause(retry_pause(attempts - 1))
