from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from headrace.connection import KafkaSettings
from headrace.errors import AccessDeniedError
from headrace.kafka.embedded import EmbeddedBroker
from headrace.kafka.topics import TopicClient

WHEN = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


@pytest.fixture
def refused() -> Iterator[TopicClient]:
    """A client whose login the broker, which knows no logins, refuses."""
    with EmbeddedBroker() as broker:
        kafka = KafkaSettings(
            bootstrap_servers=broker.bootstrap_servers,
            request_timeout_seconds=5,
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism="PLAIN",
            sasl_username="worker",
            sasl_password="wrong",
            client={"log_level": "0", "reconnect.backoff.ms": "200"},
        )
        client = TopicClient(kafka, "trades")
        try:
            yield client
        finally:
            client.close()


@pytest.mark.parametrize(
    "ask",
    [TopicClient.identity, lambda client: client.watermarks(0), lambda client: client.positions_at(WHEN, [0])],
    ids=["identity", "watermarks", "positions"],
)
def test_refused_login_is_no_time_out_whatever_is_asked(
    refused: TopicClient, ask: Callable[[TopicClient], object]
) -> None:
    with pytest.raises(AccessDeniedError, match="HEADRACE_KAFKA__SASL_"):
        ask(refused)
