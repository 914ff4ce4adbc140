import pytest

from headrace.offsets import OffsetRange
from headrace_ingest.freshness import BrokerOffsets, Freshness

NOW = 1_000_000.0


def offsets(end: int, *, asked_at: float = NOW) -> BrokerOffsets:
    return BrokerOffsets(OffsetRange(0, end), asked_at)


@pytest.fixture
def freshness() -> Freshness:
    return Freshness()


def test_nothing_is_known_before_the_first_commit_or_comparison(freshness: Freshness) -> None:
    freshness.compare(5, offsets(10))
    assert freshness.watermark is None


def test_idle_is_fresh_however_old_the_newest_record_is(freshness: Freshness) -> None:
    freshness.landed(int((NOW - 86_400) * 1000), NOW)
    freshness.compare(10, offsets(10))
    assert freshness.watermark == NOW


def test_idle_is_as_fresh_as_the_brokers_last_answer(freshness: Freshness) -> None:
    freshness.compare(10, offsets(10, asked_at=NOW - 60))
    assert freshness.watermark == NOW - 60


def test_while_catching_up_the_newest_durable_record_counts(freshness: Freshness) -> None:
    for age in (7200, 3600, 1800):
        freshness.landed(int((NOW - age) * 1000), NOW)
        freshness.compare(5, offsets(10))
        assert freshness.watermark == NOW - age


def test_a_record_on_a_quiet_topic_does_not_make_it_stale_at_once(freshness: Freshness) -> None:
    freshness.landed(int((NOW - 86_400) * 1000), NOW)
    freshness.compare(10, offsets(10, asked_at=NOW))
    freshness.compare(10, offsets(11, asked_at=NOW + 5))
    assert freshness.watermark == NOW


def test_standing_still_with_records_to_go_the_watermark_stands_too(freshness: Freshness) -> None:
    freshness.landed(int((NOW - 10) * 1000), NOW)
    for second in range(100):
        freshness.compare(5, offsets(10, asked_at=NOW + second))
    assert freshness.watermark == NOW - 10


def test_a_timestamp_from_the_future_hides_nothing_for_longer_than_its_batch(freshness: Freshness) -> None:
    freshness.landed(int((NOW + 1e9) * 1000), NOW)
    assert freshness.watermark == NOW
    freshness.landed(int((NOW - 3600) * 1000), NOW + 1)
    assert freshness.watermark == NOW - 3600


def test_records_without_a_timestamp_change_nothing(freshness: Freshness) -> None:
    freshness.landed(int((NOW - 10) * 1000), NOW)
    freshness.landed(-1, NOW)
    assert freshness.watermark == NOW - 10


def test_a_wall_clock_that_was_ahead_does_not_hide_that_the_worker_stands_still(freshness: Freshness) -> None:
    freshness.landed(int((NOW - 10) * 1000), NOW)
    freshness.compare(10, offsets(10, asked_at=NOW + 3600))
    freshness.compare(10, offsets(11, asked_at=NOW))
    assert freshness.watermark == NOW - 10
