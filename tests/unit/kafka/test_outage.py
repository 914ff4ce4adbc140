"""What the clients of a worker log while no broker answers."""

import logging
from collections.abc import Mapping, Sequence

import pytest
from confluent_kafka import KafkaError

from headrace.connection import KafkaSettings
from headrace.errors import BrokerUnreachableError
from headrace.kafka.client import client_properties
from headrace.kafka.consumer import ByHand, KafkaConsumer
from headrace.kafka.embedded import EmbeddedBroker
from headrace.kafka.outage import OutageErrors
from headrace.kafka.statistics import Statistics, parse_statistics
from headrace.kafka.topics import TopicClient
from headrace.testing.manual_clock import ManualClock
from headrace.testing.waiting import wait_until

CONNECTED = parse_statistics(b'{"brokers": {"a": {"state": "INIT"}, "b": {"state": "UP"}}}')
ONE_DOWN = parse_statistics(b'{"brokers": {"a": {"state": "DOWN"}, "b": {"state": "UP"}}}')
ONE_AWAY = parse_statistics(b'{"brokers": {"a": {"state": "CONNECT"}, "b": {"state": "UP"}}}')
AWAY = parse_statistics(b'{"brokers": {"a": {"state": "INIT"}, "b": {"state": "TRY_CONNECT"}}}')


@pytest.fixture(autouse=True)
def _every_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "headrace.librdkafka")


class Counting:
    """An observer that counts what clients report."""

    errors = 0

    def client_error(self, code: str) -> None:
        self.errors += 1

    def commit_failed(self) -> None:
        pass

    def client_statistics(self, statistics: Statistics) -> None:
        pass


class FromStart:
    """Reads every partition from its first offset."""

    def assigned(self, partitions: Sequence[int]) -> Mapping[int, int]:
        return dict.fromkeys(partitions, 0)

    def revoked(self, partitions: Sequence[int]) -> None:
        pass

    lost = revoked


def test_a_consumer_logs_one_line_of_an_outage(caplog: pytest.LogCaptureFixture) -> None:
    seen = Counting()
    with EmbeddedBroker() as broker:
        broker.ensure_topic("trades")
        kafka = KafkaSettings(bootstrap_servers=broker.bootstrap_servers)
        consumer = KafkaConsumer(kafka, "trades", ByHand((0,)), queue_kib=1024, observer=seen)
        consumer.subscribe(FromStart())
        wait_until(lambda: bool(consumer.poll(1, 0.1).ends), "the partition is read to its end")
        before = len(caplog.records)

    def failed_again() -> bool:
        consumer.poll(1, 0.1)
        return seen.errors >= 2  # of one broker it may tell no more within 30 s

    wait_until(failed_again, "a connection fails, and all brokers are down")
    consumer.close()

    [line] = caplog.messages
    assert before == 0
    assert line.startswith("connections to brokers fail, and are tried again: ")


def test_who_asks_in_vain_is_told_why_by_the_failure_alone(caplog: pytest.LogCaptureFixture) -> None:
    kafka = KafkaSettings(bootstrap_servers="127.0.0.1:1", request_timeout_seconds=5)
    client = TopicClient(kafka, "trades")

    with pytest.raises(BrokerUnreachableError, match=r"a broker listens\. The last .* failed: .*Connection refused"):
        client.identity()
    client.close()

    assert caplog.messages == []


def test_lines_of_librdkafka_come_for_who_asks_for_them() -> None:
    kafka = KafkaSettings(bootstrap_servers="a:1", client={"log_level": "6"})

    assert client_properties(kafka)["log_level"] == "6"


def test_outage_is_over_when_connections_stand_and_none_has_failed_for_a_while(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = ManualClock()
    report = OutageErrors(clock=clock)

    report.statistics(CONNECTED)
    for _ in range(20):
        report(KafkaError(KafkaError._TRANSPORT, "refused"))
    clock.advance(10)
    report.statistics(CONNECTED)
    report(KafkaError(KafkaError._RESOLVE, "no such host"))
    clock.advance(10)
    report.statistics(CONNECTED)
    clock.advance(10)
    report.statistics(AWAY)
    clock.advance(10)
    report.statistics(ONE_AWAY)
    report.statistics(ONE_DOWN)
    assert caplog.messages == ["connections to brokers fail, and are tried again: refused (_TRANSPORT)"]

    report.statistics(CONNECTED)
    report.statistics(CONNECTED)
    report(KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down"))
    assert caplog.messages[1:] == [
        "connections to brokers hold again",
        "connections to brokers fail, and are tried again: 1/1 brokers are down (_ALL_BROKERS_DOWN)",
    ]


def test_a_failure_keeps_the_last_reason_and_not_that_all_brokers_are_down() -> None:
    report = OutageErrors()
    for code, text in (
        (KafkaError._TRANSPORT, "refused"),
        (KafkaError._RESOLVE, "Failed to resolve 'nosuch:1'"),
        (KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down"),
    ):
        report(KafkaError(code, text))

    unreachable = report.translate(KafkaError(KafkaError._TIMED_OUT), "reading topic trades")
    missing = report.translate(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART), "reading topic trades")

    assert str(unreachable).endswith("The last connection that failed: Failed to resolve 'nosuch:1'")
    assert "resolve" not in str(missing)
