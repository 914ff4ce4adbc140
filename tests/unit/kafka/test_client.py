import logging
from collections.abc import Callable

import pytest
from confluent_kafka import KafkaError

from headrace.connection import KafkaSettings
from headrace.errors import AnotherWriterError, BrokerUnreachableError, ConfigError, InvariantError, MemberIdInUseError
from headrace.kafka.admin import TopicAdmin
from headrace.kafka.client import ClientErrors, client_properties, connection_properties, translate
from headrace.kafka.consumer import GroupMember, KafkaConsumer
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


def test_property_that_has_a_setting_of_its_own_is_sent_there() -> None:
    with pytest.raises(ConfigError, match=r"sets group\.protocol: set HEADRACE_KAFKA__GROUP_PROTOCOL instead"):
        client_properties(KafkaSettings(bootstrap_servers="a:1", client={"group.protocol": "consumer"}))


@pytest.mark.parametrize(
    ("name", "failure", "advice"),
    [
        ("FENCED_INSTANCE_ID", AnotherWriterError, "give each its own"),
        ("UNRELEASED_INSTANCE_ID", MemberIdInUseError, "start again after that"),
        ("UNSUPPORTED_VERSION", ConfigError, "consumer needs Kafka 4.0"),
        ("GROUP_ID_NOT_FOUND", ConfigError, "may be migrated"),
        ("INCONSISTENT_GROUP_PROTOCOL", ConfigError, "may be migrated"),
        ("INVALID_SESSION_TIMEOUT", ConfigError, "Set HEADRACE_KAFKA__SESSION_TIMEOUT_MS within"),
        ("GROUP_MAX_SIZE_REACHED", ConfigError, "start fewer workers"),
    ],
)
def test_what_a_group_refuses_is_named_with_a_way_out(name: str, failure: type[Exception], advice: str) -> None:
    told = translate(KafkaError(getattr(KafkaError, name)), "reading topic trades")

    assert type(told) is failure
    assert advice in str(told)


def test_what_ended_a_client_is_named_instead_of_that_it_ended() -> None:
    told = KafkaError(KafkaError.FENCED_INSTANCE_ID).str()
    ended = KafkaError(KafkaError._FATAL, f"Fatal error: {told}: Fatal consumer error: {told}")

    assert isinstance(translate(ended, "reading topic trades"), AnotherWriterError)
    assert type(translate(KafkaError(KafkaError._FATAL), "reading topic trades")) is InvariantError


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
        lambda kafka: KafkaConsumer(kafka, "trades", GroupMember("g"), queue_kib=1024),
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
    login, ssl = KafkaError(KafkaError._AUTHENTICATION), KafkaError(KafkaError._SSL)
    report = ClientErrors()

    for error in (login, login, ssl, ssl, login):
        report(error)

    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "_AUTHENTICATION",
        "_SSL",
        "_AUTHENTICATION",
    ]
