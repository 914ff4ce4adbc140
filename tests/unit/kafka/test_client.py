import pytest

from headrace.connection import KafkaSettings
from headrace.errors import ConfigError
from headrace.kafka.client import client_properties, connection_properties


def test_broker_must_be_named_for_a_client_and_not_for_a_connection() -> None:
    with pytest.raises(ConfigError, match="set HEADRACE_KAFKA__BOOTSTRAP_SERVERS"):
        client_properties(KafkaSettings())
    assert "bootstrap.servers" not in connection_properties(KafkaSettings())
    assert client_properties(KafkaSettings(bootstrap_servers="a:1"))["bootstrap.servers"] == "a:1"


@pytest.mark.parametrize("name", ["isolation.level", "enable.auto.commit", "bootstrap.servers"])
def test_property_that_a_guarantee_rests_on_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"may not set {name}: exactly once rests on them"):
        client_properties(KafkaSettings(bootstrap_servers="a:1", client={name: "x"}))
