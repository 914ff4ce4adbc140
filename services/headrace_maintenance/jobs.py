"""What maintenance can do to a table, as values."""

from dataclasses import dataclass
from enum import StrEnum

from headrace.lake.upkeep.stats import TableFile


class JobKind(StrEnum):
    """Kinds of work, in the order in which they are done."""

    COMPACT = "compact"
    SEAL = "seal"
    VACUUM = "vacuum"
    CHECKPOINT = "checkpoint"
    CLEAN_LOG = "clean_log"
    ORPHANS = "orphans"


@dataclass(frozen=True, slots=True)
class Job:
    """One step that a table owes.

    Attributes:
        kind: of work.
        reason: in words.
        files: that become one; none where the kind is about other things.
        value: of the partition column, None where there is none.
    """

    kind: JobKind
    reason: str
    files: tuple[TableFile, ...] = ()
    value: str | None = None

    @property
    def size(self) -> int:
        """Bytes that are rewritten."""
        return sum(file.size for file in self.files)

    @property
    def weight(self) -> int:
        """What they count for where memory is concerned."""
        return sum(file.weight for file in self.files)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done.

    Attributes:
        jobs: in their order.
        waiting: what is due and not among them, and why.
        unmergeable: why the table's files are not merged; None if they may be.
        unfinished: whether something waits for the next time, or for somebody.
    """

    jobs: tuple[Job, ...] = ()
    waiting: tuple[str, ...] = ()
    unmergeable: str | None = None
    unfinished: bool = False
