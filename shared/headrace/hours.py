"""Hours of the day, told with their time zone: `22:00-06:00 Europe/Berlin`."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, tzinfo
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_FORM = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d) (\S+)")


@dataclass(frozen=True, slots=True)
class DailyHours:
    """From `begin` to before `end` on every day of a time zone, over midnight where `end` is the earlier one."""

    begin: time
    end: time
    zone: tzinfo

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads `22:00-06:00 Europe/Berlin`.

        Raises:
            ValueError: it is not of that form, or this machine does not know the time zone.
        """
        found = _FORM.fullmatch(text)
        if found is None:
            msg = f"{text!r} is not of the form '22:00-06:00 Europe/Berlin': two times of the day and a time zone"
            raise ValueError(msg)
        begin, end = (time.fromisoformat(each) for each in found.groups()[:2])
        if begin == end:
            msg = f"{text!r} begins when it ends: leave the setting away for all hours of the day"
            raise ValueError(msg)
        return cls(begin, end, _zone(found[3]))

    def holds(self, now: datetime) -> bool:
        """Whether `now`, aware, lies in these hours; by what clocks on the wall show, so that they move with them."""
        at = now.astimezone(self.zone).time()
        if self.begin < self.end:
            return self.begin <= at < self.end
        return at >= self.begin or at < self.end


def _zone(name: str) -> tzinfo:
    if name == "UTC":  # known without a database of time zones
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        msg = f"this machine knows no time zone {name!r}; UTC is always known"
        raise ValueError(msg) from None
