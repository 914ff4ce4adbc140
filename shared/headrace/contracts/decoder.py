"""From kinds to msgspec: the engine of the worker's hot path, one C call per record.

It checks JSON types, required and unknown members, lengths, choices and the bounds of numbers. What it leaves as
text is checked a column at a time by the worker: instants and days arrive as `str`, exact numbers as `msgspec.Raw`,
the token as it was written, `null` included, because any number type on the way would round it.
"""

from typing import Annotated, Any, Literal, Protocol

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


def _nullable(spec: FieldSpec) -> Any:  # a type expression has no static type
    if spec.nullable and not isinstance(spec.kind, DecimalKind):
        return _type(spec.kind) | None
    return _type(spec.kind)


def _absent(spec: FieldSpec) -> msgspec.Raw | None:
    """What stands for a member that is not there; a column of tokens holds tokens only."""
    return NULL_TOKEN if isinstance(spec.kind, DecimalKind) else None


def _type(kind: Kind) -> Any:  # noqa: C901, PLR0911  # one case per kind; a type expression has no static type
    match kind:
        case StringKind():
            return Annotated[str, msgspec.Meta(min_length=kind.min_length, max_length=kind.max_length)]
        case IntKind():
            return Annotated[int, msgspec.Meta(ge=kind.minimum, le=kind.maximum)]
        case FloatKind():
            return Annotated[float, _float_bounds(kind)]
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
            item = _type(kind.item)
            if kind.item_nullable and not isinstance(kind.item, DecimalKind):
                item = item | None
            return Annotated[list[item], msgspec.Meta(min_length=kind.min_length, max_length=kind.max_length)]  # type: ignore[valid-type]  # built at run time


def _float_bounds(kind: FloatKind) -> msgspec.Meta:
    bounds: dict[str, Any] = {}
    if kind.minimum is not None:
        bounds["gt" if kind.exclusive_minimum else "ge"] = kind.minimum
    if kind.maximum is not None:
        bounds["lt" if kind.exclusive_maximum else "le"] = kind.maximum
    return msgspec.Meta(**bounds)
