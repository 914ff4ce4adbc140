"""Where each setting comes from, as the sources of `headrace.settings` really say."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from pydantic import BaseModel, JsonValue
from pydantic_settings import EnvSettingsSource, SettingsError, TomlConfigSettingsSource

from headrace.connection import is_secret
from headrace.settings import Settings, config_file, unknown_variables

HIDDEN = "**********"

# Properties of librdkafka. Every other secret has a field of its own.
_PROPERTIES = "kafka.client."
_SECRETS_OF_URI = re.compile(r"(?<=://)[^/@]*(?=@)|(?<=\?).*")


class Source(StrEnum):
    """Where a value was found; the first one that has it wins."""

    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class EffectiveSetting:
    """One setting.

    Attributes:
        name: as in the file, with dots.
        variable: that sets it.
        value: in effect; asterisks where it is secret, null where it is not set, or wrong.
        source: where the value was found.
    """

    name: str
    variable: str
    value: JsonValue
    source: Source


@dataclass(frozen=True, slots=True)
class UnknownVariable:
    """A variable of the environment that begins like ours and sets nothing."""

    variable: str
    meant: str | None


def effective(settings: Settings) -> tuple[EffectiveSetting, ...]:
    """Every setting, in the order of the reference; `settings` are those that were loaded."""
    origins = given()
    return tuple(
        EffectiveSetting(name, _variable(name), _shown(name, value), origins.get(name, Source.DEFAULT))
        for name, value in _leaves(settings.model_dump(mode="json"))
    )


def given() -> dict[str, Source]:
    """Names of all settings that are set, right or wrong.

    Raises:
        SettingsError, ValueError: the file or a variable cannot be read at all.
    """
    found: dict[str, Source] = {}
    for source, values in (
        (Source.FILE, TomlConfigSettingsSource(Settings, config_file())()),
        (Source.ENVIRONMENT, EnvSettingsSource(Settings)()),
    ):
        found |= dict.fromkeys((name for name, _ in _leaves(values)), source)
    return found


def given_only() -> tuple[EffectiveSetting, ...]:
    """The settings that are set, without their values; for when they are wrong, so that nothing is in effect."""
    try:
        return tuple(EffectiveSetting(name, _variable(name), None, source) for name, source in sorted(given().items()))
    except (SettingsError, ValueError):
        return ()


def unknown() -> tuple[UnknownVariable, ...]:
    """Variables that set nothing, each with the one that was probably meant."""
    known = [_variable(name) for name in _names(Settings)]
    return tuple(
        UnknownVariable(name, next(iter(get_close_matches(name, known, n=1, cutoff=0.8)), None))
        for name in unknown_variables()
    )


def _names(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, info in model.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from _names(info.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name


def _leaves(values: Mapping[str, JsonValue], prefix: str = "") -> Iterator[tuple[str, JsonValue]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _variable(name: str) -> str:
    section, _, field = name.partition(".")
    if name.startswith(_PROPERTIES):
        field = "client"
    return f"HEADRACE_{section}__{field}".upper() if field else f"HEADRACE_{section}".upper()


def _shown(name: str, value: JsonValue) -> JsonValue:
    if name.startswith(_PROPERTIES) and is_secret(name):
        return HIDDEN
    return _SECRETS_OF_URI.sub(HIDDEN, str(value)) if name == "lake.root" else value
