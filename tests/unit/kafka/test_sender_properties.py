import pytest

from headrace.errors import ConfigError
from headrace.kafka.sender_properties import sender_properties


@pytest.mark.parametrize(
    "name",
    [
        "acks",
        "request.required.acks",
        "enable.idempotence",
        "enable.ssl.certificate.verification",
        "bootstrap.servers",
        "metadata.broker.list",
        "transactional.id",
        "message.timeout.ms",
        "queue.buffering.max.messages",
    ],
)
def test_property_that_a_guarantee_rests_on_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"may not set {name}"):
        sender_properties("localhost:1", {name: "0"})


def test_delivery_is_idempotent_and_acknowledged_by_all() -> None:
    properties = sender_properties("localhost:1", {"linger.ms": 50})
    assert properties["acks"] == "all"
    assert properties["enable.idempotence"] is True
    assert properties["linger.ms"] == 50
    assert properties["compression.type"] == "lz4"


def test_argument_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_KAFKA__BOOTSTRAP_SERVERS", "from-environment:1")
    assert sender_properties(None, None)["bootstrap.servers"] == "from-environment:1"
    assert sender_properties("argument:1", None)["bootstrap.servers"] == "argument:1"


def test_login_of_the_environment_is_never_sent_in_plaintext(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADRACE_KAFKA__SECURITY_PROTOCOL", raising=False)
    monkeypatch.setenv("HEADRACE_KAFKA__SASL_MECHANISM", "PLAIN")
    with pytest.raises(ConfigError, match="set HEADRACE_KAFKA__SECURITY_PROTOCOL"):
        sender_properties("localhost:1", None)
    properties = sender_properties("localhost:1", {"security.protocol": "SASL_SSL"})
    assert (properties["security.protocol"], properties["sasl.mechanism"]) == ("SASL_SSL", "PLAIN")


def test_missing_broker_is_said_with_the_variable_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADRACE_KAFKA__BOOTSTRAP_SERVERS", raising=False)
    with pytest.raises(ConfigError, match="set HEADRACE_KAFKA__BOOTSTRAP_SERVERS"):
        sender_properties(None, None)
