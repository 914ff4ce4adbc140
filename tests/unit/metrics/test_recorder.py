from collections.abc import Iterator

import pytest
from prometheus_client import generate_latest
from prometheus_client.exposition import choose_encoder
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import CollectorRegistry

from headrace.metrics.metric import Counter, Gauge, Histogram, Reading
from headrace.metrics.recorder import Recorder, Sample

SEEN = Counter("headrace_seen_total", "Seen.", ("table", "kind"), {"kind": ("good", "bad")})
ERRORS = Counter("headrace_errors_total", "Errors.", ("code",))
LIMIT = Gauge("headrace_limit_bytes", "Limit.")
SIZE = Histogram("headrace_size_bytes", "Sizes.", ("table",), {}, (1.0, 10.0))
LAG = Reading("headrace_lag_records", "Lag.", ("table", "partition"))


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def recorder(registry: CollectorRegistry) -> Recorder:
    return Recorder(registry, (SEEN, ERRORS, LIMIT, SIZE, LAG), table="trades", topic="t")


def test_what_is_known_beforehand_begins_at_0(registry: CollectorRegistry, recorder: Recorder) -> None:
    for kind in ("good", "bad"):
        assert registry.get_sample_value("headrace_seen_total", {"table": "trades", "kind": kind}) == 0
    assert registry.get_sample_value("headrace_size_bytes_count", {"table": "trades"}) == 0
    assert b"headrace_errors_total{" not in generate_latest(registry)
    recorder.add(ERRORS, code="_TRANSPORT")
    assert registry.get_sample_value("headrace_errors_total", {"code": "_TRANSPORT"}) == 1


def test_counting_setting_and_observing(registry: CollectorRegistry, recorder: Recorder) -> None:
    recorder.add(SEEN, 3, kind="good")
    recorder.add(SEEN, kind="good")
    recorder.add(SEEN, kind="bad", table="other")
    recorder.put(LIMIT, 7)
    recorder.observe(SIZE, 5)
    assert registry.get_sample_value("headrace_seen_total", {"table": "trades", "kind": "good"}) == 4
    assert registry.get_sample_value("headrace_seen_total", {"table": "other", "kind": "bad"}) == 1
    assert registry.get_sample_value("headrace_limit_bytes") == 7
    buckets = [
        registry.get_sample_value("headrace_size_bytes_bucket", {"table": "trades", "le": le})
        for le in ["1.0", "10.0", "+Inf"]
    ]
    assert buckets == [0, 1, 1]


def test_a_metric_that_the_process_does_not_report_is_refused(registry: CollectorRegistry) -> None:
    recorder = Recorder(registry, (LIMIT,))
    with pytest.raises(KeyError):
        recorder.add(SEEN, kind="good")


def test_a_missing_label_is_refused(recorder: Recorder) -> None:
    with pytest.raises(KeyError, match="kind"):
        recorder.add(SEEN)


def test_a_reading_whose_subject_is_gone_leaves_no_series(registry: CollectorRegistry, recorder: Recorder) -> None:
    held = {0: 5, 1: 7}

    def read() -> Iterator[Sample]:
        for partition, lag in held.items():
            yield Sample(LAG, lag, {"partition": str(partition)})

    recorder.read(read)
    assert registry.get_sample_value("headrace_lag_records", {"table": "trades", "partition": "1"}) == 7
    del held[1]
    assert registry.get_sample_value("headrace_lag_records", {"table": "trades", "partition": "1"}) is None
    assert registry.get_sample_value("headrace_lag_records", {"table": "trades", "partition": "0"}) == 5


def test_readings_of_several_sources_are_one_family_without_the_labels_that_they_leave_out(
    registry: CollectorRegistry, recorder: Recorder
) -> None:
    recorder.read(lambda: [Sample(LAG, 1)])
    recorder.read(lambda: [Sample(LAG, 2, {"partition": "4"})])
    text = generate_latest(registry).decode()
    assert text.count("# TYPE headrace_lag_records gauge") == 1
    (family,) = [f for f in text_string_to_metric_families(text) if f.name == "headrace_lag_records"]
    assert [(s.labels, s.value) for s in family.samples] == [
        ({"table": "trades"}, 1),
        ({"table": "trades", "partition": "4"}, 2),
    ]


def test_an_exemplar_is_shown_to_who_asks_for_openmetrics(registry: CollectorRegistry, recorder: Recorder) -> None:
    recorder.observe(SIZE, 5, {"batch": "b" * 32, "version": "17"})
    encode, _ = choose_encoder("application/openmetrics-text; version=1.0.0")
    text = encode(registry).decode()
    assert f'le="10.0",table="trades"}} 1.0 # {{batch="{"b" * 32}",version="17"}} 5.0' in text
