from pathlib import Path

import pytest

from headrace.errors import ConfigError
from headrace.kafka.environment import connection_from_environment


def test_variables_of_the_workers_become_client_properties() -> None:
    assert connection_from_environment(
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
    found = connection_from_environment({"HEADRACE_KAFKA__SASL_PASSWORD_FILE": str(file)})
    assert found == {"sasl.password": "from file"}


def test_missing_password_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere cannot be read: No such file"):
        connection_from_environment({"HEADRACE_KAFKA__SASL_PASSWORD_FILE": str(tmp_path / "nowhere")})


def test_two_passwords_are_refused_without_repeating_either() -> None:
    with pytest.raises(ConfigError) as caught:
        connection_from_environment(
            {"HEADRACE_KAFKA__SASL_PASSWORD": "hidden", "HEADRACE_KAFKA__SASL_PASSWORD_FILE": "f"}
        )
    assert "hidden" not in str(caught.value)
