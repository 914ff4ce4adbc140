"""Bounds that a field's annotation adds to its type: `Field(gt=0)`, `annotated_types.Ge`, patterns, digits."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import TypeVar

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import AllowInfNan, Strict
from pydantic.fields import FieldInfo

from headrace.contracts.kinds import (
    INT64_MAX,
    INT64_MIN,
    MAX_PRECISION,
    DecimalKind,
    FloatKind,
    IntKind,
    Kind,
    ListKind,
    StringKind,
)
from headrace.contracts.types import EventIdentity
from headrace.errors import ContractError

_DESCRIPTIVE = (str, FieldInfo, EventIdentity, AllowInfNan, Strict)
_SINGLE = {Ge: "ge", Gt: "gt", Le: "le", Lt: "lt", MinLen: "min_length", MaxLen: "max_length"}
_IGNORED = {"strict", "allow_inf_nan", "coerce_numbers_to_str"}
_EXACT = Context(prec=100)

_APPLICABLE: dict[type, frozenset[str]] = {
    StringKind: frozenset({"min_length", "max_length", "pattern"}),
    IntKind: frozenset({"ge", "gt", "le", "lt"}),
    FloatKind: frozenset({"ge", "gt", "le", "lt"}),
    DecimalKind: frozenset({"ge", "gt", "le", "lt", "max_digits", "decimal_places"}),
    ListKind: frozenset({"min_length", "max_length"}),
}

_K = TypeVar("_K", int, float)


def narrow(where: str, kind: Kind, metadata: Iterable[object]) -> Kind:
    """The kind with the bounds of `metadata`, which may only be narrower.

    Raises:
        ContractError: a bound that the kind does not know, or one that leaves no value.
    """
    bounds = _collect(where, metadata)
    unknown = bounds.keys() - _APPLICABLE.get(type(kind), frozenset())
    if unknown:
        msg = f"{where}: {sorted(unknown)[0]} has no meaning for this type; leave it out"
        raise ContractError(msg)
    narrowed = _narrowed(kind, bounds)
    _check(where, narrowed)
    return narrowed


def _collect(where: str, metadata: Iterable[object]) -> dict[str, object]:
    bounds: dict[str, object] = {}
    for item in metadata:
        name = _SINGLE.get(type(item))
        if name is not None:
            bounds[name] = getattr(item, name)
        elif type(item).__name__ == "PydanticGeneralMetadata":
            bounds.update({key: value for key, value in vars(item).items() if key not in _IGNORED})
        elif not isinstance(item, (*_DESCRIPTIVE, Kind)):
            msg = (
                f"{where} carries {type(item).__name__}, which no worker runs: "
                "write bounds (ge, gt, le, lt, min_length, max_length, pattern) or a type of headrace.contracts"
            )
            raise ContractError(msg)
    return {key: value for key, value in bounds.items() if value is not None}


def _narrowed(kind: Kind, bounds: Mapping[str, object]) -> Kind:
    if not bounds:
        return kind
    match kind:
        case StringKind():
            return _string(kind, bounds)
        case ListKind():
            return replace(kind, **bounds)  # type: ignore[arg-type]  # names and types were checked by pydantic
        case IntKind():
            low, high = _inclusive(bounds)
            return replace(kind, minimum=max(kind.minimum, low), maximum=min(kind.maximum, high))
        case FloatKind():
            return _float(kind, bounds)
        case DecimalKind():
            return _decimal(kind, bounds)
        case _:
            return kind


def _string(kind: StringKind, bounds: Mapping[str, object]) -> StringKind:
    low, high = bounds.get("min_length", 0), bounds.get("max_length", kind.max_length)
    pattern = bounds.get("pattern", kind.pattern)
    pattern = getattr(pattern, "pattern", pattern)
    return StringKind(
        max(kind.min_length, int(str(low))),
        min(kind.max_length, int(str(high))),
        alphabet=kind.alphabet,
        pattern=None if pattern is None else str(pattern),
    )


def _inclusive(bounds: Mapping[str, object]) -> tuple[int, int]:
    """The whole numbers between the bounds."""
    low, high = INT64_MIN, INT64_MAX
    for name, value in bounds.items():
        exact = Decimal(str(value))
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
    if isinstance(kind, DecimalKind) and not 1 <= kind.precision <= MAX_PRECISION:
        msg = f"{where}: a decimal has 1 to {MAX_PRECISION} digits, not {kind.precision}; lower max_digits"
        raise ContractError(msg)
    if isinstance(kind, DecimalKind) and not 0 <= kind.scale <= kind.precision:
        msg = f"{where}: decimal_places {kind.scale} must lie between 0 and the {kind.precision} digits there are"
        raise ContractError(msg)
    if isinstance(kind, StringKind):
        try:
            _ = kind.regex
        except ValueError as error:
            msg = f"{where}: the pattern is no Python regular expression: {error}"
            raise ContractError(msg) from error
    low, high = _edges(kind)
    if low is not None and high is not None and low > high:
        msg = f"{where}: no value lies between {low} and {high}; widen the bounds"
        raise ContractError(msg)


def _edges(kind: Kind) -> tuple[Decimal | float | None, Decimal | float | None]:
    match kind:
        case IntKind() | FloatKind() | DecimalKind():
            return kind.minimum, kind.maximum
        case StringKind() | ListKind():
            return kind.min_length, kind.max_length
        case _:
            return None, None
