"""What a check found, and what that makes of the verdict.

Nothing that could not be checked passes: it is UNKNOWN. Remarks carry PASS and change nothing.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from headrace.errors import ConfigError, PermanentError, TableDamagedError, TransientError


class Verdict(StrEnum):
    """FAIL outweighs UNKNOWN outweighs PASS."""

    PASS = "PASS"  # noqa: S105  # not a password
    UNKNOWN = "UNKNOWN"
    FAIL = "FAIL"

    @property
    def exit_code(self) -> int:
        """0 PASS, 1 FAIL, 2 UNKNOWN."""
        return {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.UNKNOWN: 2}[self]


_WEIGHT = {Verdict.PASS: 0, Verdict.UNKNOWN: 1, Verdict.FAIL: 2}


def worst(*verdicts: Verdict) -> Verdict:
    """The heaviest of the verdicts; PASS of none."""
    return max(verdicts, key=_WEIGHT.__getitem__, default=Verdict.PASS)


class Code(StrEnum):
    """What kind of finding; stable, for scripts."""

    LOST = "lost"
    DUPLICATE = "duplicate"
    PHANTOM = "phantom"
    VALUE_DIFFERS = "value_differs"
    OUTDATED = "outdated"
    BEYOND_POSITION = "beyond_position"
    BEFORE_START = "before_start"
    IN_GAP = "in_gap"
    IN_QUARANTINE_TOO = "in_quarantine_too"
    QUARANTINE_DUPLICATE = "quarantine_duplicate"
    CHAIN_BROKEN = "chain_broken"
    COUNT_DIFFERS = "count_differs"
    OUTSIDE_RANGE = "outside_range"
    WRONG_PARTITION_VALUE = "wrong_partition_value"
    FOREIGN_COMMIT = "foreign_commit"
    LOG_DAMAGED = "log_damaged"
    CHECKPOINT_DIFFERS = "checkpoint_differs"
    FILE_MISSING = "file_missing"
    FILE_DAMAGED = "file_damaged"
    UNSUPPORTED = "unsupported"
    MOVED_ON = "moved_on"
    SOURCE_UNAVAILABLE = "source_unavailable"
    HISTORY_EXPIRED = "history_expired"
    EXPIRED_UNREAD = "expired_unread"
    NOT_COMPARED = "not_compared"
    REMARK = "remark"


class Level(StrEnum):
    """What was checked: the log alone, the data files, the topic, the producers' ledger."""

    LOG = "log"
    FILES = "files"
    BROKER = "broker"
    LEDGER = "ledger"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence for people, and where to look.

    `count` is how many records it concerns; `offset` is the first of them. `version` and `batch` name the commit
    that wrote `file`, or that broke a rule.
    """

    verdict: Verdict
    code: Code
    message: str
    partition: int | None = None
    offset: int | None = None
    count: int | None = None
    file: str | None = None
    version: int | None = None
    batch: str | None = None


class Findings:
    """Collects findings; keeps the first few of each kind and counts the others."""

    KEPT = 10

    def __init__(self) -> None:
        self._kept: list[Finding] = []
        self._seen: Counter[tuple[int | None, Code, Verdict]] = Counter()

    def add(self, finding: Finding) -> None:
        """Keeps or counts `finding`."""
        kind = (finding.partition, finding.code, finding.verdict)
        self._seen[kind] += 1
        if self._seen[kind] <= self.KEPT:
            self._kept.append(finding)

    def of(self, partition: int | None) -> tuple[Finding, ...]:
        """Findings of one partition, or those of the table as a whole for None; the omitted ones as a remark."""
        kept = [f for f in self._kept if f.partition == partition]
        more = [
            Finding(verdict, Code.REMARK, f"{seen - self.KEPT} further findings {code}", partition)
            for (where, code, verdict), seen in self._seen.items()
            if where == partition and seen > self.KEPT
        ]
        return (*kept, *more)

    def counts(self) -> dict[Code, int]:
        """How many there are of each kind, remarks left out."""
        found: Counter[Code] = Counter()
        for (_, code, verdict), seen in self._seen.items():
            if verdict is not Verdict.PASS:
                found[code] += seen
        return dict(sorted(found.items()))

    def partitions(self) -> list[int | None]:
        """None and the partitions that findings name."""
        return sorted({where for where, _, _ in self._seen} | {None}, key=lambda p: -1 if p is None else p)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._kept)


class LogDamagedError(TableDamagedError):
    """The table's log cannot be replayed: something is missing, torn or contradictory."""

    code = Code.LOG_DAMAGED


class UnsupportedTableError(PermanentError):
    """The table uses a feature of Delta that this walker does not know, so it proves nothing about it."""

    exit_code = 73


class NoSuchVersionError(ConfigError):
    """The version to begin after is newer than the table."""


class HistoryExpiredError(PermanentError):
    """Commits that were to be checked are no longer retained."""


class TableMovedOnError(TransientError):
    """Files of the pinned version were removed while they were read; a newer version may be verified."""
