"""How a bot reaches the cluster when it says nothing: the workers' `HEADRACE_KAFKA__*` variables.

Workers read them through `headrace.settings`; a bare install has no pydantic-settings, so the few that name and
open a connection are read here, and nowhere else.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from headrace.errors import ConfigError

PREFIX = "HEADRACE_KAFKA__"
BOOTSTRAP_SERVERS = f"{PREFIX}BOOTSTRAP_SERVERS"
_PASSWORD = "SASL_PASSWORD"  # noqa: S105  # the name of a variable
_PASSWORD_FILE = "SASL_PASSWORD_FILE"  # noqa: S105  # the name of a variable
_PROPERTIES = {
    "BOOTSTRAP_SERVERS": "bootstrap.servers",
    "SECURITY_PROTOCOL": "security.protocol",
    "SASL_MECHANISM": "sasl.mechanism",
    "SASL_USERNAME": "sasl.username",
    _PASSWORD: "sasl.password",
    "SSL_CA_LOCATION": "ssl.ca.location",
    "SSL_CERTIFICATE_LOCATION": "ssl.certificate.location",
    "SSL_KEY_LOCATION": "ssl.key.location",
}


def connection_from_environment(environment: Mapping[str, str] = os.environ) -> dict[str, object]:
    """Librdkafka properties for each variable that is set.

    Raises:
        ConfigError: password and password file are both set, or the file cannot be read.
    """
    found: dict[str, object] = {
        name: environment[PREFIX + variable]
        for variable, name in _PROPERTIES.items()
        if environment.get(PREFIX + variable)
    }
    password_file = environment.get(PREFIX + _PASSWORD_FILE)
    if password_file:
        if "sasl.password" in found:
            msg = f"set either {PREFIX}{_PASSWORD} or {PREFIX}{_PASSWORD_FILE}, not both"
            raise ConfigError(msg)
        found["sasl.password"] = _read_password(password_file)
    return found


def _read_password(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        msg = f"{PREFIX}{_PASSWORD_FILE} {path} cannot be read: {error.strerror}"
        raise ConfigError(msg) from error
