"""From kinds to pydantic: the engine that explains. It accepts what the worker's decoder accepts and no more.

The same validators serve a bot that builds an event from Python values and a record read from the wire; only the
former has `Decimal`, `datetime` and Enum members, only the latter has `NumberToken`.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from pydantic import BaseModel
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError, core_schema

from headrace.contracts import grammar
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
from headrace.contracts.sums import broken_sum

_MISMATCH: Final = "text_mismatch"
_NOT_FINITE: Final = "finite_number"
_INCONSISTENT: Final = "inconsistent"


class NumberToken:
    """A JSON number with a point or an exponent, as it was written. Not a str, so that no text rule takes it."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


_Validated = tuple[dict[str, Decimal], object, set[str]]
"""What pydantic-core makes of an object: values by name, extra members, names that were there."""


def fields_schema(fields: tuple[FieldSpec, ...], model_name: str) -> CoreSchema:
    """The members of one object: all required ones, no unknown ones, and sums that add up."""
    members = {spec.name: core_schema.model_field(_field_schema(spec)) for spec in fields}
    schema = core_schema.model_fields_schema(members, model_name=model_name, extra_behavior="forbid")
    find = broken_sum(fields)
    if find is None:
        return schema

    def check(validated: _Validated) -> _Validated:
        broken = find(validated[0])
        if broken is not None:
            raise PydanticCustomError(_INCONSISTENT, "{text}", {"text": broken})
        return validated

    return core_schema.no_info_after_validator_function(check, schema)


def _field_schema(spec: FieldSpec) -> CoreSchema:
    schema = kind_schema(spec.kind)
    if spec.nullable:
        schema = core_schema.nullable_schema(schema)
    return schema if spec.required else core_schema.with_default_schema(schema, default=None)


def kind_schema(kind: Kind) -> CoreSchema:  # noqa: C901  # one case per kind
    """The validator of one value that is not null."""
    match kind:
        case StringKind():
            return _string_schema(kind)
        case IntKind():
            return core_schema.int_schema(strict=True, ge=kind.minimum, le=kind.maximum)
        case FloatKind():
            return core_schema.no_info_before_validator_function(_read_float, _float_schema(kind))
        case DecimalKind():
            return _plain(_decimal_reader(kind))
        case BoolKind():
            return core_schema.bool_schema(strict=True)
        case TimestampKind():
            return _plain(_read_timestamp)
        case DateKind():
            return _plain(_read_date)
        case ChoiceKind():
            return _plain(_choice_reader(kind))
        case StructKind():
            return _struct_schema(kind)
        case ListKind():
            item = kind_schema(kind.item)
            return core_schema.list_schema(
                core_schema.nullable_schema(item) if kind.item_nullable else item,
                min_length=kind.min_length,
                max_length=kind.max_length,
                strict=True,
            )


def _struct_schema(kind: StructKind) -> CoreSchema:
    """An object or an instance of the model, validated anew either way.

    Not a model schema: pydantic-core replaces that by the validator the class was built with, which is laxer.
    """

    def members(value: object) -> object:
        return (
            {spec.name: getattr(value, spec.name) for spec in kind.fields} if isinstance(value, kind.model) else value
        )

    def instance(validated: tuple[dict[str, object], object, set[str]]) -> BaseModel:
        return kind.model.model_construct(validated[2], **validated[0])

    fields = fields_schema(kind.fields, kind.model.__name__)
    return core_schema.no_info_before_validator_function(
        members, core_schema.no_info_after_validator_function(instance, fields)
    )


def _string_schema(kind: StringKind) -> CoreSchema:
    schema: CoreSchema = core_schema.str_schema(strict=True, min_length=kind.min_length, max_length=kind.max_length)
    expected: dict[str, object] = {"text": kind.expected()}
    if kind.alphabet is not None:
        # As an expression for pydantic-core, which never calls back into Python for it.
        within = "".join(rf"\x{ord(character):02x}" for character in kind.alphabet)
        alphabet = core_schema.str_schema(pattern=rf"\A[{within}]*\z" if within else r"\A\z")
        explained = core_schema.custom_error_schema(
            alphabet, custom_error_type=_MISMATCH, custom_error_message="{text}", custom_error_context=expected
        )
        schema = core_schema.chain_schema([schema, explained])
    if kind.regex is None:
        return schema

    def check(text: str) -> str:
        if not kind.accepts(text):
            raise PydanticCustomError(_MISMATCH, "{text}", expected)
        return text

    return core_schema.no_info_after_validator_function(check, schema)


def _float_schema(kind: FloatKind) -> CoreSchema:
    low, high = kind.minimum, kind.maximum
    return core_schema.float_schema(
        strict=True,
        allow_inf_nan=False,
        ge=None if kind.exclusive_minimum else low,
        gt=low if kind.exclusive_minimum else None,
        le=None if kind.exclusive_maximum else high,
        lt=high if kind.exclusive_maximum else None,
    )


def _plain(read: Callable[[object], object]) -> CoreSchema:
    """A validator from a function that raises the errors of `grammar`."""

    def validate(value: object) -> object:
        try:
            return read(value)
        except grammar.GrammarError as error:
            raise PydanticCustomError(error.code, "{text}", {"text": str(error)}) from error

    return core_schema.no_info_plain_validator_function(validate)


def _read_float(value: object) -> object:
    if isinstance(value, NumberToken):
        return float(value.text)
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError as error:
            raise PydanticKnownError(_NOT_FINITE) from error
    return value


def _decimal_reader(kind: DecimalKind) -> Callable[[object], Decimal]:
    """`_read_decimal`, with a short way for what bots give: plain numbers within bounds that are not zero."""
    unit, exact = kind.unit, grammar.EXACT
    low, high = grammar.decimal_bounds(kind)
    fraction = rf"(?:\.[0-9]{{1,{kind.scale}}})?" if kind.scale else ""
    plain = re.compile(rf"-?[0-9]{{1,{grammar.integer_digits(kind)}}}{fraction}").fullmatch

    def read(value: object) -> Decimal:
        if type(value) is str:
            number = Decimal(value) if plain(value) else None
            if number and low <= number <= high:
                return number.quantize(unit, None, exact)
        elif type(value) is Decimal and value and value.is_finite() and low <= value <= high:
            rounded = value.quantize(unit, None, exact)
            if rounded == value:
                return rounded
        return _read_decimal(value, kind)

    return read


def _read_decimal(value: object, kind: DecimalKind) -> Decimal:
    match value:
        case NumberToken():
            return grammar.parse_decimal(value.text, kind)
        case str():
            return grammar.parse_decimal(value, kind)
        case bool():
            msg = "a number is expected, not a boolean"
        case int():
            return grammar.parse_decimal(str(value), kind)
        case Decimal() if value.is_finite():
            return grammar.parse_decimal(f"{value:f}", kind)
        case float():
            msg = f"a float is not exact: write Decimal('{value}') or the text '{value}'"
        case _:
            msg = "an exact number is expected: a number or a text such as '1234.5'"
    raise grammar.NotInGrammarError(msg)


def _read_timestamp(value: object) -> datetime:
    if type(value) is datetime and value.tzinfo is UTC:
        return grammar.check_instant(value)
    match value:
        case str():
            return grammar.parse_timestamp(value)
        case datetime() if value.tzinfo is None or value.utcoffset() is None:
            msg = "a time without offset has no instant: write datetime.now(UTC), or give it a tzinfo"
        case datetime():
            return grammar.check_instant(value)
        case _:
            msg = "a time is expected: an aware datetime, or a text such as '2026-01-31T15:04:05.123456Z'"
    raise grammar.NotInGrammarError(msg)


def _read_date(value: object) -> date:
    match value:
        case str():
            return grammar.parse_date(value)
        case datetime():
            msg = "a day is expected, not an instant: write .date()"
        case date():
            return grammar.check_day(value)
        case _:
            msg = "a day is expected: a date, or a text such as '2026-01-31'"
    raise grammar.NotInGrammarError(msg)


def _choice_reader(kind: ChoiceKind) -> Callable[[object], object]:
    """`_read_choice`, with a short way for texts and numbers that are among them."""
    expected = str if kind.is_text else int
    members = dict(zip(kind.values, kind.members, strict=True))

    def read(value: object) -> object:
        return members[value] if type(value) is expected and value in members else _read_choice(value, kind)

    return read


def _read_choice(value: object, kind: ChoiceKind) -> object:
    for known, member in zip(kind.values, kind.members, strict=True):
        if value is member or (type(value) is type(known) and value == known):
            return member
    expected = str if kind.is_text else int
    choices = ", ".join(map(str, kind.values))
    if isinstance(value, bool) or not isinstance(value, expected):
        msg = f"one of {choices} is expected, as {expected.__name__}"
        raise grammar.NotInGrammarError(msg)
    msg = f"must be one of {choices}"
    raise grammar.OutsideBoundsError(msg)
