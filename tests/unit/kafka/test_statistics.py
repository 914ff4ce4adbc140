import pytest
from msgspec import DecodeError

from headrace.kafka.statistics import parse_statistics


def test_the_slowest_broker_counts_and_those_that_were_not_asked_do_not() -> None:
    text = """{"name": "c", "rxmsg_bytes": 42, "topics": {"t": {"partitions": {}}}, "brokers": {
        "a:9092/1": {"nodeid": 1, "rtt": {"min": 1, "cnt": 3, "p50": 1500, "p99": 90000}},
        "b:9092/2": {"nodeid": 2, "rtt": {"cnt": 9, "p50": 2500, "p99": 4000}},
        "c:9092/bootstrap": {"nodeid": -1, "rtt": {"cnt": 0, "p50": 9999999, "p99": 9999999}}}}"""
    statistics = parse_statistics(text)
    assert statistics.rxmsg_bytes == 42
    assert statistics.round_trips() == pytest.approx({"0.5": 0.0025, "0.99": 0.09})


def test_without_an_answer_there_are_no_round_trips() -> None:
    assert parse_statistics('{"brokers": {"a": {"rtt": {"cnt": 0}}}}').round_trips() == {}
    assert parse_statistics("{}").round_trips() == {}


def test_what_is_no_report_is_refused() -> None:
    with pytest.raises(DecodeError):
        parse_statistics('{"rxmsg_bytes": "many"}')
