"""What became of a batch: what the writer hands back, for the worker to act upon and to report."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from headrace.lake.datafile import DataFile


class FailureKind(StrEnum):
    """Why an attempt to commit raised."""

    CONFLICT = "conflict"
    FENCED = "fenced"
    BROKER = "broker"
    STORE = "store"


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """An attempt that raised, and the table that it was about."""

    table: str
    kind: FailureKind


@dataclass(slots=True)
class Flushed:
    """What a flush achieved.

    Attributes:
        positions: partitions whose records are durable, with the new position.
        dropped: partitions that another worker has taken, with the position in the table.
        version: the version that was made; None if everything was dropped.
        files: data files of that version.
        attempts: how often it was tried.
        failures: the attempts that raised; one that landed all the same is among them.
        quarantined: records committed to the quarantine, by reason.
        write_seconds, commit_seconds: of the last attempt.
    """

    positions: dict[int, int] = field(default_factory=dict)
    dropped: dict[int, int] = field(default_factory=dict)
    version: int | None = None
    files: list[DataFile] = field(default_factory=list)
    attempts: int = 0
    failures: list[FailedAttempt] = field(default_factory=list)
    quarantined: Counter[str] = field(default_factory=Counter)
    write_seconds: float = 0.0
    commit_seconds: float = 0.0
