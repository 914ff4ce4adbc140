"""Where each setting comes from, as the sources of `headrace.settings` really say."""

import re
from dataclasses import dataclass

from pydantic import JsonValue
from pydantic_settings import SettingsError

from headrace.connection import is_secret
from headrace.naming import PROPERTIES, leaves, variable_of
from headrace.settings import Settings, Source, given, local_folder

HIDDEN = "**********"

_SECRETS_OF_URI = re.compile(r"(?<=://)[^/@]*(?=@)|(?<=\?).*")


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


def effective(settings: Settings) -> tuple[EffectiveSetting, ...]:
    """Every setting, in the order of the reference; `settings` are those that were loaded."""
    origins = given()
    return tuple(
        EffectiveSetting(name, variable_of(name), _shown(name, value), origins.get(name, Source.DEFAULT))
        for name, value in leaves(settings.model_dump(mode="json"))
    )


def given_only() -> tuple[EffectiveSetting, ...]:
    """The settings that are set, without their values; for when they are wrong, so that nothing is in effect."""
    try:
        return tuple(
            EffectiveSetting(name, variable_of(name), None, source) for name, source in sorted(given().items())
        )
    except (SettingsError, ValueError):
        return ()


def shown_root(root: str) -> str:
    """A lake root as it may be shown: the absolute folder, or the URI without its secrets."""
    folder = local_folder(root)
    return _SECRETS_OF_URI.sub(HIDDEN, root) if folder is None else str(folder)


def _shown(name: str, value: JsonValue) -> JsonValue:
    if name.startswith(PROPERTIES) and is_secret(name):
        return HIDDEN
    return _SECRETS_OF_URI.sub(HIDDEN, str(value)) if name == "lake.root" else value
