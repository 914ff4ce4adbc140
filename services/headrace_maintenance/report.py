"""What came of a look at a table."""

from dataclasses import dataclass
from typing import Literal

from headrace.lake.upkeep.stats import TableStats
from headrace.lake.upkeep.writes import DayOfWrites
from headrace_maintenance.jobs import Job, Plan

Outcome = Literal["done", "overtaken", "conflict", "memory", "time", "killed", "aborted", "storage", "violation"]

LOST: frozenset[Outcome] = frozenset({"memory", "time", "killed"})
"""Outcomes of a merge whose process was ended."""


@dataclass(frozen=True, slots=True)
class Done:
    """One job that was tried.

    Attributes:
        job: which.
        outcome: `overtaken` and `conflict` are planned anew the next time; `memory`, `time` and `killed`, of a
            merge whose process was ended, smaller; `storage` and `violation` ended the look.
        told: why it is not done; empty where it is.
        version: of the table that it made.
        written: bytes of new data files.
        deleted: objects.
        conflicts: tries that lost against other commits.
        seconds: how long it took.
    """

    job: Job
    outcome: Outcome = "done"
    told: str = ""
    version: int | None = None
    written: int = 0
    deleted: int = 0
    conflicts: int = 0
    seconds: float = 0.0

    def numbers(self) -> dict[str, object]:
        """What a log line says of it, but for what is 0 or absent."""
        found = {
            "told": self.told,
            "version": self.version,
            "files": len(self.job.files),
            "read_bytes": self.job.size,
            "written_bytes": self.written,
            "deleted": self.deleted,
            "conflicts": self.conflicts,
        }
        return {name: value for name, value in found.items() if value} | {"seconds": round(self.seconds, 3)}


@dataclass(frozen=True, slots=True)
class Look:
    """A table, what it owes, and what was written to it within a day; `thrifty` if that was too much."""

    stats: TableStats
    plan: Plan
    day: DayOfWrites
    thrifty: bool


@dataclass(frozen=True, slots=True)
class TableOutcome:
    """One table: before, after, and what was done of the plan."""

    before: Look
    after: TableStats
    day: DayOfWrites
    done: tuple[Done, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether all that was due is done: nothing failed, was left when the process stopped, or waits its turn."""
        plan = self.before.plan
        tried = len(self.done) == len(plan.jobs) and not plan.unfinished
        return tried and all(done.outcome == "done" for done in self.done)
