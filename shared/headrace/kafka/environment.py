"""How a bot reaches the cluster when it says nothing: the workers' `HEADRACE_KAFKA__*` variables.

Workers read them through `headrace.settings`; a bare install has no pydantic-settings, so the few that name and
open a connection are read here, and nowhere else. Both check them alike.
"""

import os
from collections.abc import Mapping

from pydantic import ValidationError

from headrace.connection import KafkaSettings, problems_of
from headrace.errors import ConfigError

PREFIX = "HEADRACE_KAFKA__"
BOOTSTRAP_SERVERS = f"{PREFIX}BOOTSTRAP_SERVERS"
_FIELDS = (
    "bootstrap_servers",
    "security_protocol",
    "sasl_mechanism",
    "sasl_username",
    "sasl_password",
    "sasl_password_file",
    "ssl_ca_location",
    "ssl_certificate_location",
    "ssl_key_location",
)


def connection_from_environment(
    environment: Mapping[str, str] = os.environ, *, protocol_is_told: bool = False
) -> KafkaSettings:
    """The connection that the variables describe; one that is empty counts as not set.

    Args:
        environment: variables and their values.
        protocol_is_told: the bot names its `security.protocol` elsewhere, so the variable does not count.

    Raises:
        ConfigError: a worker would refuse these variables too.
    """
    found: dict[str, str] = {field: value for field in _FIELDS if (value := environment.get(PREFIX + field.upper()))}
    if protocol_is_told:
        # Gives way to the bot's own; one that goes with the mechanism, because the bot's is not seen here.
        found["security_protocol"] = "SASL_SSL" if "sasl_mechanism" in found else "PLAINTEXT"
    try:
        return KafkaSettings.model_validate(found)
    except ValidationError as error:
        msg = f"settings are wrong: {problems_of(error, 'kafka')}"
        raise ConfigError(msg) from None
