import pytest

from headrace.errors import QuarantineLimitError
from headrace.testing.numbers import number_rows
from headrace_ingest.batch import Batch, Span
from headrace_ingest.flush import FlushPolicy, QuarantineGauge, QuarantineLimit, Trigger

POLICY = FlushPolicy(rows=100, size=1_000_000, seconds=2.0, resident=500)


def _batch(rows: int, *, size: int = 1) -> Batch:
    batch = Batch()
    batch.account({0: Span(0, max(1, rows))}, 10.0)
    if rows:
        batch.add_rows(number_rows(0, range(rows)))
    batch.size = size
    return batch


@pytest.mark.parametrize(
    ("batch", "now", "resident", "expected"),
    [
        (_batch(99), 11.9, 500, None),
        (_batch(100), 10.0, 0, Trigger.ROWS),
        (_batch(1, size=999_999), 10.0, 0, None),
        (_batch(1, size=1_000_000), 10.0, 0, Trigger.BYTES),
        (_batch(1), 12.0, 0, Trigger.AGE),
        (_batch(0), 12.0, 0, Trigger.AGE),
        (_batch(1, size=100_001), 10.0, 501, Trigger.MEMORY),
        (_batch(1, size=100_001), 10.0, 500, None),
        (_batch(1, size=100_000), 10.0, 10_000, None),
        (Batch(), 1_000.0, 10_000, None),
    ],
    ids=[
        "nothing reached",
        "rows",
        "below bytes",
        "bytes",
        "age",
        "age of a gap",
        "memory",
        "memory at its limit",
        "too small for memory",
        "empty",
    ],
)
def test_first_limit_reached_flushes(batch: Batch, now: float, resident: int, expected: Trigger | None) -> None:
    assert POLICY.due(batch, now, resident) == expected


def _gauge(*, ratio: float = 0.5, window: int = 100, consecutive: int = 1_000) -> QuarantineGauge:
    return QuarantineGauge(QuarantineLimit(ratio, window, consecutive))


def _first(count: int) -> list[int]:
    return list(range(count))


def test_share_is_not_judged_before_the_window_is_full() -> None:
    gauge = _gauge()
    gauge.count(99, _first(99), reason="x")
    with pytest.raises(QuarantineLimitError, match="99% of the last 100"):
        gauge.count(1, [], reason="x")


def test_share_at_the_limit_is_allowed_and_beyond_it_stops() -> None:
    gauge = _gauge()
    gauge.count(100, _first(50), reason="")
    with pytest.raises(QuarantineLimitError, match=r"51% .*for example: not_json: at byte 3\. .*nothing was skipped"):
        _gauge().count(100, _first(51), reason="not_json: at byte 3")


def test_old_polls_leave_the_window() -> None:
    gauge = _gauge()
    gauge.count(100, _first(50), reason="")
    gauge.count(100, [], reason="")
    gauge.count(100, _first(50), reason="")
    gauge.count(50, [], reason="")
    with pytest.raises(QuarantineLimitError):
        gauge.count(100, _first(60), reason="")


def test_good_past_does_not_outweigh_a_bad_window() -> None:
    gauge = _gauge()
    for _ in range(50):
        gauge.count(100, [], reason="")
    with pytest.raises(QuarantineLimitError):
        gauge.count(100, _first(90), reason="")


def test_run_of_rejects_is_followed_over_polls() -> None:
    gauge = _gauge(ratio=1.0, consecutive=10)
    gauge.count(10, [5, 6, 7, 8, 9], reason="")
    gauge.count(4, _first(4), reason="")
    with pytest.raises(QuarantineLimitError, match="10 records in a row were bad"):
        gauge.count(1, [0], reason="")


def test_one_good_record_ends_a_run() -> None:
    gauge = _gauge(ratio=1.0, consecutive=10)
    gauge.count(9, _first(9), reason="")
    gauge.count(2, [1], reason="")
    gauge.count(9, [0, *range(2, 9)], reason="")


def test_run_inside_a_poll_counts() -> None:
    gauge = _gauge(ratio=1.0, consecutive=10)
    with pytest.raises(QuarantineLimitError, match="12 records in a row were bad"):
        gauge.count(100, list(range(40, 52)), reason="")


def test_polls_without_records_do_not_count() -> None:
    gauge = _gauge()
    gauge.count(0, [], reason="")
    gauge.count(100, [], reason="")
    gauge.count(0, [], reason="")
