"""From the annotation of a field to its kind; whatever cannot be one says what to write instead."""

import types
import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Literal, Union, get_args, get_origin

from annotated_types import GroupedMetadata
from pydantic import AwareDatetime, BaseModel, NaiveDatetime
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from headrace.contracts import constraints
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
from headrace.contracts.sums import check_sums
from headrace.contracts.types import SumOf
from headrace.errors import ContractError

_SCALARS: dict[object, Kind] = {
    str: StringKind(),
    int: IntKind(),
    float: FloatKind(),
    Decimal: DecimalKind(),
    bool: BoolKind(),
    datetime: TimestampKind(),
    AwareDatetime: TimestampKind(),
    date: DateKind(),
}

_INSTEAD: dict[object, str] = {
    NaiveDatetime: "a time without offset has no instant: write UtcTimestamp",
    typing.Any: "a column has one type: write that type",
    object: "a column has one type: write that type",
    dict: "a column has fixed fields: write a nested model with one field per key",
    bytes: "JSON has no bytes: write str and encode them, in base64 for instance",
    complex: "write two float fields",
    tuple: "write list[...], or a nested model with a field per place",
    set: "write list[...]",
    frozenset: "write list[...]",
    list: "write what it is a list of: list[str]",
}


@dataclass(frozen=True)
class _Reading:
    """An annotation without its wrappers."""

    bare: object
    nullable: bool
    metadata: tuple[object, ...]


def field_specs(model: type[BaseModel], seen: tuple[type, ...] = ()) -> tuple[FieldSpec, ...]:
    """The fields of a model, in the order of the class.

    Args:
        model: an event, or a model nested in one.
        seen: the models around it, to find one that contains itself.

    Raises:
        ContractError: a field cannot be a column; the message names it and says what to write instead.
    """
    if model in seen:
        msg = f"{model.__name__} contains itself: a column has a fixed depth; write one level as another model"
        raise ContractError(msg)
    check_model(model)
    inside = (*seen, model)
    specs = tuple(_field_spec(model, name, info, inside) for name, info in model.__pydantic_fields__.items())
    check_sums(model.__name__, specs, nested=bool(seen))
    return specs


def check_model(model: type[BaseModel]) -> None:
    """Refuses what the worker's decoder could not honour.

    Raises:
        ContractError: custom validators or serializers, private attributes, or no field at all.
    """
    name, custom = model.__name__, model.__pydantic_decorators__
    if custom.validators or custom.field_validators or custom.root_validators or custom.model_validators:
        msg = f"{name} has validators of its own, which no worker runs: write bounds and types that say the same"
        raise ContractError(msg)
    if custom.field_serializers or custom.model_serializers:
        msg = f"{name} has serializers of its own: there is one wire format, leave them out"
        raise ContractError(msg)
    if model.__private_attributes__:
        first = next(iter(model.__private_attributes__))
        msg = f"{name}.{first}: names that begin with _ belong to Headrace; write it without the underscore"
        raise ContractError(msg)
    if not model.__pydantic_fields__:
        msg = f"{name} has no fields: write at least one"
        raise ContractError(msg)
    folded: dict[str, str] = {}
    for field in model.__pydantic_fields__:
        other = folded.setdefault(field.lower(), field)
        if other != field:
            msg = f"{name}.{field} and {name}.{other} differ in case alone, which Delta columns do not: rename one"
            raise ContractError(msg)


def is_marked(info: FieldInfo, marker: type) -> bool:
    """Whether the annotation of a field carries an object of that class."""
    return any(isinstance(item, marker) for item in _read(info.annotation, tuple(info.metadata)).metadata)


def _field_spec(model: type[BaseModel], name: str, info: FieldInfo, seen: tuple[type, ...]) -> FieldSpec:
    where = f"{model.__name__}.{name}"
    if info.alias or info.validation_alias or info.serialization_alias:
        msg = f"{where} has an alias: the member is called like the field; rename the field"
        raise ContractError(msg)
    if info.default_factory is not None or info.default not in (PydanticUndefined, None):
        msg = (
            f"{where} has a default, and a missing value is never invented: "
            "leave the default out, or write `| None = None` for a member that may be absent"
        )
        raise ContractError(msg)
    reading = _read(info.annotation, tuple(info.metadata))
    required = info.default is PydanticUndefined
    if not required and not reading.nullable:
        msg = f"{where} = None: write `| None = None`, or leave the default out"
        raise ContractError(msg)
    kind = _kind(where, reading, seen)
    comment = info.description or _description(reading.metadata)
    sums = [item.fields for item in reading.metadata if isinstance(item, SumOf)]
    return FieldSpec(
        name,
        kind,
        nullable=reading.nullable,
        required=required,
        comment=" ".join(comment.split()),
        sum_of=sums[-1] if sums else (),
    )


def _read(annotation: object, outer: tuple[object, ...]) -> _Reading:
    """Unwraps aliases, Annotated and `| None`; inner metadata comes first, so that outer bounds narrow it."""
    if isinstance(annotation, getattr(typing, "TypeAliasType", ())):
        return _read(annotation.__value__, outer)  # type: ignore[attr-defined]  # TypeAliasType is new in 3.12
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        return _read(inner, (*metadata, *outer))
    if get_origin(annotation) in (Union, types.UnionType):
        others = [arg for arg in get_args(annotation) if arg is not type(None)]
        if len(others) == 1:
            reading = _read(others[0], outer)
            return _Reading(reading.bare, len(others) < len(get_args(annotation)), reading.metadata)
    return _Reading(annotation, False, tuple(_flat(outer)))


def _flat(metadata: Iterable[object]) -> Iterator[object]:
    for item in metadata:
        if isinstance(item, FieldInfo):
            yield item
            yield from _flat(item.metadata)
        elif isinstance(item, GroupedMetadata):
            yield from _flat(item)
        else:
            yield item


def _description(metadata: tuple[object, ...]) -> str:
    texts = [item.description for item in metadata if isinstance(item, FieldInfo) and item.description]
    return texts[-1] if texts else ""


def _kind(where: str, reading: _Reading, seen: tuple[type, ...]) -> Kind:
    declared = [item for item in reading.metadata if isinstance(item, Kind)]
    kind = declared[-1] if declared else _bare_kind(where, reading.bare, seen)
    if declared and type(kind) is not type(_bare_kind(where, reading.bare, seen)):
        msg = f"{where}: {type(kind).__name__} does not describe {_shown(reading.bare)}"
        raise ContractError(msg)
    return constraints.narrow(where, kind, reading.metadata)


def _bare_kind(where: str, bare: object, seen: tuple[type, ...]) -> Kind:
    if isinstance(bare, typing.Hashable) and bare in _SCALARS:
        return _SCALARS[bare]
    origin = get_origin(bare)
    if origin is Literal:
        return _choice(where, get_args(bare), get_args(bare))
    if origin is list:
        return _list(where, get_args(bare)[0], seen)
    if origin in (Union, types.UnionType):
        msg = f"{where} is a union, and a column has one type: write one type, or one optional field for each"
        raise ContractError(msg)
    if isinstance(bare, type) and issubclass(bare, Enum):
        return _choice(where, tuple(member.value for member in bare), tuple(bare))
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        return StructKind(field_specs(bare, seen), bare)
    known = origin if origin in _INSTEAD else bare
    instead = _INSTEAD.get(known, "write one of the types of headrace.contracts") if _hashable(known) else ""
    msg = f"{where} is {_shown(bare)}: {instead}"
    raise ContractError(msg)


def _hashable(value: object) -> bool:
    return isinstance(value, typing.Hashable)


def _choice(where: str, values: tuple[object, ...], members: tuple[object, ...]) -> ChoiceKind:
    if values and all(isinstance(value, str) for value in values):
        return ChoiceKind(tuple(str(value) for value in values if isinstance(value, str)), members)
    whole = [int(value) for value in values if isinstance(value, int) and not isinstance(value, bool)]
    if values and len(whole) == len(values):
        return ChoiceKind(tuple(whole), members)
    msg = f"{where}: choices must be all str or all int; write `| None` where there may be none"
    raise ContractError(msg)


def _list(where: str, item: object, seen: tuple[type, ...]) -> ListKind:
    reading = _read(item, ())
    kind = _kind(f"{where}[]", reading, seen)
    if isinstance(kind, ListKind):
        msg = f"{where} is a list of lists: write a list of nested models that hold a list each"
        raise ContractError(msg)
    return ListKind(kind, item_nullable=reading.nullable)


def _shown(bare: object) -> str:
    return bare.__name__ if isinstance(bare, type) else str(bare)
