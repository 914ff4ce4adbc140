"""How to reach a Kafka cluster: one description and one set of checks for workers and bots.

A bare install has it, so it does without pydantic-settings.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from headrace.errors import ConfigError

_SECRET_PROPERTY = re.compile(r"password|passphrase|secret|token|key\.pem|oauthbearer\.config")


class Section(BaseModel):
    """Settings that belong together; a field's name in upper case ends the name of its variable."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class KafkaSettings(Section):
    """How to reach the cluster; the same for bots and workers."""

    bootstrap_servers: str | None = None
    """`host:port` of one or more brokers, separated by commas."""
    group_id: str | None = None
    """Consumer group of the workers; by default `headrace-<table>-<start of the table's id>`."""
    group_protocol: Literal["classic", "consumer"] = "classic"
    """How workers share partitions: `classic` (cooperative-sticky, every Kafka), or `consumer` (KIP-848, Kafka 4.0 and
    newer)."""
    group_instance_id: str | None = None
    """Static member id, unique per worker: a restart under the same id gets its partitions back at once."""
    session_timeout_ms: int = Field(default=6_000, ge=1_000, le=300_000)
    """Without a heartbeat for this long a worker is taken for dead and its partitions move. Under `consumer` the
    brokers decide (`group.consumer.session.timeout.ms`), and it may not be set."""
    max_poll_interval_ms: int = Field(default=300_000, ge=10_000)
    """A worker that does not poll for this long loses its partitions."""
    request_timeout_seconds: float = Field(default=20.0, gt=0)
    """How long start-up requests (cluster, topic, offsets) may take before the broker counts as unreachable."""
    metadata_refresh_seconds: float = Field(default=30.0, gt=0)
    """How often the topic is looked at for added partitions and for having been created again."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """Transport and authentication."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    """How SASL authenticates."""
    sasl_username: str | None = None
    """User of SASL."""
    sasl_password: SecretStr | None = None
    """Password of SASL."""
    sasl_password_file: Path | None = None
    """File that holds the password of SASL; read at start."""
    ssl_ca_location: Path | None = None
    """CA certificates in PEM; by default the system's."""
    ssl_certificate_location: Path | None = None
    """Client certificate in PEM."""
    ssl_key_location: Path | None = None
    """Client key in PEM."""
    client: dict[str, str] = Field(default_factory=dict)
    """Further librdkafka properties by their own names; those that a guarantee rests on are refused."""

    @field_validator("client", mode="before")
    @classmethod
    def _as_texts(cls, value: object) -> object:
        """Numbers and truth values as librdkafka reads them."""
        if not isinstance(value, Mapping):
            return value
        return {name: json.dumps(each) if isinstance(each, int | float) else each for name, each in value.items()}

    @model_validator(mode="after")
    def _decided_once(self) -> Self:
        if self.group_protocol == "consumer" and "session_timeout_ms" in self.model_fields_set:
            msg = (
                "session_timeout_ms is of group_protocol classic; under consumer the brokers decide: unset "
                "HEADRACE_KAFKA__SESSION_TIMEOUT_MS, and set group.consumer.session.timeout.ms on them instead"
            )
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.security_protocol.startswith("SASL") and self.sasl_mechanism is None:
            msg = f"security_protocol {self.security_protocol} needs HEADRACE_KAFKA__SASL_MECHANISM"
            raise ValueError(msg)
        if self.sasl_mechanism and not self.security_protocol.startswith("SASL"):
            msg = "sasl_mechanism is set: set HEADRACE_KAFKA__SECURITY_PROTOCOL to SASL_SSL or SASL_PLAINTEXT"
            raise ValueError(msg)
        if self.sasl_password and self.sasl_password_file:
            msg = "set either sasl_password or sasl_password_file, not both"
            raise ValueError(msg)
        return self

    def unused(self) -> tuple[str, ...]:
        """Settings of SASL and TLS that are set and have no effect under `security_protocol`, as in the file."""
        protocol = self.client.get("security.protocol", self.security_protocol).upper().split("_")
        without = tuple(prefix for prefix, layer in (("sasl_", "SASL"), ("ssl_", "SSL")) if layer not in protocol)
        names = (name for name in type(self).model_fields if name.startswith(without))
        return tuple(f"kafka.{name}" for name in names if getattr(self, name) is not None)

    def password(self) -> str | None:
        """The SASL password, from its file where one is named.

        Raises:
            ConfigError: the file cannot be read.
        """
        if self.sasl_password_file is None:
            return self.sasl_password.get_secret_value() if self.sasl_password else None
        try:
            return self.sasl_password_file.read_text().strip()
        except OSError as error:
            msg = f"HEADRACE_KAFKA__SASL_PASSWORD_FILE {self.sasl_password_file} cannot be read: {error.strerror}"
            raise ConfigError(msg) from error


def problems_of(error: ValidationError, *section: str) -> str:
    """Which variables are wrong, and how; values are left out, one may be a secret.

    Args:
        error: what pydantic found.
        section: where the validated model lies among the settings.
    """
    found = error.errors(include_input=False)
    return "; ".join(f"{_variable((*section, *problem['loc']))}: {problem['msg']}" for problem in found)


def _variable(location: tuple[int | str, ...]) -> str:
    return "HEADRACE_" + "__".join(str(part).upper() for part in location)


def is_secret(name: str) -> bool:
    """Whether a property of librdkafka holds a secret, by its name; every other secret is a SecretStr."""
    return _SECRET_PROPERTY.search(name) is not None
