"""How long a table keeps things, by its properties."""

from datetime import timedelta

import pytest

from headrace.errors import WrongTableError
from headrace.lake.retention import TIME_TRAVEL, Retention, retention_of, retention_properties


def days(files: int, log: int, daily: int | None) -> Retention:
    return Retention(timedelta(days=files), timedelta(days=log), None if daily is None else timedelta(days=daily))


@pytest.mark.parametrize(
    ("chosen", "kept"), [(0, days(7, 30, None)), (8, days(7, 30, 8)), (90, days(7, 90, 90))], ids=str
)
def test_what_a_table_is_made_with_is_what_it_keeps(chosen: int, kept: Retention) -> None:
    assert retention_of(retention_properties(chosen), "t") == kept


def test_a_table_without_properties_keeps_what_others_keep() -> None:
    assert retention_of({}, "t") == days(7, 30, None)


def test_another_tool_cannot_lower_files_below_a_week_nor_the_log_below_time_travel() -> None:
    lowered = {
        TIME_TRAVEL: "interval 90 days",
        "delta.deletedFileRetentionDuration": "interval 1 hours",
        "delta.logRetentionDuration": "1 week",
    }
    assert retention_of(lowered, "t") == days(7, 90, 90)


@pytest.mark.parametrize("text", ["90", "interval 3 months", "a week", ""])
def test_a_length_that_nobody_understands_is_told(text: str) -> None:
    with pytest.raises(
        WrongTableError, match=f"t has {TIME_TRAVEL}={text}, which is not of the form 'interval 7 days'"
    ):
        retention_of({TIME_TRAVEL: text}, "t")
