"""Maintenance that writes too much again, compared with what comes, writes less until it does not. Pure."""

from headrace.lake.upkeep.writes import DayOfWrites
from headrace.sections import MaintainSettings

_ENOUGH = 0.75
"""Of the bound. Between this and the bound nothing changes, so that a table does not go back and forth."""


def is_thrifty(before: bool, day: DayOfWrites, policy: MaintainSettings) -> bool:
    """Whether to write less: from above the bound of amplification until below three quarters of it.

    Args:
        before: what this said last.
        day: of the table.
        policy: has the bound.
    """
    found = day.amplification
    if found is None:
        return False
    return found > policy.amplification or (before and found >= _ENOUGH * policy.amplification)


def thrifty(policy: MaintainSettings) -> MaintainSettings:
    """The policy of a table that is written again too often: twice as many files have to gather."""
    return policy.model_copy(
        update={"compact_files": 2 * policy.compact_files, "urgent_files": 2 * policy.urgent_files}
    )


def left(day: DayOfWrites, policy: MaintainSettings) -> float:
    """Bytes that may be written again before the bound is reached."""
    if not day.appended:
        return float("inf")
    return policy.amplification * day.appended - day.rewritten


def may_begin(day: DayOfWrites, policy: MaintainSettings) -> bool:
    """Whether one job may go beyond the bound, since there is far to go to it: else one could wait for ever."""
    found = day.amplification
    return found is None or found < _ENOUGH * policy.amplification
