from pathlib import Path

import pytest
from pydantic import ValidationError

from headrace.connection import KafkaSettings, problems_of
from headrace.errors import ConfigError


def test_password_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter2\n")
    kafka = KafkaSettings(
        security_protocol="SASL_SSL", sasl_mechanism="PLAIN", sasl_password_file=tmp_path / "password"
    )
    assert kafka.password() == "hunter2"
    (tmp_path / "password").unlink()
    with pytest.raises(ConfigError, match=r"SASL_PASSWORD_FILE .* cannot be read: No such file"):
        kafka.password()


def test_no_password_is_none() -> None:
    assert KafkaSettings().password() is None


def test_problems_name_the_variable_and_no_value() -> None:
    with pytest.raises(ValidationError) as caught:
        KafkaSettings.model_validate({"session_timeout_ms": 1, "sasl_mechanism": "hunter2"})
    told = problems_of(caught.value, "kafka")
    assert "HEADRACE_KAFKA__SESSION_TIMEOUT_MS: Input should be greater" in told
    assert "HEADRACE_KAFKA__SASL_MECHANISM: Input should be 'PLAIN'" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("protocol", "unused"),
    [
        ("PLAINTEXT", ("kafka.sasl_username", "kafka.sasl_password", "kafka.ssl_ca_location")),
        ("SSL", ("kafka.sasl_username", "kafka.sasl_password")),
        ("SASL_PLAINTEXT", ("kafka.ssl_ca_location",)),
        ("SASL_SSL", ()),
    ],
)
def test_settings_without_effect_are_told(protocol: str, unused: tuple[str, ...]) -> None:
    mechanism = {"sasl_mechanism": "PLAIN"} if protocol.startswith("SASL") else {}
    given = {"sasl_username": "me", "sasl_password": "hunter2", "ssl_ca_location": "/ca.pem"}
    assert KafkaSettings.model_validate({"security_protocol": protocol} | mechanism | given).unused() == unused
    asked = KafkaSettings(sasl_username="me", client={"security.protocol": "sasl_ssl", "sasl.mechanism": "PLAIN"})
    assert asked.unused() == ()


def test_under_the_newer_protocol_the_brokers_decide_on_sessions() -> None:
    assert KafkaSettings(group_protocol="consumer").group_protocol == "consumer"
    with pytest.raises(ValidationError, match="unset HEADRACE_KAFKA__SESSION_TIMEOUT_MS"):
        KafkaSettings(group_protocol="consumer", session_timeout_ms=6_000)
