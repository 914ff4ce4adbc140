"""How long a table keeps what its newest version does not need. Its properties say so, and no setting of a process."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from headrace.errors import WrongTableError

TIME_TRAVEL = "headrace.time_travel"
"""Property: for how long the last version of each UTC day can be read."""

FILE_RETENTION = timedelta(days=7)
LOG_RETENTION = timedelta(days=30)
"""What a table has where its properties say nothing; files are kept for so long even where they say less."""

FILES_PROPERTY = "delta.deletedFileRetentionDuration"
LOG_PROPERTY = "delta.logRetentionDuration"
_INTERVAL = re.compile(r"\A(?:interval\s+)?(\d+)\s+(second|minute|hour|day|week)s?\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Retention:
    """For how long a table keeps what.

    Attributes:
        files: that left it.
        log: commits; never shorter than `daily`.
        daily: the last version of each UTC day, with its files; None if none is kept beyond `files`.
    """

    files: timedelta
    log: timedelta
    daily: timedelta | None


def retention_of(properties: Mapping[str, str], where: str) -> Retention:
    """What the properties of the table at `where` say.

    Raises:
        WrongTableError: one of them is no length of time.
    """
    asked = (FILES_PROPERTY, LOG_PROPERTY, TIME_TRAVEL)
    found = {name: _length(properties[name], name, where) for name in asked if name in properties}
    daily = found.get(TIME_TRAVEL)
    return Retention(
        files=max(FILE_RETENTION, found.get(FILES_PROPERTY, FILE_RETENTION)),
        log=max(found.get(LOG_PROPERTY, LOG_RETENTION), daily or timedelta(0)),
        daily=daily,
    )


def retention_properties(time_travel_days: int) -> Mapping[str, str]:
    """Properties of a new table.

    Args:
        time_travel_days: for how many days the last version of each day is kept; 0 for none.
    """
    log = max(LOG_RETENTION, timedelta(days=time_travel_days))
    found = {FILES_PROPERTY: f"interval {FILE_RETENTION.days} days", LOG_PROPERTY: f"interval {log.days} days"}
    return found | ({TIME_TRAVEL: f"interval {time_travel_days} days"} if time_travel_days else {})


def _length(text: str, name: str, where: str) -> timedelta:
    found = _INTERVAL.match(text.strip())
    if found is None:
        msg = f"{where} has {name}={text}, which is not of the form 'interval 7 days': correct that property"
        raise WrongTableError(msg)
    return timedelta(**{f"{found[2].lower()}s": int(found[1])})
