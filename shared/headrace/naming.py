"""Names of settings: with dots in the file, a variable in the environment; and what a misspelt one meant."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from pydantic import BaseModel, JsonValue

PROPERTIES = "kafka.client."
"""Properties of librdkafka: each has a name of its own in the file, and all share one variable."""


def names_of(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every setting of `model` as in the file, `kafka.group_id`."""
    for name, info in model.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from names_of(info.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name


def leaves(values: Mapping[str, JsonValue], prefix: str = "") -> Iterator[tuple[str, JsonValue]]:
    """Names and values of nested settings."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def variable_of(name: str) -> str:
    """The variable of a setting: `HEADRACE_KAFKA__GROUP_ID` of `kafka.group_id`."""
    section, _, field = name.partition(".")
    if name.startswith(PROPERTIES):
        field = "client"
    return f"HEADRACE_{section}__{field.replace('.', '__')}".upper() if field else f"HEADRACE_{section}".upper()


def meant_by(name: str, known: Iterable[str]) -> str | None:
    """The one of `known` that a misspelt name probably stands for."""
    candidates = list(known)
    same = [each for each in candidates if surely(name, each)]
    return next(iter(same or get_close_matches(name, candidates, n=1, cutoff=0.8)), None)


def surely(name: str, meant: str) -> bool:
    """Whether the two differ in underscores alone."""
    return name.replace("_", "").upper() == meant.replace("_", "").upper()
