"""pydantic, the typed decoder and the table: three readers of the same bytes, held equal."""

import struct
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from headrace.contracts import (
    Contract,
    Event,
    Greeks,
    Int32,
    RejectedError,
    RejectReason,
    Signal,
    Symbol,
    Table,
    Trade,
    UtcTimestamp,
    contract_of,
)
from headrace.contracts.reading import validate_wire
from headrace.kafka.records import Envelope, Records
from headrace.testing.documents import HOSTILE_TOKENS, documents, valid_documents
from headrace_ingest.decode import Decoder

NOW = datetime(2026, 1, 31, tzinfo=UTC)


class Colour(Enum):
    RED = "red"
    DARK_BLUE = "dark blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Spot(BaseModel):
    at: UtcTimestamp
    price: Annotated[Decimal, Field(max_digits=6, decimal_places=2, gt=Decimal("-5"))]
    note: str | None = None


class Leg(BaseModel):
    right: Literal["C", "P"]
    strike: Annotated[Decimal, Field(max_digits=12, decimal_places=3, ge=0)] | None
    spots: list[Spot]
    best: Spot | None = None


class Flat(Event, topic="every.thing-flat", key="symbol", table=Table(event_time="at", partition_by="date")):
    """A field of every kind that is not nested, and every way of being absent."""

    symbol: Symbol
    at: UtcTimestamp
    maybe_at: UtcTimestamp | None
    day: date
    maybe_day: date | None = None
    text: str
    short: Annotated[str, Field(min_length=2, max_length=5)]
    code: Annotated[str, Field(pattern=r"[A-Z]{2}\d+")]
    maybe_code: Annotated[str | None, Field(pattern=r"^x\w$")] = None
    whole: int
    small: Int32
    digit: Annotated[int, Field(ge=0, lt=10)] | None = None
    real: float
    ratio: Annotated[float, Field(gt=0, le=1.5)] | None
    exact: Decimal
    maybe_exact: Decimal | None = None
    needed_exact: Annotated[Decimal, Field(max_digits=5, decimal_places=5)] | None
    units: Annotated[Decimal, Field(max_digits=38, decimal_places=0)]
    flag: bool
    maybe_flag: bool | None
    colour: Colour
    level: Level
    maybe_level: Level | None = None
    number: Literal[1, 2, -7]


class Nested(Event, topic="every.thing-nested", key="symbol"):
    """Objects in lists in objects in lists."""

    symbol: Symbol
    leg: Leg
    maybe_leg: Leg | None = None
    legs: list[Leg]
    names: list[str | None]
    exacts: Annotated[list[Decimal | None], Field(min_length=1, max_length=3)]
    moments: list[UtcTimestamp] | None = None


CONTRACTS = [contract_of(event) for event in (Trade, Greeks, Signal, Flat, Nested)]


def records_of(values: list[bytes | None]) -> Records:
    count = len(values)
    return Records(
        topic="any",
        partitions=[index % 3 for index in range(count)],
        offsets=[100 + index for index in range(count)],
        timestamps=[1_769_871_845_123] * count,
        values=values,
        envelope=lambda _: Envelope(None, ()),
    )


def cell(value: object) -> object:
    """What the table must hold for a value of an event; floats by their bits."""
    match value:
        case Enum():
            return value.value
        case float():
            return struct.pack("<d", value)
        case BaseModel():
            return {name: cell(getattr(value, name)) for name in type(value).model_fields}
        case list():
            return [cell(item) for item in value]
        case dict():
            return {name: cell(item) for name, item in value.items()}
        case _:
            return value


def by_pydantic(contract: Contract, value: bytes) -> Event | RejectReason:
    try:
        return validate_wire(contract, value)
    except RejectedError as error:
        return error.reason


def check_agreement(contract: Contract, values: list[bytes]) -> Counter[str]:
    decoded = Decoder(contract).decode(records_of(list(values)), NOW)
    decoded.rows.validate(full=True)
    rejected = {reject.index: reject.reason for reject in decoded.rejects}
    assert len(decoded.rows) + len(rejected) == len(values)
    rows = iter(decoded.rows.to_pylist())
    outcomes: Counter[str] = Counter()
    for index, value in enumerate(values):
        expected = by_pydantic(contract, value)
        outcomes[rejected.get(index, "row")] += 1
        if isinstance(expected, RejectReason):
            assert rejected.get(index) == expected, value
        elif index in rejected:
            assert rejected[index] == RejectReason.DUPLICATE_FIELD, value
        else:
            row = next(rows)
            assert row["_offset"] == 100 + index
            assert {spec.name: cell(row[spec.name]) for spec in contract.fields} == cell(expected), value
            again = contract.event(**{spec.name: row[spec.name] for spec in contract.fields})
            assert again == expected
            assert again.to_wire() == expected.to_wire()
            assert contract.event.from_wire(again.to_wire()) == expected
    assert next(rows, None) is None
    return outcomes


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.event.__name__)
class TestAgreement:
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def test_the_three_readers_agree_on_whatever_comes(self, contract: Contract, data: st.DataObject) -> None:
        check_agreement(contract, data.draw(st.lists(documents(contract), min_size=1, max_size=6)))

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def test_every_spelling_of_a_valid_event_becomes_a_row(self, contract: Contract, data: st.DataObject) -> None:
        values = data.draw(st.lists(valid_documents(contract), min_size=1, max_size=6))
        assert check_agreement(contract, values) == {"row": len(values)}

    def test_every_hostile_token_in_every_field_is_judged_alike(self, contract: Contract) -> None:
        members = {spec.name: GOOD[spec.name] for spec in contract.fields}
        values = [
            b"{" + b",".join(b'"%s":%s' % (k.encode(), v) for k, v in (members | {name: token}).items()) + b"}"
            for name in members
            for token in (*HOSTILE_TOKENS, members[name])
        ]
        outcomes = check_agreement(contract, values)
        assert outcomes["row"] >= len(members)
        assert RejectReason.DECODER_DISAGREEMENT not in outcomes


_SPOT = b'{"at":"2026-01-31T15:04:05.5Z","price":1.25}'
_LEG = b'{"right":"C","strike":"410.5","spots":[%s,%s],"best":null}' % (_SPOT, _SPOT)
GOOD: dict[str, bytes] = {
    **dict.fromkeys(("symbol", "strategy_id", "leg_id", "transaction_id", "order_id", "account"), b'"SPY"'),
    **dict.fromkeys(("signal_type", "source", "source_version", "regime"), b'"calm"'),
    **dict.fromkeys(("timestamp", "acted_at", "at", "maybe_at"), b'"2026-01-31T15:04:05.123456Z"'),
    **dict.fromkeys(("price", "commission", "underlying_price", "exact", "maybe_exact"), b"12.5"),
    **dict.fromkeys(("delta", "gamma", "theta", "vega", "rho", "implied_volatility", "real", "ratio"), b"0.5"),
    **dict.fromkeys(("portfolio_delta", "portfolio_gamma", "portfolio_theta", "portfolio_vega"), b"-2"),
    **dict.fromkeys(("acted_upon", "flag", "maybe_flag"), b"true"),
    **dict.fromkeys(("day", "maybe_day"), b'"2026-01-31"'),
    **dict.fromkeys(("whole", "small", "digit", "quantity", "level", "maybe_level", "number", "units"), b"1"),
    **dict.fromkeys(("leg", "maybe_leg"), _LEG),
    "signal_value": b"0.5",
    "futures_trend": b'"up"',
    "action": b'"BUY"',
    "text": b'"any"',
    "short": b'"abc"',
    "code": b'"AB12"',
    "maybe_code": b'"xy"',
    "needed_exact": b"0.12345",
    "colour": b'"dark blue"',
    "legs": b"[%s,%s]" % (_LEG, _LEG),
    "names": b'["a",null]',
    "exacts": b"[1,null]",
    "moments": b'["2026-01-31T15:04:05Z"]',
}
