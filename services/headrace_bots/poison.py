"""Records as broken bots send them: each made from a real event's bytes, with the reason it must be refused for."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from headrace.contracts import Contract, Event, RejectReason, contract_of
from headrace.contracts.kinds import ChoiceKind, DecimalKind, FloatKind, IntKind, Kind, StringKind, TimestampKind

Members = dict[str, bytes]
"""A JSON object taken apart: each member's name and its value's text."""

Needs = Callable[[Kind], bool]
"""Whether a field of that kind can be broken."""

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Poison:
    """A malformed record.

    Attributes:
        label: what is wrong with it, from the closed set of `MALFORMATIONS`.
        reason: what the quarantine must say.
        value: the record's value; None is a tombstone.
    """

    label: str
    reason: RejectReason
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Malformation:
    """A way to break an event.

    Attributes:
        needs: which field it breaks; None when any event will do.
        spoil: broken bytes from the wire bytes and, when `needs` is given, the name of such a required field.
    """

    label: str
    reason: RejectReason
    spoil: Callable[[bytes, str], bytes | None]
    needs: Needs | None = None

    def applies_to(self, contract: Contract) -> bool:
        """Whether the contract has a field that this can break."""
        return self.needs is None or bool(_fields(contract, self.needs))


def _a(kind: type[Kind]) -> Needs:
    return lambda found: isinstance(found, kind)


def _a_price(kind: Kind) -> bool:
    """Amounts may be negative, prices not."""
    return isinstance(kind, DecimalKind) and kind.minimum is not None


def _a_count(kind: Kind) -> bool:
    return isinstance(kind, IntKind) and kind.minimum > 0


def _replaced(token: bytes) -> Callable[[bytes, str], bytes]:
    """Writes `token` where the field's value was."""

    def spoil(wire: bytes, field: str) -> bytes:
        return _join(_split(wire) | {field: token})

    return spoil


def _without_a_field(wire: bytes, _: str) -> bytes:
    members = _split(wire)
    del members["timestamp" if "timestamp" in members else next(iter(members))]
    return _join(members)


def _wrapped(wire: bytes, _: str) -> bytes:
    return b"[" + wire + b"]"


_R = RejectReason
MALFORMATIONS: Mapping[str, Malformation] = {
    malformation.label: malformation
    for malformation in (
        Malformation("tombstone", _R.TOMBSTONE, lambda _, __: None),
        Malformation("empty", _R.NOT_JSON, lambda _, __: b""),
        Malformation("plain text", _R.NOT_JSON, lambda _, __: b"BUY 3 SPY 585 C @ 4.25"),
        Malformation("truncated", _R.NOT_JSON, lambda wire, _: wire[: len(wire) * 2 // 3]),
        Malformation("two objects", _R.NOT_JSON, lambda wire, _: wire + wire),
        Malformation("in a list", _R.WRONG_TYPE, _wrapped),
        Malformation("field missing", _R.MISSING_FIELD, _without_a_field),
        Malformation("field unknown", _R.UNKNOWN_FIELD, lambda wire, _: _join(_split(wire) | {"debug_level": b"3"})),
        Malformation("number for a text", _R.WRONG_TYPE, _replaced(b"42"), _a(StringKind)),
        Malformation("null for a text", _R.WRONG_TYPE, _replaced(b"null"), _a(StringKind)),
        Malformation("invalid utf-8", _R.INVALID_UTF8, _replaced(b'"S\xffPY"'), _a(StringKind)),
        Malformation("choice unknown", _R.OUT_OF_BOUNDS, _replaced(b'"HOLD"'), _a(ChoiceKind)),
        Malformation("price of five decimals", _R.NOT_REPRESENTABLE, _replaced(b"1.23456"), _a(DecimalKind)),
        Malformation("negative price", _R.OUT_OF_BOUNDS, _replaced(b"-4.25"), _a_price),
        Malformation("text for a price", _R.WRONG_TYPE, _replaced(b'"4,25"'), _a(DecimalKind)),
        Malformation("NaN", _R.NOT_JSON, _replaced(b"NaN"), _a(FloatKind)),
        Malformation("NaN as text", _R.WRONG_TYPE, _replaced(b'"NaN"'), _a(FloatKind)),
        Malformation("NaN price", _R.NOT_JSON, _replaced(b"NaN"), _a(DecimalKind)),
        Malformation("naive time", _R.WRONG_TYPE, _replaced(b'"2026-01-31T15:04:05"'), _a(TimestampKind)),
        Malformation("epoch time", _R.WRONG_TYPE, _replaced(b"1769871845000"), _a(TimestampKind)),
        Malformation("far future", _R.OUT_OF_BOUNDS, _replaced(b'"2525-01-31T15:04:05Z"'), _a(TimestampKind)),
        Malformation("integer of 30 digits", _R.OUT_OF_BOUNDS, _replaced(b"1" * 30), _a(IntKind)),
        Malformation("integer with a point", _R.WRONG_TYPE, _replaced(b"7.0"), _a(IntKind)),
        Malformation("integer as text", _R.WRONG_TYPE, _replaced(b'"7"'), _a(IntKind)),
        Malformation("zero quantity", _R.OUT_OF_BOUNDS, _replaced(b"0"), _a_count),
    )
}
"""Every way to break an event of the trading contracts, by label."""


def poison(malformation: Malformation, contract: Contract, wire: bytes) -> Poison:
    """Breaks an event.

    Args:
        malformation: how; it must apply to the contract.
        contract: the event's.
        wire: the event's bytes.
    """
    field = _fields(contract, malformation.needs)[0] if malformation.needs else ""
    return Poison(malformation.label, malformation.reason, malformation.spoil(wire, field))


class Poisoner:
    """Decides after which events a malformed record follows, and makes it.

    Args:
        seed: of the decisions.
        ratio: malformed records per event.
    """

    def __init__(self, seed: int, ratio: float) -> None:
        self._random = random.Random(f"{seed}/poison")  # a simulation
        self._ratio = ratio
        self._choices: dict[str, list[Malformation]] = {}

    def after(self, event: Event) -> Poison | None:
        """A malformed record made from `event`, or, mostly, None."""
        if self._random.random() >= self._ratio:
            return None
        contract = contract_of(type(event))
        choices = self._choices.get(contract.name)
        if choices is None:
            choices = [m for m in MALFORMATIONS.values() if m.applies_to(contract)]
            self._choices[contract.name] = choices
        return poison(self._random.choice(choices), contract, event.to_wire())


def _fields(contract: Contract, needs: Needs) -> list[str]:
    return [f.name for f in contract.fields if needs(f.kind) and f.required and not f.nullable]


def _split(wire: bytes) -> Members:
    return {name: bytes(value) for name, value in _MEMBERS.decode(wire).items()}


def _join(members: Members) -> bytes:
    return b"{" + b",".join(b'"%s":%s' % (name.encode(), value) for name, value in members.items()) + b"}"
