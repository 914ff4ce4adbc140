import logging
from collections.abc import Callable

import pytest
from confluent_kafka import KafkaError

from headrace.connection import KafkaSettings
from headrace.errors import BrokerUnreachableError, ConfigError
from headrace.kafka.admin import TopicAdmin
from headrace.kafka.client import ClientErrors, client_properties, connection_properties, translate
from headrace.kafka.consumer import KafkaConsumer
from headrace.kafka.reader import TopicReader
from headrace.kafka.topics import TopicClient


def test_broker_must_be_named_for_a_client_and_not_for_a_connection() -> None:
    with pytest.raises(ConfigError, match="set HEADRACE_KAFKA__BOOTSTRAP_SERVERS"):
        client_properties(KafkaSettings())
    assert "bootstrap.servers" not in connection_properties(KafkaSettings())
    assert client_properties(KafkaSettings(bootstrap_servers="a:1"))["bootstrap.servers"] == "a:1"


@pytest.mark.parametrize("name", ["isolation.level", "enable.auto.commit", "bootstrap.servers"])
def test_property_that_a_guarantee_rests_on_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"may not set {name}: exactly once rests on them"):
        client_properties(KafkaSettings(bootstrap_servers="a:1", client={name: "x"}))


@pytest.mark.parametrize(
    "name",
    [
        "BROKER_NOT_AVAILABLE",
        "COORDINATOR_LOAD_IN_PROGRESS",
        "COORDINATOR_NOT_AVAILABLE",
        "LEADER_NOT_AVAILABLE",
        "NETWORK_EXCEPTION",
        "NOT_CONTROLLER",
        "NOT_COORDINATOR",
        "NOT_LEADER_FOR_PARTITION",
        "OFFSET_NOT_AVAILABLE",
        "REQUEST_TIMED_OUT",
        "_ALL_BROKERS_DOWN",
        "_RESOLVE",
        "_TIMED_OUT",
        "_TRANSPORT",
    ],
)
def test_what_brokers_answer_while_they_move_is_transient(name: str) -> None:
    failure = translate(KafkaError(getattr(KafkaError, name)), "reading topic trades")

    assert type(failure) is BrokerUnreachableError
    assert str(failure).startswith("reading topic trades failed: ")


@pytest.mark.parametrize(
    "make",
    [
        lambda kafka: TopicClient(kafka, "trades"),
        lambda kafka: TopicReader(kafka, "trades"),
        lambda kafka: KafkaConsumer(kafka, "trades", group_id="g", queue_kib=1024),
        lambda kafka: TopicAdmin(client_properties(kafka)),
    ],
    ids=["topic", "reader", "consumer", "admin"],
)
def test_property_that_librdkafka_does_not_know_is_named(make: Callable[[KafkaSettings], object]) -> None:
    kafka = KafkaSettings(bootstrap_servers="localhost:1", client={"bogus": "x"})

    with pytest.raises(ConfigError, match=r'property: "bogus"\. Check HEADRACE_KAFKA__CLIENT'):
        make(kafka)


def test_error_is_logged_once_until_another_comes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "headrace.librdkafka")
    down, unresolved = KafkaError(KafkaError._TRANSPORT), KafkaError(KafkaError._RESOLVE)
    report = ClientErrors()

    for error in (down, down, unresolved, unresolved, down):
        report(error)

    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "_TRANSPORT",
        "_RESOLVE",
        "_TRANSPORT",
    ]
