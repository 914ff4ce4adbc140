"""Which versions of a table are kept for time travel."""

from datetime import UTC, datetime, timedelta

from headrace.lake.store import StoredObject
from headrace.lake.upkeep.daily import daily_versions
from headrace.lake.upkeep.logfiles import LogFiles

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def log(*hours_ago: float, checkpoint: int | None = None, first: int = 0) -> LogFiles:
    """Versions that were made so many hours ago."""
    objects = {
        f"{version:020d}.json": StoredObject(1, NOW - timedelta(hours=hours))
        for version, hours in enumerate(hours_ago, first)
    }
    if checkpoint is not None:
        objects[f"{checkpoint:020d}.checkpoint.parquet"] = StoredObject(1, NOW)
    return LogFiles.of(objects)


def test_the_last_version_of_each_utc_day_is_kept_and_the_newest_needs_no_keeping() -> None:
    found = daily_versions(log(60.5, 60.1, 59.9, 40, 37, 36.1, 35.9, 30, 11), NOW, timedelta(days=3))
    assert found == (1, 5, 7)


def test_what_stood_when_the_time_began_is_kept_however_old_it_is() -> None:
    assert daily_versions(log(999, 500, 400, 20, 10), NOW, timedelta(days=2)) == (2, 3)


def test_versions_whose_log_is_gone_cannot_be_kept() -> None:
    assert daily_versions(log(90, 60, 30, 10, first=7, checkpoint=9), NOW, timedelta(days=9)) == (9,)


def test_of_a_day_to_which_the_clock_was_set_back_the_newest_version_is_kept() -> None:
    assert daily_versions(log(60, 30, 40, 20, 10), NOW, timedelta(days=9)) == (2, 3)
