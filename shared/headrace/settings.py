"""Everything a process can be told, read once at its start from `HEADRACE_*` and an optional `headrace.toml`.

Nested fields are written with two underscores: `HEADRACE_KAFKA__BOOTSTRAP_SERVERS`. The environment wins over
the file.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import unquote

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from headrace.connection import KafkaSettings
from headrace.errors import ConfigError
from headrace.naming import PROPERTIES, leaves, meant_by, names_of, surely, variable_of
from headrace.sections import (
    CanarySettings,
    ExportSettings,
    IngestSettings,
    LakeSettings,
    MaintainSettings,
    MetricsSettings,
)

# What Kubernetes says of a service.
_LINK = re.compile(r"\A(tcp|udp|sctp)://")
_SCHEME = re.compile(r"\A[a-z][a-z0-9+.-]*://")


class Source(StrEnum):
    """Where a value was found; the first one that has it wins."""

    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class UnknownVariable:
    """A variable of the environment that begins like ours and sets nothing."""

    variable: str
    meant: str | None


class Settings(BaseSettings):
    """All settings of a process."""

    model_config = SettingsConfigDict(
        env_prefix="HEADRACE_",
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
    )

    kafka: KafkaSettings = KafkaSettings()
    lake: LakeSettings = LakeSettings()
    ingest: IngestSettings = IngestSettings()
    maintain: MaintainSettings = MaintainSettings()
    canary: CanarySettings = CanarySettings()
    export: ExportSettings = ExportSettings()
    metrics: MetricsSettings = MetricsSettings()
    contracts: Annotated[tuple[str, ...], NoDecode] = ()
    """Modules that declare further `Event` classes, separated by commas."""
    pipeline: str | None = Field(default=None, pattern=r"\A[A-Za-z0-9._-]{1,128}\z")
    """Name under which positions are stored in the table; by default the table's name."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Lowest level that is logged."""
    log_format: Literal["auto", "json", "console"] = "auto"
    """One JSON object a line, or text for people; `auto` chooses text on a terminal."""

    @field_validator("contracts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_file())


def load_settings(**overrides: object) -> Settings:
    """Reads environment and file.

    Raises:
        ConfigError: a value is wrong, a name is misspelt, or the file is not TOML; the message names each, and where it
            stands.
    """
    if "HEADRACE_CONFIG" in os.environ and not config_file().is_file():
        msg = f"HEADRACE_CONFIG names {config_file()}, which is not a file"
        raise ConfigError(msg)
    misspelt = [
        f"{each.variable}: no such setting; {each.meant} was meant"
        for each in unknown_variables()
        if each.meant and surely(each.variable, each.meant)
    ]
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]  # validated by pydantic
    except ValidationError as error:
        msg = f"settings are wrong: {'; '.join([*misspelt, *_problems(error)])}"
        raise ConfigError(msg) from None
    except (SettingsError, ValueError) as error:
        told = "; ".join(_no_json()) or f"{config_file()} or the environment: {error}"
        msg = f"settings cannot be read: {told}"
        raise ConfigError(msg) from None
    if misspelt:
        msg = f"settings are wrong: {'; '.join(misspelt)}"
        raise ConfigError(msg)
    return settings


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
        found |= dict.fromkeys((name for name, _ in leaves(values)), source)
    return found


def _problems(error: ValidationError) -> Iterator[str]:
    """What is wrong, each where it stands: a variable, or a key of the file. Values are left out."""
    sources = given()
    known = [*names_of(Settings), *Settings.model_fields]
    for problem in error.errors(include_input=False):
        place, said = ".".join(map(str, problem["loc"])), problem["msg"]
        # Below a setting that may be one of several types stands which of them was tried.
        name = next((each for each in known if f"{place}.".startswith(f"{each}.")), place)
        meant = None
        if place.startswith(PROPERTIES):
            said = f"{place.removeprefix(PROPERTIES)}: {said}"
        if problem["type"] == "extra_forbidden":
            name, said, meant = place, "no such setting", meant_by(place, known)
        in_file = {source for each, source in sources.items() if f"{each}.".startswith(f"{name}.")} == {Source.FILE}
        hint = f"; {meant if in_file else variable_of(meant)} was probably meant" if meant else ""
        yield f"{name} in {config_file().absolute()}: {said}{hint}" if in_file else f"{variable_of(name)}: {said}{hint}"


def _no_json() -> Iterator[str]:
    """Variables that hold a JSON object or nothing, and do not."""
    sections = {name.partition(".")[0]: "" for name in names_of(Settings) if "." in name}
    for name, example in {**sections, PROPERTIES: ' such as {"socket.keepalive.enable": true}'}.items():
        variable = variable_of(name)
        try:
            json.loads(os.environ.get(variable) or "{}")
        except ValueError as error:
            yield f"{variable} is not a JSON object{example}: {error}"


def local_folder(root: str) -> Path | None:
    """The absolute folder that a lake root names as a path or `file://` URI, `~` expanded; None on other stores."""
    if root.startswith("file://"):
        return Path(unquote(root.removeprefix("file://"))).absolute()
    return None if _SCHEME.match(root) else Path(root).expanduser().absolute()


def unknown_variables() -> tuple[UnknownVariable, ...]:
    """Variables that begin like ours and are no setting: misspelt, or somebody else's.

    Only those that surely mean a setting are refused: Kubernetes puts `HEADRACE_PORT` and the like beside a service of
    this name, and even `HEADRACE_METRICS_PORT=tcp://...`.
    """
    first = {name.upper() for name in Settings.model_fields} | {"CONFIG", "CACHE_DIR"}
    known = [variable_of(name) for name in names_of(Settings)]
    return tuple(
        UnknownVariable(name, None if _LINK.match(value) else meant_by(name, known))
        for name, value in sorted(os.environ.items())
        if name.startswith("HEADRACE_")
        and not name.startswith("HEADRACE_TEST_")
        and name.removeprefix("HEADRACE_").split("__")[0] not in first
    )


def config_file() -> Path:
    """The file that settings are read from; it need not exist."""
    return Path(os.environ.get("HEADRACE_CONFIG", "headrace.toml"))
