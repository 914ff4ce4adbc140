"""From what the writer hands back to numbers."""

from collections import Counter
from concurrent.futures import Future

import pytest

from headrace.metrics import ingest
from headrace.metrics.metric import Metric
from headrace.testing.manual_clock import ManualClock
from headrace_ingest.batch import Batch, Span
from headrace_ingest.flight import Flight
from headrace_ingest.flush import Trigger
from headrace_ingest.flushed import FailedAttempt, FailureKind, Flushed
from headrace_ingest.intake import Lease
from headrace_ingest.metrics import WorkerMetrics


class _Worker:
    """Metrics of a worker, and one batch of two partitions."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.metrics = WorkerMetrics("numbers", "n", self.clock, stall_seconds=60, partition_detail=True)
        self.leases = {p: Lease(p, 1, 10, 0) for p in (0, 1)}
        self.batch = Batch()
        now_ms = int(self.clock.now().timestamp() * 1000)
        spans = {p: Span(0, 10, gap_records=p, oldest_ms=now_ms - 3_000, newest_ms=now_ms - 1_000) for p in (0, 1)}
        self.batch.account(spans, 0.0)

    def flushed(self, flushed: Flushed) -> None:
        self.metrics.flushed(Flight(self.batch, self.leases, Trigger.AGE, Future(), 0.0), flushed)

    def count(self, metric: Metric, suffix: str = "", **labels: str) -> float | None:
        given = {"table": "numbers", "topic": "n", **labels}
        wanted = {name: given[name] for name in metric.labels}
        return self.metrics.registry.get_sample_value(metric.name + suffix, wanted)


@pytest.fixture
def worker() -> _Worker:
    return _Worker()


def test_a_flush_moves_freshness_delay_and_gaps_of_what_is_durable(worker: _Worker) -> None:
    worker.flushed(Flushed(positions={1: 10}, dropped={0: 7}, version=3, attempts=1))
    now = worker.clock.now().timestamp()
    assert (worker.leases[1].freshness.watermark, worker.leases[0].freshness.watermark) == (now - 1, None)
    assert worker.count(ingest.RECORD_DELAY, "_count", phase="catchup") == 1
    assert worker.count(ingest.RECORD_DELAY, "_sum", phase="catchup") == pytest.approx(3)
    assert worker.count(ingest.OFFSET_GAPS) == 1
    assert worker.count(ingest.FENCED, reason="delta_txn") == 1
    assert (worker.count(ingest.DELTA_VERSION), worker.count(ingest.COMMITS, operation="append")) == (3, 1)
    assert worker.count(ingest.COMMIT_DURATION, "_count") == 1


def test_once_caught_up_delays_are_those_of_a_live_stream(worker: _Worker) -> None:
    worker.leases[0].freshness.caught_up_at = 1.0
    worker.flushed(Flushed(positions={0: 10, 1: 10}, version=3, attempts=1))
    counts = [worker.count(ingest.RECORD_DELAY, "_count", phase=phase) for phase in ("live", "catchup")]
    assert counts == [1, 1]


def test_the_last_failure_landed_if_no_attempt_came_after_it(worker: _Worker) -> None:
    failures = [FailedAttempt("numbers", FailureKind.CONFLICT), FailedAttempt("numbers", FailureKind.STORE)]
    worker.flushed(Flushed(positions={0: 10}, version=3, attempts=2, failures=failures))
    assert worker.count(ingest.OUTCOME_UNKNOWN, resolution="landed") == 1
    assert worker.count(ingest.OUTCOME_UNKNOWN, resolution="not_landed") == 1
    assert worker.count(ingest.COMMIT_FAILURES, reason="conflict") == 1
    assert worker.count(ingest.COMMIT_FAILURES, reason="store") == 1
    # How long it took nobody knows.
    assert worker.count(ingest.COMMIT_DURATION, "_count") == 0


def test_failures_before_an_attempt_that_went_well_did_not_land(worker: _Worker) -> None:
    failures = [FailedAttempt("numbers", FailureKind.CONFLICT)]
    worker.flushed(Flushed(positions={0: 10}, version=3, attempts=2, failures=failures))
    assert worker.count(ingest.OUTCOME_UNKNOWN, resolution="landed") == 0
    assert worker.count(ingest.OUTCOME_UNKNOWN, resolution="not_landed") == 1
    assert worker.count(ingest.COMMIT_ATTEMPTS) == 2


def test_a_batch_that_was_dropped_whole_is_no_commit(worker: _Worker) -> None:
    failures = [FailedAttempt("numbers__quarantine", FailureKind.FENCED)]
    worker.flushed(Flushed(dropped={0: 7, 1: 7}, attempts=1, failures=failures))
    assert worker.count(ingest.COMMITS, operation="append") == 0
    assert worker.count(ingest.OUTCOME_UNKNOWN, resolution="not_landed") == 1
    assert worker.count(ingest.COMMIT_FAILURES, table="numbers__quarantine", reason="fenced") == 1


def test_rejects_are_counted_by_reason_and_their_commit_as_the_quarantines(worker: _Worker) -> None:
    worker.flushed(Flushed(positions={0: 10}, version=3, attempts=1, quarantined=Counter(tombstone=2, oversize=1)))
    assert worker.count(ingest.QUARANTINED_RECORDS, reason="tombstone") == 2
    assert worker.count(ingest.QUARANTINED_RECORDS, reason="oversize") == 1
    assert worker.count(ingest.COMMITS, table="numbers__quarantine", operation="append") == 1
