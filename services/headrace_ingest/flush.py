"""When a batch is flushed, and when bad input stops the worker. Pure rules."""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from headrace.errors import QuarantineLimitError
from headrace_ingest.batch import Batch


class Trigger(StrEnum):
    """Why a batch was flushed."""

    ROWS = "rows"
    BYTES = "bytes"
    AGE = "age"
    MEMORY = "memory"
    REVOKE = "revoke"
    DRAIN = "drain"
    SHUTDOWN = "shutdown"


@dataclass(frozen=True, slots=True)
class FlushPolicy:
    """Limits of a batch: records, bytes, seconds; and of the process: resident bytes."""

    rows: int
    size: int
    seconds: float
    resident: int

    def due(self, batch: Batch, now: float, resident: int) -> Trigger | None:
        """The trigger that `batch` has reached at monotonic time `now`, if any."""
        if batch.empty or batch.opened_at is None:
            return None
        if batch.records >= self.rows:
            return Trigger.ROWS
        if batch.size >= self.size:
            return Trigger.BYTES
        if now - batch.opened_at >= self.seconds:
            return Trigger.AGE
        # Below a tenth of a full batch a flush would free nothing worth its commit.
        if resident > self.resident and batch.size * 10 > self.size:
            return Trigger.MEMORY
        return None


@dataclass(frozen=True, slots=True)
class QuarantineLimit:
    """How much of the input may be bad.

    A wrong contract makes every record bad; without a limit the whole topic would move into the quarantine.
    """

    max_ratio: float
    window: int
    max_consecutive: int


@dataclass(slots=True)
class QuarantineGauge:
    """The running count that a QuarantineLimit is held against."""

    limit: QuarantineLimit
    _polls: deque[tuple[int, int]] = field(default_factory=deque)
    _records: int = 0
    _rejects: int = 0
    _consecutive: int = 0

    def count(self, records: int, rejected: list[int], *, reason: str) -> None:
        """Takes one poll.

        Args:
            records: records decoded.
            rejected: indices of the bad ones, ascending.
            reason: an example of what was wrong, for the message.

        Raises:
            QuarantineLimitError: the limit is passed; nothing of the poll has been written.
        """
        if not records:
            return
        self._polls.append((records, len(rejected)))
        self._records += records
        self._rejects += len(rejected)
        while self._records - self._polls[0][0] >= self.limit.window:
            gone = self._polls.popleft()
            self._records -= gone[0]
            self._rejects -= gone[1]
        longest, self._consecutive = _runs(records, rejected, self._consecutive)
        ratio = self._rejects / self._records
        if longest >= self.limit.max_consecutive:
            found = f"{longest} records in a row were bad"
            raise _too_many(found, reason)
        if self._records >= self.limit.window and ratio > self.limit.max_ratio:
            found = f"{ratio:.0%} of the last {self._records} records were bad"
            raise _too_many(found, reason)


def _runs(records: int, rejected: list[int], before: int) -> tuple[int, int]:
    """Lengths of the longest run of rejects of a poll, and of the one that it ends with.

    Args:
        records: of the poll.
        rejected: indices of its rejects, ascending.
        before: rejects that came right before the poll.
    """
    longest, run, expected = before, before, 0
    for index in rejected:
        run = run + 1 if index == expected else 1
        longest, expected = max(longest, run), index + 1
    return longest, run if expected == records else 0


def _too_many(found: str, reason: str) -> QuarantineLimitError:
    msg = (
        f"{found}, for example: {reason}. That is a wrong contract or a wrong topic, not bad records: the worker stops "
        "and nothing was skipped. Mend the contract, or raise HEADRACE_INGEST__QUARANTINE_MAX_RATIO and "
        "HEADRACE_INGEST__QUARANTINE_MAX_CONSECUTIVE if such input is meant to be quarantined."
    )
    return QuarantineLimitError(msg)
