"""Bounds that a field's annotation adds to its type: `Field(gt=0)`, `annotated_types.Ge`, patterns, digits."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from math import isfinite

from annotated_types import BaseMetadata, Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import AllowInfNan, Strict
from pydantic.fields import FieldInfo

from headrace.contracts.kinds import (
    INT32_MAX,
    INT32_MIN,
    INT64_MAX,
    INT64_MIN,
    MAX_PRECISION,
    MAX_TEXT,
    DecimalKind,
    FloatKind,
    IntKind,
    Kind,
    ListKind,
    StringKind,
)
from headrace.contracts.types import EventIdentity, SumOf
from headrace.errors import ContractError

_DESCRIPTIVE = (str, FieldInfo, EventIdentity, SumOf, AllowInfNan, Strict)
_SINGLE = {Ge: "ge", Gt: "gt", Le: "le", Lt: "lt", MinLen: "min_length", MaxLen: "max_length"}
_IGNORED = {"strict", "allow_inf_nan", "coerce_numbers_to_str"}
_DIGITS = {"max_digits", "decimal_places"}
_EXACT = Context(prec=100)

_APPLICABLE: dict[type, frozenset[str]] = {
    StringKind: frozenset({"min_length", "max_length", "pattern"}),
    IntKind: frozenset({"ge", "gt", "le", "lt"}),
    FloatKind: frozenset({"ge", "gt", "le", "lt"}),
    DecimalKind: frozenset({"ge", "gt", "le", "lt", "max_digits", "decimal_places"}),
    ListKind: frozenset({"min_length", "max_length"}),
}


def narrow(where: str, kind: Kind, metadata: Iterable[object]) -> Kind:
    """The kind with the bounds of `metadata`, which may only be narrower.

    Raises:
        ContractError: a bound that the kind does not know, or one that leaves no value.
    """
    applicable = _APPLICABLE.get(type(kind), frozenset())
    # Digits first: they say where a bound of a decimal comes to lie.
    for bounds in sorted((_bounds(where, item) for item in metadata), key=_DIGITS.isdisjoint):
        unknown = bounds.keys() - applicable
        if unknown:
            msg = f"{where}: {sorted(unknown)[0]} has no meaning for this type; leave it out"
            raise ContractError(msg)
        if bounds:
            kind = _narrowed(where, kind, bounds)
    _check(where, kind)
    return kind


def _bounds(where: str, item: object) -> dict[str, object]:
    """What one object of an annotation says, by the names of pydantic's `Field`."""
    name = _SINGLE.get(type(item))
    if name is not None:
        return {name: getattr(item, name)}
    if isinstance(item, BaseMetadata) and hasattr(item, "__dict__"):
        # What Field() says that annotated_types has no class for: pattern, max_digits, decimal_places.
        return {key: value for key, value in vars(item).items() if key not in _IGNORED and value is not None}
    if isinstance(item, (*_DESCRIPTIVE, Kind)):
        return {}
    msg = (
        f"{where} carries {type(item).__name__}, which no worker runs: "
        "write bounds (ge, gt, le, lt, min_length, max_length, pattern) or a type of headrace.contracts"
    )
    raise ContractError(msg)


def _narrowed(where: str, kind: Kind, bounds: Mapping[str, object]) -> Kind:
    match kind:
        case StringKind():
            return _string(where, kind, bounds)
        case ListKind():
            return _list(kind, bounds)
        case IntKind():
            low, high = _inclusive(bounds)
            return replace(kind, minimum=max(kind.minimum, low), maximum=min(kind.maximum, high))
        case FloatKind():
            return _float(kind, bounds)
        case DecimalKind():
            return _decimal(kind, bounds)
        case _:
            return kind


def _string(where: str, kind: StringKind, bounds: Mapping[str, object]) -> StringKind:
    pattern = bounds.get("pattern", kind.pattern)
    pattern = getattr(pattern, "pattern", pattern)
    if kind.pattern is not None and pattern != kind.pattern:
        msg = f"{where} has two patterns: write one that says both"
        raise ContractError(msg)
    low, high = int(str(bounds.get("min_length", 0))), int(str(bounds.get("max_length", kind.max_length)))
    return replace(
        kind,
        min_length=max(kind.min_length, low),
        max_length=high if kind.max_length == MAX_TEXT else min(kind.max_length, high),
        pattern=None if pattern is None else str(pattern),
    )


def _list(kind: ListKind, bounds: Mapping[str, object]) -> ListKind:
    low, high = int(str(bounds.get("min_length", 0))), bounds.get("max_length", kind.max_length)
    limits = [int(str(limit)) for limit in (high, kind.max_length) if limit is not None]
    return replace(kind, min_length=max(kind.min_length, low), max_length=min(limits, default=None))


def _inclusive(bounds: Mapping[str, object]) -> tuple[int, int]:
    """The whole numbers between the bounds."""
    low, high = INT64_MIN, INT64_MAX
    for name, value in bounds.items():
        exact = Decimal(str(value))
        if exact.is_infinite():
            continue
        if name in ("ge", "gt"):
            edge = int(exact.to_integral_value(ROUND_CEILING))
            low = max(low, edge + (name == "gt" and edge == exact))
        else:
            edge = int(exact.to_integral_value(ROUND_FLOOR))
            high = min(high, edge - (name == "lt" and edge == exact))
    return low, high


def _float(kind: FloatKind, bounds: Mapping[str, object]) -> FloatKind:
    for name, value in bounds.items():
        number, exclusive = float(str(value)), name in ("gt", "lt")
        if name in ("ge", "gt") and (kind.minimum is None or number >= kind.minimum):
            kind = replace(kind, minimum=number, exclusive_minimum=exclusive)
        if name in ("le", "lt") and (kind.maximum is None or number <= kind.maximum):
            kind = replace(kind, maximum=number, exclusive_maximum=exclusive)
    return kind


def _decimal(kind: DecimalKind, bounds: Mapping[str, object]) -> DecimalKind:
    precision, scale = bounds.get("max_digits", kind.precision), bounds.get("decimal_places", kind.scale)
    kind = replace(kind, precision=int(str(precision)), scale=int(str(scale)))
    unit = kind.unit
    for name in bounds.keys() & {"ge", "gt", "le", "lt"}:
        exact = Decimal(str(bounds[name]))
        if exact.is_infinite():
            continue
        below = exact.quantize(unit, ROUND_FLOOR, _EXACT)
        above = exact.quantize(unit, ROUND_CEILING, _EXACT)
        if name in ("ge", "gt"):
            edge = _EXACT.add(below, unit) if name == "gt" else above
            kind = replace(kind, minimum=edge if kind.minimum is None else max(kind.minimum, edge))
        else:
            edge = _EXACT.subtract(above, unit) if name == "lt" else below
            kind = replace(kind, maximum=edge if kind.maximum is None else min(kind.maximum, edge))
    return kind


def _check(where: str, kind: Kind) -> None:
    match kind:
        case DecimalKind():
            _check_decimal(where, kind)
        case IntKind():
            least, most = (INT32_MIN, INT32_MAX) if kind.bits == 32 else (INT64_MIN, INT64_MAX)
            if kind.minimum < least or kind.maximum > most:
                msg = f"{where}: the bounds of an integer of {kind.bits} bits lie between {least} and {most}"
                raise ContractError(msg)
        case FloatKind():
            if not all(isfinite(edge) for edge in (kind.minimum, kind.maximum) if edge is not None):
                msg = f"{where}: NaN and infinity are no bounds; leave the bound out"
                raise ContractError(msg)
        case StringKind():
            _check_pattern(where, kind)
        case _:
            pass
    low, high = _edges(kind)
    if low is not None and high is not None and low > high:
        msg = f"{where}: no value lies between {low} and {high}; widen the bounds"
        raise ContractError(msg)


def _check_decimal(where: str, kind: DecimalKind) -> None:
    if not 1 <= kind.precision <= MAX_PRECISION:
        msg = f"{where}: a decimal has 1 to {MAX_PRECISION} digits, not {kind.precision}; change max_digits"
        raise ContractError(msg)
    if not 0 <= kind.scale <= kind.precision:
        msg = f"{where}: decimal_places {kind.scale} must lie between 0 and the {kind.precision} digits there are"
        raise ContractError(msg)
    limit = Decimal(10) ** (kind.precision - kind.scale)
    for edge in (kind.minimum, kind.maximum):
        if edge is None:
            continue
        if not edge.is_finite() or abs(edge) >= limit or edge.quantize(kind.unit, context=_EXACT) != edge:
            msg = f"{where}: the bound {edge} is no decimal({kind.precision},{kind.scale}); write one that is"
            raise ContractError(msg)


def _check_pattern(where: str, kind: StringKind) -> None:
    if kind.alphabet is not None and (kind.pattern is not None or not kind.alphabet.isascii()):
        msg = f"{where}: an alphabet is ASCII and stands without a pattern; write Field(pattern=...) on plain str"
        raise ContractError(msg)
    try:
        _ = kind.regex
    except re.error as error:
        msg = f"{where}: the pattern is no Python regular expression: {error}"
        raise ContractError(msg) from error


def _edges(kind: Kind) -> tuple[Decimal | float | None, Decimal | float | None]:
    match kind:
        case IntKind() | FloatKind() | DecimalKind():
            return kind.minimum, kind.maximum
        case StringKind() | ListKind():
            return kind.min_length, kind.max_length
        case _:
            return None, None
