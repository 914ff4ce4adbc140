import pytest
from confluent_kafka import KafkaError

from headrace.kafka.messages import is_passing


@pytest.mark.parametrize(
    "code",
    [
        KafkaError._TRANSPORT,
        KafkaError._TIMED_OUT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.REQUEST_TIMED_OUT,
    ],
)
def test_what_the_client_mends_by_itself_is_passing(code: int) -> None:
    assert is_passing(KafkaError(code))


def test_error_that_may_be_retried_is_passing_unless_it_is_fatal() -> None:
    assert is_passing(KafkaError(KafkaError._STATE, "", retriable=True))
    assert not is_passing(KafkaError(KafkaError._STATE, "", fatal=True, retriable=True))


@pytest.mark.parametrize(
    "code",
    [
        KafkaError._PARTITION_EOF,
        KafkaError._AUTO_OFFSET_RESET,
        KafkaError.OFFSET_OUT_OF_RANGE,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._BAD_MSG,
    ],
)
def test_what_stays_is_not_passing(code: int) -> None:
    assert not is_passing(KafkaError(code))
