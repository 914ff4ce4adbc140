"""Events for tests: valid by themselves, so that a test names only the values that it is about."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import reduce
from itertools import count
from operator import add
from typing import TypeVar

from headrace.contracts import (
    BoolKind,
    ChoiceKind,
    DateKind,
    DecimalKind,
    Event,
    FieldSpec,
    FloatKind,
    Greeks,
    IntKind,
    Kind,
    Leg,
    ListKind,
    MarketRegime,
    PerformanceMetrics,
    Position,
    PositionUpdate,
    Signal,
    StringKind,
    StructKind,
    TimestampKind,
    Trade,
    contract_of,
)

E = TypeVar("E", bound=Event)

_BEGIN = datetime(2026, 1, 5, 15, 30, tzinfo=UTC)
_numbers = count(1)

_USUAL: Mapping[type[Event], Mapping[str, object]] = {
    Trade: {"strategy_id": "condor-1", "leg_id": "condor-1/1", "symbol": "SPY", "price": "1.25", "commission": "0.65"},
    Greeks: {"strategy_id": "condor-1", "symbol": "SPY", "underlying_price": "500.00"},
    Signal: {"strategy_id": "condor-1", "signal_type": "ml_entry", "source": "xgboost_model"},
    Position: {"strategy_id": "condor-1", "strategy_type": "iron_condor", "symbol": "SPY", "status": "open"},
    Leg: {"leg_id": "condor-1/1", "strategy_id": "condor-1", "symbol": "SPY", "strike": "500", "status": "open"},
    PositionUpdate: {"symbol": "SPY"},
    MarketRegime: {"symbol": "SPY"},
    PerformanceMetrics: {"strategy_id": "condor-1"},
}
"""Where something better is known than what the field's kind suggests."""


def an_event(kind: type[E], /, **values: object) -> E:
    """An event of any contract, with these values and with valid ones for all other required fields.

    Each has ids and a time of its own, later than those before it. Optional fields stay null, declared sums add up.

    Raises:
        pydantic.ValidationError: a value is not accepted, or a field has a pattern and was given no value.
    """
    number = next(_numbers)
    contract = contract_of(kind)
    known = {**_USUAL.get(kind, {}), **values}
    for spec in contract.fields:
        if spec.name not in known and spec.required and not spec.sum_of:
            known[spec.name] = None if spec.nullable else _value(spec.kind, spec.name, number)
    if contract.event_id is not None and contract.event_id not in values:
        known[contract.event_id] = _text(_kind_of(contract.fields, contract.event_id), f"{contract.name}-{number}")
    for spec in contract.fields:
        if spec.sum_of and spec.name not in values:
            with suppress(InvalidOperation):  # a term that is no number: validation says so
                known[spec.name] = reduce(add, (Decimal(str(known[term])) for term in spec.sum_of))
    return kind(**known)


def a_trade(**values: object) -> Trade:
    """One contract of SPY bought at 1.25, unless `values` say otherwise."""
    return an_event(Trade, **values)


def some_greeks(**values: object) -> Greeks:
    """Of a strategy on SPY."""
    return an_event(Greeks, **values)


def a_signal(**values: object) -> Signal:
    """To a strategy, not acted upon."""
    return an_event(Signal, **values)


def a_position(**values: object) -> Position:
    """Open, of a strategy on SPY."""
    return an_event(Position, **values)


def a_leg(**values: object) -> Leg:
    """Open, of a strategy on SPY."""
    return an_event(Leg, **values)


def a_position_update(**values: object) -> PositionUpdate:
    """Of shares of SPY."""
    return an_event(PositionUpdate, **values)


def a_market_regime(**values: object) -> MarketRegime:
    """Of SPY."""
    return an_event(MarketRegime, **values)


def some_performance(**values: object) -> PerformanceMetrics:
    """Of a strategy; the total is the sum of its parts."""
    return an_event(PerformanceMetrics, **values)


def _kind_of(fields: tuple[FieldSpec, ...], name: str) -> Kind:
    return next(spec.kind for spec in fields if spec.name == name)


def _value(kind: Kind, name: str, number: int) -> object:  # noqa: C901  # one case per kind
    match kind:
        case StringKind():
            return _text(kind, name)
        case IntKind():
            return min(max(1, kind.minimum), kind.maximum)
        case FloatKind():
            return _within(kind.minimum, kind.maximum)
        case DecimalKind():
            return _nearest_to_zero(kind)
        case BoolKind():
            return False
        case TimestampKind():
            return _BEGIN + timedelta(milliseconds=number)
        case DateKind():
            return date(2026, 1, 5)
        case ChoiceKind():
            return kind.members[0]
        case StructKind():
            required = [spec for spec in kind.fields if spec.required]
            return {s.name: None if s.nullable else _value(s.kind, s.name, number) for s in required}
        case ListKind():
            return [_value(kind.item, name, number)] * kind.min_length


def _text(kind: Kind, text: str) -> str:
    """The text as far as the kind allows its characters and its length."""
    if not isinstance(kind, StringKind):
        return text
    allowed = text if kind.alphabet is None else "".join(c for c in text if c in kind.alphabet)
    filler = (kind.alphabet or "x")[0]
    return allowed[-kind.max_length :].ljust(kind.min_length, filler)


def _nearest_to_zero(kind: DecimalKind) -> Decimal:
    number = Decimal(0) if kind.minimum is None else max(Decimal(0), kind.minimum)
    return number if kind.maximum is None else min(number, kind.maximum)


def _within(low: float | None, high: float | None) -> float:
    if low is not None and high is not None:
        return (low + high) / 2
    if low is not None:
        return low + 1.0
    return 0.0 if high is None else min(0.0, high - 1.0)
