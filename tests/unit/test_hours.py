"""Hours of the day, in a time zone."""

from datetime import UTC, datetime

import pytest

from headrace.hours import DailyHours


@pytest.mark.parametrize(
    ("text", "at", "holds"),
    [
        ("22:00-06:00 UTC", "2026-03-02T22:00", True),
        ("22:00-06:00 UTC", "2026-03-02T05:59", True),
        ("22:00-06:00 UTC", "2026-03-02T06:00", False),
        ("01:00-02:30 UTC", "2026-03-02T02:29", True),
        ("01:00-02:30 UTC", "2026-03-02T00:59", False),
        ("22:00-06:00 Europe/Berlin", "2026-01-10T21:30", True),  # 22:30 there
        ("22:00-06:00 Europe/Berlin", "2026-07-10T20:30", True),  # 22:30 there, in summer
        ("22:00-06:00 Europe/Berlin", "2026-07-10T04:30", False),  # 06:30 there
    ],
)
def test_hours_are_those_of_the_clocks_on_the_wall(text: str, at: str, holds: bool) -> None:
    assert DailyHours.parse(text).holds(datetime.fromisoformat(at).replace(tzinfo=UTC)) is holds


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("22:00-06:00", "two times of the day and a time zone"),
        ("22-6 UTC", "two times of the day and a time zone"),
        ("24:30-06:00 UTC", "hour must be in"),
        ("22:00-22:00 UTC", "begins when it ends"),
        ("22:00-06:00 Mars/Olympus", "knows no time zone 'Mars/Olympus'; UTC is always known"),
        ("22:00-06:00 ../../etc/passwd", "knows no time zone"),
    ],
)
def test_what_is_no_such_hours_says_what_is_wrong(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        DailyHours.parse(text)
