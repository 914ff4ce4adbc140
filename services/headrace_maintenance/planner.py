"""What a table owes, as jobs with reasons: a pure function of what its log says, the policy, and the time."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain

from headrace.lake.upkeep.stats import TableFile, TableStats
from headrace.lake.upkeep.writes import DayOfWrites
from headrace.sections import MIB, MaintainSettings
from headrace_maintenance.files import Partition, cold_jobs, hot_jobs, told
from headrace_maintenance.jobs import Job, JobKind, Plan
from headrace_maintenance.thrift import left, may_begin, thrifty

_CHECKPOINT_BYTES = 32 * MIB
_CHECKPOINT_AGE = timedelta(hours=1)
_CHECKPOINT_LEAST = 10
_ORPHANS_REST = timedelta(hours=6)
_NOTHING_WRITTEN = DayOfWrites()


@dataclass(frozen=True, slots=True)
class Given:
    """What the newest version does not say of a table.

    Attributes:
        cluster_by: columns that sealed files are ordered by.
        orphans_at: when orphans were last looked for.
        unmergeable: why its files cannot be merged; None if they can.
        largest: weight that a merge may have, of partitions where more was too much.
        day: what was written to it.
        thrifty: whether that is too much.
        orphans_left: when this process last found more of them than it may delete.
    """

    cluster_by: tuple[str, ...] = ()
    orphans_at: datetime | None = None
    unmergeable: str | None = None
    largest: Mapping[str | None, int] = field(default_factory=dict)
    day: DayOfWrites = _NOTHING_WRITTEN
    thrifty: bool = False
    orphans_left: datetime | None = None


def plan_jobs(stats: TableStats, given: Given, policy: MaintainSettings, now: datetime) -> Plan:
    """Jobs in the order in which they have to be done: a checkpoint drops what the vacuum before it has to know."""
    problem = stats.protected or given.unmergeable
    merges = [] if problem else list(_merges(stats, given, policy, now))
    upkeep = (_vacuum(stats), _checkpoint(stats, policy, now), _clean(stats, now), _orphans(given, policy, now))
    due = [*merges, *chain.from_iterable(upkeep)]
    noisy = [job for job in due if awaits_quiet(job, policy, now)]
    due = [job for job in due if job not in noisy]
    due, again = _within_amplification(due, given, policy)
    due, rest = _within(due, policy.budget_mib * MIB)
    waiting = (
        *_wait(noisy, f"for the quiet hours {policy.quiet_hours}"),
        *_wait(again, f"until less than {policy.amplification:g} bytes a day are written again for each that comes"),
        *_wait(rest, f"for the next time: {policy.budget_mib} MiB at a time"),
        *_left(given, now),
        *_restrained(stats, given),
    )
    return Plan(tuple(due), waiting, problem, bool(rest) or _orphans_rest(given, now))


def awaits_quiet(job: Job, policy: MaintainSettings, now: datetime) -> bool:
    """Whether it is one of those that wait for quiet hours, and it is not yet quiet.

    A vacuum does not wait: a checkpoint forgets which files it has to delete, and workers write those all day.
    """
    quiet = policy.quiet
    return quiet is not None and job.kind in (JobKind.SEAL, JobKind.ORPHANS) and not quiet.holds(now)


def _merges(stats: TableStats, given: Given, policy: MaintainSettings, now: datetime) -> Iterator[Job]:
    """The partition with the most files first."""
    files: dict[str | None, list[TableFile]] = defaultdict(list)
    for file in stats.files:
        files[file.value].append(file)
    for value, found in sorted(files.items(), key=lambda item: (-len(item[1]), item[0] or "")):
        partition = Partition(value, found, given.largest.get(value))
        came = [file.modified for file in found if not file.sealed]
        if not came:
            continue
        if now - max(came) < timedelta(minutes=policy.hot_minutes):
            yield from hot_jobs(partition, thrifty(policy) if given.thrifty else policy)
        else:
            yield from cold_jobs(partition, policy, given.cluster_by)


def _within_amplification(jobs: Sequence[Job], given: Given, policy: MaintainSettings) -> tuple[list[Job], list[Job]]:
    """What may be done, and sealing that would write too much again; merging only slows down."""
    allowed = left(given.day, policy) - sum(job.size for job in jobs if job.kind is JobKind.COMPACT)
    first = not given.thrifty and may_begin(given.day, policy)
    chosen, again = [], []
    for job in jobs:
        if job.kind is JobKind.SEAL:
            if not first and job.size > allowed:
                again.append(job)
                continue
            first = False
            allowed -= job.size
        chosen.append(job)
    return chosen, again


def _within(jobs: Sequence[Job], budget: int) -> tuple[list[Job], list[Job]]:
    """The first merges of `jobs` that fit into the budget, at least one, with all that is no merge, and the rest."""
    merges = [job for job in jobs if job.files]
    spent = 0
    for count, job in enumerate(merges):
        spent += job.size
        if spent > budget and count:
            rest = merges[count:]
            return [job for job in jobs if job not in rest], rest
    return list(jobs), []


def _wait(jobs: Sequence[Job], why: str) -> Iterator[str]:
    """One line about jobs that wait."""
    if jobs:
        kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(job.kind.value for job in jobs).items())
        files = [file for job in jobs for file in job.files]
        yield f"{kinds} ({told(files)}) wait {why}" if files else f"{kinds} wait {why}"


def _restrained(stats: TableStats, given: Given) -> Iterator[str]:
    there = {file.value for file in stats.files}
    for value, largest in given.largest.items():
        if value in there:
            of = "" if value is None else f" of partition {value}"
            most = f"{largest / MIB:.1f} MiB"
            yield f"merges{of} have at most {most} for a day: a larger one took too much memory or time"


def _orphans_rest(given: Given, now: datetime) -> bool:
    """Every search lists the whole table, and until somebody has looked each finds the same."""
    return given.orphans_left is not None and now - given.orphans_left < _ORPHANS_REST


def _left(given: Given, now: datetime) -> Iterator[str]:
    if given.orphans_left is not None and _orphans_rest(given, now):
        again = given.orphans_left + _ORPHANS_REST
        yield f"orphans wait until {again:%Y-%m-%d %H:%M} UTC: there were more than may go without being looked at"


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
    if _orphans_rest(given, now):
        return
    if given.orphans_at is None or now - given.orphans_at > timedelta(days=policy.orphans_days):
        since = "never" if given.orphans_at is None else f"on {given.orphans_at:%Y-%m-%d}"
        yield Job(JobKind.ORPHANS, f"files that no version names were looked for {since}")
