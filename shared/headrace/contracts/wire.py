"""The canonical bytes of an event: one value, one spelling, whoever sends it and however it was built."""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import Any

import msgspec

from headrace.contracts.grammar import format_timestamp
from headrace.contracts.kinds import (
    ChoiceKind,
    DateKind,
    DecimalKind,
    FieldSpec,
    Kind,
    ListKind,
    StructKind,
    TimestampKind,
)

Writer = Callable[[Any], object]
"""Takes what validation has made of a value of its kind."""

_encode = msgspec.json.Encoder().encode


def event_encoder(fields: tuple[FieldSpec, ...]) -> Callable[[object], bytes]:
    """From a validated instance to JSON: members in the order of the class, UTF-8, no blanks.

    Exact numbers are texts with all the digits of their scale, instants have microseconds and `Z`, and a member
    that may be absent is left out when it is null.
    """
    members = _object_writer(fields)
    return lambda event: _encode(members(event))


def _object_writer(fields: tuple[FieldSpec, ...]) -> Callable[[object], dict[str, object]]:
    plan = [(spec.name, attrgetter(spec.name), _writer(spec.kind), spec.required) for spec in fields]

    def write(instance: object) -> dict[str, object]:
        members: dict[str, object] = {}
        for name, get, convert, required in plan:
            value = get(instance)
            if value is not None:
                members[name] = value if convert is None else convert(value)
            elif required:
                members[name] = None
        return members

    return write


def _writer(kind: Kind) -> Writer | None:  # one return per kind
    match kind:
        case DecimalKind():
            return _write_decimal
        case TimestampKind():
            return format_timestamp
        case DateKind():
            return date.isoformat
        case ChoiceKind():
            values = dict(zip(kind.members, kind.values, strict=True))
            return None if kind.members == kind.values else values.__getitem__
        case StructKind():
            return _object_writer(kind.fields)
        case ListKind():
            return _list_writer(kind)
        case _:
            return None


def _write_decimal(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    msg = f"a Decimal is expected, not {type(value).__name__}: build events by calling their class"
    raise TypeError(msg)


def _list_writer(kind: ListKind) -> Writer | None:
    convert = _writer(kind.item)
    if convert is None:
        return None

    def write(values: Sequence[object]) -> object:
        return [None if value is None else convert(value) for value in values]

    return write
