"""What follows from merges that needed more memory or time than they may. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from headrace.lake.upkeep.lease import Setback
from headrace.sections import MaintainSettings
from headrace_maintenance.jobs import Job

REST = timedelta(days=1)
"""So long a partition's merges stay small; then one of full size is tried again."""


def largest_merges(setbacks: Iterable[Setback], policy: MaintainSettings, now: datetime) -> Mapping[str | None, int]:
    """Weight that a merge may have at most, of each partition that had a setback: half of what was too much.

    Higher limits are a reason to try again at once.
    """
    return {each.value: each.weight // 2 for each in setbacks if _counts(each, policy, now)}


def with_setback(setbacks: Iterable[Setback], job: Job, policy: MaintainSettings, now: datetime) -> tuple[Setback, ...]:
    """`setbacks` after a job's, without those that count no more."""
    kept = (each for each in setbacks if each.value != job.value and _counts(each, policy, now))
    return (*kept, Setback(job.weight, now, policy.memory_mib, policy.merge_minutes, job.value))


def _counts(setback: Setback, policy: MaintainSettings, now: datetime) -> bool:
    more = policy.memory_mib > setback.memory_mib or policy.merge_minutes > setback.minutes
    return not more and now - setback.at < REST
