"""From kinds to msgspec: the engine of the worker's hot path, one C call per record.

It checks JSON types, required and unknown members, lengths, choices and the bounds of numbers. What it leaves as
text is checked a column at a time by the worker: instants and days arrive as `str`, exact numbers as `msgspec.Raw`,
the token as it was written, `null` included, because any number type on the way would round it.
"""

from operator import or_
from typing import Annotated, Literal, Protocol

import msgspec

from headrace.contracts.kinds import (
    BoolKind,
    ChoiceKind,
    DateKind,
    DecimalKind,
    FieldSpec,
    FloatKind,
    IntKind,
    Kind,
    ListKind,
    StringKind,
    StructKind,
    TimestampKind,
)

NULL_TOKEN = msgspec.Raw(b"null")


class Decode(Protocol):
    """From the bytes of one record to a struct with an attribute per field; called once per record."""

    def __call__(self, value: bytes, /) -> msgspec.Struct:
        """Raises `msgspec.DecodeError`, `UnicodeDecodeError` or `RecursionError` for what is no such record."""
        ...


def compile_decoder(name: str, fields: tuple[FieldSpec, ...]) -> Decode:
    """The typed decoder of a contract's fields. `name` appears in nothing but debuggers."""
    return msgspec.json.Decoder(_struct(name, fields)).decode


def _struct(name: str, fields: tuple[FieldSpec, ...]) -> type[msgspec.Struct]:
    """Without garbage collection: a decoded record holds no cycles, and a batch holds 100,000 of them."""
    required = [(spec.name, _nullable(spec)) for spec in fields if spec.required]
    optional = [(spec.name, _nullable(spec), _absent(spec)) for spec in fields if not spec.required]
    return msgspec.defstruct(name, [*required, *optional], gc=False, forbid_unknown_fields=True)


def _nullable(spec: FieldSpec) -> object:
    return _optional(spec.kind) if spec.nullable else _type(spec.kind)


def _optional(kind: Kind) -> object:
    """A type expression that takes null too; tokens do without."""
    return _type(kind) if isinstance(kind, DecimalKind) else or_(_type(kind), None)


def _absent(spec: FieldSpec) -> msgspec.Raw | None:
    """What stands for a member that is not there; a column of tokens holds tokens only."""
    return NULL_TOKEN if isinstance(spec.kind, DecimalKind) else None


def _type(kind: Kind) -> object:  # one case per kind
    match kind:
        case StringKind():
            return Annotated[str, msgspec.Meta(min_length=kind.min_length, max_length=kind.max_length)]
        case IntKind():
            return Annotated[int, msgspec.Meta(ge=kind.minimum, le=kind.maximum)]
        case FloatKind():
            return Annotated[float, _least(kind), _most(kind)]
        case DecimalKind():
            return msgspec.Raw
        case BoolKind():
            return bool
        case TimestampKind() | DateKind():
            return str
        case ChoiceKind():
            return Literal[kind.values]
        case StructKind():
            return _struct(kind.model.__name__, kind.fields)
        case ListKind():
            item = _optional(kind.item) if kind.item_nullable else _type(kind.item)
            return Annotated[list[item], msgspec.Meta(min_length=kind.min_length, max_length=kind.max_length)]  # type: ignore[valid-type]  # built at run time


def _least(kind: FloatKind) -> msgspec.Meta:
    return msgspec.Meta(gt=kind.minimum) if kind.exclusive_minimum else msgspec.Meta(ge=kind.minimum)


def _most(kind: FloatKind) -> msgspec.Meta:
    return msgspec.Meta(lt=kind.maximum) if kind.exclusive_maximum else msgspec.Meta(le=kind.maximum)
