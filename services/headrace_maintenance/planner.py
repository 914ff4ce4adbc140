"""What a table owes, as jobs with reasons: a pure function of what its log says, the policy, and the time."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from headrace.lake.upkeep.stats import TableFile, TableStats
from headrace.settings import MIB, MaintainSettings
from headrace_maintenance.files import cold_jobs, hot_jobs, told
from headrace_maintenance.jobs import Job, JobKind, Plan

_CHECKPOINT_BYTES = 32 * MIB
_CHECKPOINT_AGE = timedelta(hours=1)
_CHECKPOINT_LEAST = 10


@dataclass(frozen=True, slots=True)
class Given:
    """What the log does not say of a table.

    Attributes:
        cluster_by: columns that sealed files are ordered by.
        orphans_at: when orphans were last looked for.
        unmergeable: why its files cannot be merged; None if they can.
    """

    cluster_by: tuple[str, ...] = ()
    orphans_at: datetime | None = None
    unmergeable: str | None = None


def plan_jobs(stats: TableStats, given: Given, policy: MaintainSettings, now: datetime) -> Plan:
    """Jobs in the order in which they have to be done: a checkpoint drops what the vacuum before it has to know."""
    problem = stats.protected or given.unmergeable
    merges = [] if problem else list(_merges(stats, given, policy, now))
    chosen, rest = _within(merges, policy.budget_mib * MIB)
    upkeep = (_vacuum(stats), _checkpoint(stats, policy, now), _clean(stats, now), _orphans(given, policy, now))
    jobs = (*chosen, *chain.from_iterable(upkeep))
    waiting = None
    if rest:
        left = told([file for job in rest for file in job.files])
        waiting = f"{len(rest)} merges wait for the next time ({left}): {policy.budget_mib} MiB at a time"
    return Plan(jobs, waiting, problem)


def _merges(stats: TableStats, given: Given, policy: MaintainSettings, now: datetime) -> Iterator[Job]:
    """The partition with the most files first."""
    partitions: dict[str | None, list[TableFile]] = defaultdict(list)
    for file in stats.files:
        partitions[file.value].append(file)
    for value, files in sorted(partitions.items(), key=lambda item: (-len(item[1]), item[0] or "")):
        came = [file.modified for file in files if not file.sealed]
        if not came:
            continue
        if now - max(came) < timedelta(minutes=policy.hot_minutes):
            yield from hot_jobs(value, files, policy)
        else:
            yield from cold_jobs(value, files, policy, given.cluster_by)


def _within(jobs: Sequence[Job], budget: int) -> tuple[Sequence[Job], Sequence[Job]]:
    """The first of `jobs` that fit into the budget, at least one, and the rest."""
    spent = 0
    for count, job in enumerate(jobs):
        spent += job.size
        if spent > budget and count:
            return jobs[:count], jobs[count:]
    return jobs, ()


def _vacuum(stats: TableStats) -> Iterator[Job]:
    if stats.expired:
        days = stats.file_retention / timedelta(days=1)
        yield Job(JobKind.VACUUM, f"{len(stats.expired)} files left the table more than {days:g} days ago")


def _checkpoint(stats: TableStats, policy: MaintainSettings, now: datetime) -> Iterator[Job]:
    behind = stats.since_checkpoint
    written = None if stats.log.checkpoint is None else stats.log.checkpoints[stats.log.checkpoint]
    if behind >= policy.checkpoint_versions:
        yield Job(JobKind.CHECKPOINT, f"{behind} versions since the last one")
    elif stats.log.bytes_since_checkpoint > _CHECKPOINT_BYTES:
        yield Job(JobKind.CHECKPOINT, f"{stats.log.bytes_since_checkpoint / MIB:.0f} MiB of commits since the last one")
    elif written is not None and behind >= _CHECKPOINT_LEAST and now - written > _CHECKPOINT_AGE:
        yield Job(JobKind.CHECKPOINT, f"{behind} versions, and more than an hour, since the last one")


def _clean(stats: TableStats, now: datetime) -> Iterator[Job]:
    names = stats.removable_log(now)
    if names:
        days = stats.log_retention / timedelta(days=1)
        yield Job(JobKind.CLEAN_LOG, f"{len(names)} objects of the log are older than {days:g} days and replaced")


def _orphans(given: Given, policy: MaintainSettings, now: datetime) -> Iterator[Job]:
    if given.orphans_at is None or now - given.orphans_at > timedelta(days=policy.orphans_days):
        since = "never" if given.orphans_at is None else f"on {given.orphans_at:%Y-%m-%d}"
        yield Job(JobKind.ORPHANS, f"files that no version names were looked for {since}")
