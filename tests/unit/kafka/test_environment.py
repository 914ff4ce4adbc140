from collections.abc import Mapping
from pathlib import Path

import pytest

from headrace.errors import ConfigError
from headrace.kafka.client import Properties, connection_properties
from headrace.kafka.environment import connection_from_environment


def properties_from(environment: Mapping[str, str]) -> Properties:
    """What the client is told, but for where and what it logs."""
    properties = connection_properties(connection_from_environment(environment))
    return {name: value for name, value in properties.items() if name not in ("logger", "log_level")}


def test_variables_of_the_workers_become_client_properties() -> None:
    assert properties_from(
        {
            "HEADRACE_KAFKA__BOOTSTRAP_SERVERS": "kafka:9093",
            "HEADRACE_KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
            "HEADRACE_KAFKA__SASL_MECHANISM": "SCRAM-SHA-512",
            "HEADRACE_KAFKA__SASL_USERNAME": "bot",
            "HEADRACE_KAFKA__SASL_PASSWORD": "secret",
            "HEADRACE_KAFKA__SSL_CA_LOCATION": "",
            "HEADRACE_KAFKA__GROUP_ID": "workers-only",
        }
    ) == {
        "bootstrap.servers": "kafka:9093",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "bot",
        "sasl.password": "secret",
    }


def test_password_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("from file\n")
    found = properties_from({"HEADRACE_KAFKA__SASL_PASSWORD_FILE": str(file)})
    assert found == {"security.protocol": "PLAINTEXT", "sasl.password": "from file"}


def test_missing_password_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere cannot be read: No such file"):
        properties_from({"HEADRACE_KAFKA__SASL_PASSWORD_FILE": str(tmp_path / "nowhere")})


def test_two_passwords_are_refused_without_repeating_either() -> None:
    with pytest.raises(ConfigError) as caught:
        connection_from_environment(
            {"HEADRACE_KAFKA__SASL_PASSWORD": "hidden", "HEADRACE_KAFKA__SASL_PASSWORD_FILE": "f"}
        )
    assert "hidden" not in str(caught.value)


LOGIN = {
    "HEADRACE_KAFKA__SASL_MECHANISM": "SCRAM-SHA-512",
    "HEADRACE_KAFKA__SASL_USERNAME": "bot",
    "HEADRACE_KAFKA__SASL_PASSWORD": "secret",
}


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        (LOGIN, "set HEADRACE_KAFKA__SECURITY_PROTOCOL to SASL_SSL or SASL_PLAINTEXT"),
        ({"HEADRACE_KAFKA__SECURITY_PROTOCOL": "SASL_SSL"}, "needs HEADRACE_KAFKA__SASL_MECHANISM"),
        ({"HEADRACE_KAFKA__SECURITY_PROTOCOL": "TLS"}, "HEADRACE_KAFKA__SECURITY_PROTOCOL: Input should be"),
    ],
)
def test_variables_that_stop_a_worker_stop_a_bot(environment: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        connection_from_environment(environment)
    assert "secret" not in str(caught.value)


def test_protocol_told_elsewhere_goes_with_the_login_of_the_environment() -> None:
    found = connection_from_environment(LOGIN, protocol_is_told=True)
    assert (found.sasl_mechanism, found.sasl_username, found.password()) == ("SCRAM-SHA-512", "bot", "secret")
    wrong = {"HEADRACE_KAFKA__SECURITY_PROTOCOL": "SASL_SSL"}
    assert connection_from_environment(wrong, protocol_is_told=True).security_protocol == "PLAINTEXT"
