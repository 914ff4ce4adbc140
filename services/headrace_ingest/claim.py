"""Taking partitions: the claim that fences their last owner, and the position to go on from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from headrace.clock import Clock
from headrace.errors import CommitTimeoutError, PositionLostError
from headrace.lake.failures import is_conflict, store_failure
from headrace.lake.log import DeltaLog
from headrace.lake.quarantine import quarantine_name, unresolved
from headrace.lake.racing import retry_pause
from headrace.lake.store import Store
from headrace.lake.tables import PARTITIONS
from headrace.offsets import OffsetRange, SourceId
from headrace_ingest.checkpoints import checkpoint_due
from headrace_ingest.intake import Lease
from headrace_ingest.writer import worker_name

# Each loss means that another worker claimed in between; members of one group claim different partitions.
_ATTEMPTS = 20


@dataclass(frozen=True)
class Claimer:
    """Claims partitions of one table.

    Attributes:
        store: where the tables lie.
        table: the main table.
        source: what it is filled from.
        watermarks: asks the broker for the offsets it has of a partition.
        pause: waits that many seconds.
        clock: time.
        checkpoint_every: versions between checkpoints; a claim that makes such a version writes one.
    """

    store: Store
    table: str
    source: SourceId
    watermarks: Callable[[int], OffsetRange]
    pause: Callable[[float], object]
    clock: Clock
    checkpoint_every: int = 100

    def claim(self, partitions: Sequence[int]) -> list[Lease]:
        """Makes this worker the owner of `partitions`.

        1. The owner txns are raised: from here on no earlier owner can write to the quarantine.
        2. The positions are committed again as they are: from here on no earlier owner can write to the main table,
           not even a batch it has already checked. Both would judge a record differently if their settings differ.
        3. What earlier owners quarantined beyond the positions is read.

        Raises:
            PositionLostError: a position is not recorded or not on the broker.
            CommitTimeoutError: other workers kept claiming.
            StoreError, AccessDeniedError: the tables cannot be read or written.
        """
        quarantine, main = quarantine_name(self.table), self.table
        source = self.source
        _, raised = self._restate(
            quarantine, lambda log: {o: (log.txn(o) or 0) + 1 for o in map(source.owner_id, partitions)}
        )
        log, positions = self._restate(main, lambda log: {a: log.txn(a) for a in map(source.app_id, partitions)})
        started = int(log.properties[PARTITIONS])
        found = {p: starting_position(p, positions[source.app_id(p)], started, self.watermarks(p)) for p in partitions}
        pending = unresolved(self.store, main, found)
        epochs = {p: raised[source.owner_id(p)] or 0 for p in partitions}
        return [Lease(p, epochs[p], found[p], found[p], pending[p]) for p in partitions]

    def _restate(
        self, table: str, txns: Callable[[DeltaLog], Mapping[str, int | None]]
    ) -> tuple[DeltaLog, Mapping[str, int | None]]:
        """Commits what `txns` makes of a fresh look at `table`, so that every commit in flight is refused.

        Returns:
            The log, at that look or after what it committed, and what was committed.
        """
        for attempt in range(_ATTEMPTS):
            log = DeltaLog(self.store, table)
            found = txns(log)
            known = {app_id: version for app_id, version in found.items() if version is not None}
            if not known:
                return log, found
            try:
                made = log.commit_claim(known, worker_name())
            except Exception as error:
                if not is_conflict(error):
                    raise store_failure(error, f"claiming partitions of {self.table}") from error
                self.pause(retry_pause(attempt))
            else:
                if checkpoint_due(self.store, table, made, every=self.checkpoint_every, now=self.clock.now()):
                    log.checkpoint()
                return log, found
        msg = f"claiming partitions of {self.table} lost against other workers {_ATTEMPTS} times; start again"
        raise CommitTimeoutError(msg)


def unclaimed(store: Store, table: str, source: SourceId, partitions: Sequence[int]) -> list[int]:
    """Those of `partitions` that no worker has ever claimed."""
    log = DeltaLog(store, quarantine_name(table))
    return [p for p in partitions if log.txn(source.owner_id(p)) is None]


def starting_position(partition: int, txn: int | None, started: int, available: OffsetRange) -> int:
    """Where reading goes on.

    Args:
        partition: its number.
        txn: the position in the table, if one is recorded.
        started: number of partitions whose start version 0 records.
        available: offsets on the broker.

    Raises:
        PositionLostError: it cannot be known, or the broker no longer has it.
    """
    if txn is None:
        if partition < started:
            msg = (
                f"the table records no position for partition {partition}, although version 0 did: it was restored or "
                "rewritten by another tool; see docs/operations.md, exit code 81"
            )
            raise PositionLostError(msg)
        if available.start != 0:
            msg = (
                f"partition {partition} was added to the topic and its first records are gone already: the broker "
                f"begins at {available.start}; see docs/operations.md, exit code 81"
            )
            raise PositionLostError(msg)
        return 0
    if not available.start <= txn <= available.end:
        msg = (
            f"partition {partition}: the table's position is {txn}, the broker has {available.start} to "
            f"{available.end}. Records were deleted before they were read, or the log was truncated; nothing was "
            "skipped; see docs/operations.md, exit code 81"
        )
        raise PositionLostError(msg)
    return txn
