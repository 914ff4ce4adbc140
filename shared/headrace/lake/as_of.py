"""As of what a table is read, and the rules that find the version. No I/O: what commits say is asked of a caller."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from headrace.errors import ConfigError

CLOCKS = timedelta(minutes=5)
"""By how much the clocks of two writers may disagree: a commit may seem so much older than one before it."""


@dataclass(frozen=True, slots=True)
class KafkaPosition:
    """A Kafka position: what was known when a partition stood there.

    Attributes:
        partition: of the topic that fills the table.
        position: the next offset to read: records before it are known, it and those after it are not.
    """

    partition: int
    position: int


@dataclass(frozen=True, slots=True)
class EventTime:
    """A moment in the events' own time: what happened up to then, whenever it arrived.

    Attributes:
        moment: aware; events of that very moment count.
    """

    moment: datetime

    def __post_init__(self) -> None:
        aware(self.moment)


AsOf: TypeAlias = int | datetime | KafkaPosition | EventTime | None
"""A version, an aware commit time, a Kafka position, an event time, or None for the newest version."""


def aware(moment: datetime) -> datetime:
    """The same moment in UTC.

    Raises:
        ConfigError: it does not say where on earth.
    """
    if moment.tzinfo is None:
        msg = f"{moment.isoformat(sep=' ')} has no time zone: write datetime(..., tzinfo=UTC)"
        raise ConfigError(msg)
    return moment.astimezone(UTC)


def version_at(moment: datetime, newest: int, committed: Callable[[int], datetime | None]) -> int:
    """The state at a moment: the newest version that was, like every version before it, committed by then.

    Each commit counts by the clock of whoever made it. Where clocks disagree a later version may name an earlier time,
    so the first version that is too late ends the search, whatever comes after it.

    Args:
        moment: aware.
        newest: version.
        committed: when a version was; None where the log no longer tells, which is only so of the oldest.

    Returns:
        The version; it is one of which `committed` tells nothing, or -1, if no other was made by then.
    """
    # What is older than all clocks can disagree leaves nothing late before it; from there on each version is asked.
    found, beyond = -1, newest + 1
    while beyond - found > 1:
        middle = (found + beyond) // 2
        made = committed(middle)
        if made is None or made <= moment - CLOCKS:
            found = middle
        else:
            beyond = middle
    while found < newest and ((made := committed(found + 1)) is None or made <= moment):
        found += 1
    return found


@dataclass(frozen=True, slots=True)
class Told:
    """What a commit says of one partition.

    Attributes:
        position: of it after the commit; None if the commit did not move it.
        start: of it before, where the commit says so.
    """

    position: int | None = None
    start: int | None = None


def version_reaching(position: int, newest: int, told: Callable[[int], Told | None]) -> int:
    """The first version at which a partition stands at `position` or beyond it.

    Positions only grow, so the log is halved again and again. A commit that does not move the partition says nothing:
    the nearest one before it that does is looked for.

    Args:
        position: that the newest version has reached.
        newest: version.
        told: what a commit says; None if the log no longer tells, which is only so of the oldest.

    Returns:
        The version; `newest + 1` if no commit that is left moved the partition so far.
    """
    before, found = -1, newest + 1
    while found - before > 1:
        middle = version = (before + found) // 2
        while version > before and (said := told(version)) is not None and said.position is None:
            version -= 1
        if version > before and said is not None and said.position is not None and said.position >= position:
            found = version
        else:
            before = middle
    return found
