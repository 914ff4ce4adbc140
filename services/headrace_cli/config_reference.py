"""Prints docs/configuration.md from the settings classes: `python -m headrace_cli.config_reference`.

The page is checked against this output by a test, so it says what the program reads.
"""

import sys
import types
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from headrace.settings import Settings

# What `env_prefix` and `env_nested_delimiter` of the settings class make of a field.
_PREFIX, _NESTED = "HEADRACE_", "__"

_INTRODUCTION = """\
# Configuration

<!-- Made by `python -m headrace_cli.config_reference > docs/configuration.md`. Change settings.py or connection.py in
shared/headrace. -->

Every process reads its settings once, at its start. A variable wins over the file.

- Variables begin with `HEADRACE_`. Two underscores separate a section from a field: `HEADRACE_KAFKA__GROUP_ID`.
- The file is `headrace.toml` in the current folder, if there is one, or the one that `HEADRACE_CONFIG` names.
- A wrong value, or an unknown key in the file or in a section, ends the process with exit code 78. The message names
  each field.
- `EventProducer` reads only these, and not the file: `HEADRACE_KAFKA__BOOTSTRAP_SERVERS`, `SECURITY_PROTOCOL`,
  `SASL_MECHANISM`, `SASL_USERNAME`, `SASL_PASSWORD`, `SASL_PASSWORD_FILE`, `SSL_CA_LOCATION`,
  `SSL_CERTIFICATE_LOCATION` and `SSL_KEY_LOCATION`, each with the prefix `HEADRACE_KAFKA__`. They
  are checked as they are for workers.
"""

_EXAMPLE = """\
## headrace.toml

Names are those of the variables, in lower case, without the prefix.

```toml
contracts = "my_bots.events"
log_format = "json"

[kafka]
bootstrap_servers = "kafka-1:9093,kafka-2:9093"
group_id = "headrace-trades"
security_protocol = "SASL_SSL"
sasl_mechanism = "SCRAM-SHA-512"
sasl_username = "headrace"
sasl_password_file = "/run/secrets/kafka"
client = { "client.id" = "worker-1" }

[lake]
root = "/srv/lake"

[ingest]
start = "2026-01-31T09:30:00Z"
flush_seconds = 5.0
```
"""

_TYPES: dict[object, str] = {
    str: "text",
    bool: "`true` or `false`",
    int: "whole number",
    float: "number",
    Path: "path",
    SecretStr: "secret text",
    datetime: "time with offset",
    dict[str, str]: "JSON object",
    tuple[str, ...]: "names, comma between",
}

_BOUNDS: tuple[tuple[type[Ge] | type[Gt] | type[Le] | type[Lt], str, str], ...] = (
    (Ge, "ge", "≥"),
    (Gt, "gt", ">"),
    (Le, "le", "≤"),
    (Lt, "lt", "<"),
)


def reference() -> str:
    """The whole page as Markdown."""
    fields = Settings.model_fields
    sections = {name: section for name, info in fields.items() if (section := _section(info)) is not None}
    process = {name: info for name, info in fields.items() if name not in sections}
    parts = [_INTRODUCTION, _table("Process", "", process, _PREFIX)]
    for name, section in sections.items():
        title = f"Section `{name}`"
        parts.append(_table(title, section.__doc__ or "", section.model_fields, f"{_PREFIX}{name.upper()}{_NESTED}"))
    return "\n".join([*parts, _EXAMPLE])


def _section(info: FieldInfo) -> type[BaseModel] | None:
    annotation = info.annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _table(title: str, text: str, fields: dict[str, FieldInfo], prefix: str) -> str:
    lines = [f"## {title}", ""]
    if text:
        lines += [text, ""]
    lines += ["| Variable | Type | Default | Meaning |", "|---|---|---|---|"]
    for name, info in fields.items():
        cells = (
            f"`{prefix}{name.upper()}`",
            _type_of(info),
            _default(info),
            " ".join((info.description or "").split()),
        )
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, ""])


def _type_of(info: FieldInfo) -> str:
    return ", ".join([" or ".join(_types(info.annotation)), *_bounds(info.metadata)])


def _types(annotation: object) -> Iterator[str]:
    if get_origin(annotation) in (Union, types.UnionType):
        for part in get_args(annotation):
            if part is not type(None):
                yield from _types(part)
    elif get_origin(annotation) is Literal:
        yield from (f"`{value}`" for value in get_args(annotation))
    else:
        yield _TYPES[annotation]


def _bounds(metadata: Iterable[object]) -> Iterator[str]:
    for item in metadata:
        for bound, attribute, sign in _BOUNDS:
            if isinstance(item, bound):
                yield f"{sign} {_number(getattr(item, attribute))}"
        pattern = getattr(item, "pattern", None)
        if pattern is not None:
            yield f"`{pattern}`"


def _default(info: FieldInfo) -> str:
    default = info.get_default(call_default_factory=True)
    if default is None or default in ((), {}):
        return "none"
    return f"`{_number(default)}`"


def _number(value: object) -> str:
    """Large numbers in groups of digits that a variable takes too."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:_}" if isinstance(value, int) else str(value)


if __name__ == "__main__":
    sys.stdout.write(reference())
