"""pydantic, the typed decoder and the table: three readers of the same bytes, held equal."""

import struct
from collections import Counter
from datetime import UTC, datetime
from enum import Enum

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from headrace.contracts import (
    Contract,
    Event,
    Greeks,
    Leg,
    MarketRegime,
    PerformanceMetrics,
    Position,
    PositionUpdate,
    RejectedError,
    RejectReason,
    Signal,
    Trade,
    contract_of,
)
from headrace.contracts.reading import validate_wire
from headrace.kafka.records import Envelope, Records
from headrace.testing.documents import HOSTILE_TOKENS, documents, valid_documents, valid_members
from headrace_ingest.decode import Decoder
from headrace_ingest.layout import LayoutReader
from tests.unit.ingest.everything import Added, Flat, Nested

NOW = datetime(2026, 1, 31, tzinfo=UTC)


BUILT_IN = (Trade, Greeks, Signal, Position, Leg, PositionUpdate, MarketRegime, PerformanceMetrics)
CONTRACTS = [contract_of(event) for event in (*BUILT_IN, Flat, Nested, Added)]


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
        return error.rejection.reason


def check_agreement(contract: Contract, values: list[bytes], decoder: Decoder | None = None) -> Counter[str]:
    decoded = (decoder or Decoder(contract)).decode(records_of(list(values)), NOW)
    decoded.rows.validate(full=True)
    rejected = {index: reject.reason for index, reject in decoded.rejects.items()}
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
    @settings(max_examples=40, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def test_the_three_readers_agree_on_whatever_comes(self, contract: Contract, data: st.DataObject) -> None:
        check_agreement(contract, data.draw(st.lists(documents(contract), min_size=1, max_size=6)))

    @settings(max_examples=20, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def test_every_spelling_of_a_valid_event_becomes_a_row(self, contract: Contract, data: st.DataObject) -> None:
        values = data.draw(st.lists(valid_documents(contract), min_size=1, max_size=6))
        assert check_agreement(contract, values) == {"row": len(values)}

    def test_every_hostile_token_in_every_field_is_judged_alike(self, contract: Contract) -> None:
        members = {spec.name: GOOD[spec.name] for spec in contract.fields}
        values = [written(members | {name: token}) for name in members for token in (*HOSTILE_TOKENS, members[name])]
        outcomes = check_agreement(contract, values)
        assert outcomes["row"] >= len(members)
        assert RejectReason.DECODER_DISAGREEMENT not in outcomes


FLAT = [contract for contract in CONTRACTS if contract.event is not Nested]


def written(members: dict[str, bytes]) -> bytes:
    return b"{" + b",".join(b'"%s":%s' % (name.encode(), token) for name, token in members.items()) + b"}"


def members_of(contract: Contract, style: str) -> dict[str, bytes]:
    """A good event in one of the ways in which producers write."""
    members = {spec.name: GOOD[spec.name] for spec in contract.fields}
    if style == "nulls":
        return members | {spec.name: b"null" for spec in contract.fields if spec.nullable}
    if style == "required":
        return {spec.name: GOOD[spec.name] for spec in contract.fields if spec.required}
    if style == "wire":
        raw = contract.event.from_wire(written(members)).to_wire()
        return {name: bytes(token) for name, token in msgspec.json.decode(raw, type=dict[str, msgspec.Raw]).items()}
    return members


@pytest.mark.parametrize("style", ["numbers", "wire", "nulls", "required"])
@pytest.mark.parametrize("contract", FLAT, ids=lambda contract: contract.event.__name__)
class TestAgreementOfALayout:
    """The same for records that are read by their layout, and for those among them that are nearly so."""

    @pytest.fixture(autouse=True)
    def _every_chunk_has_a_layout(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("headrace_ingest.template._SHARE", 0.0)

    def test_every_hostile_token_in_every_field_is_judged_alike(self, contract: Contract, style: str) -> None:
        members = members_of(contract, style)
        values = [
            written(members | {name: token})
            for name in members
            for token in (members[name], *HOSTILE_TOKENS, b'""1.5""')
        ]
        read = LayoutReader(contract, fewest=1).read(values)
        assert read is not None
        assert len(read.places) >= len(members)
        outcomes = check_agreement(contract, values, Decoder(contract, fewest_of_a_layout=1))
        assert outcomes["row"] >= len(members)
        assert RejectReason.DECODER_DISAGREEMENT not in outcomes

    @settings(max_examples=15, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def test_valid_values_strangers_and_damage_are_judged_alike(
        self, contract: Contract, style: str, data: st.DataObject
    ) -> None:
        members = members_of(contract, style)
        good = written(members)
        tokens = valid_members(contract)
        other = st.fixed_dictionaries({name: st.one_of(st.just(members[name]), tokens[name]) for name in members})
        chunk = data.draw(st.lists(st.one_of(other.map(written), documents(contract), damaged(good)), max_size=20))
        check_agreement(contract, [good, *chunk], Decoder(contract, fewest_of_a_layout=1))


def damaged(good: bytes) -> st.SearchStrategy[bytes]:
    """A good record with a few bytes put in or replaced, or with two pieces exchanged."""
    junk = st.sampled_from(
        [b'"', b"\\", b",", b":", b"{", b"}", b" ", b"\t", b"\n", b"\r", b"\x00", b"\xff", b"0", b"-", b""]
    )
    places = st.integers(0, len(good))
    edits = st.builds(lambda at, over, piece: good[:at] + piece + good[at + over :], places, st.integers(0, 2), junk)
    pieces = good[1:-1].split(b",")
    return st.one_of(edits, st.permutations(pieces).map(lambda order: b"{" + b",".join(order) + b"}"))


_SPOT = b'{"at":"2026-01-31T15:04:05.5Z","price":1.25}'
_LEG = b'{"right":"C","strike":"410.5","spots":[%s,%s],"best":null}' % (_SPOT, _SPOT)
GOOD: dict[str, bytes] = {
    **dict.fromkeys(("symbol", "strategy_id", "leg_id", "transaction_id", "order_id", "account"), b'"SPY"'),
    **dict.fromkeys(("signal_type", "source_version"), b'"calm"'),
    **dict.fromkeys(("timestamp", "acted_at", "at", "maybe_at"), b'"2026-01-31T15:04:05.123456Z"'),
    **dict.fromkeys(("price", "commission", "underlying_price", "exact", "maybe_exact"), b"12.5"),
    **dict.fromkeys(("delta", "gamma", "theta", "vega", "rho", "implied_volatility", "real", "ratio"), b"0.5"),
    **dict.fromkeys(("portfolio_delta", "portfolio_gamma", "portfolio_theta", "portfolio_vega"), b"-2"),
    **dict.fromkeys(("acted_upon", "flag", "maybe_flag"), b"true"),
    **dict.fromkeys(("day", "maybe_day"), b'"2026-01-31"'),
    **dict.fromkeys(("whole", "small", "digit", "quantity", "level", "maybe_level", "number", "units"), b"1"),
    **dict.fromkeys(("leg", "maybe_leg"), _LEG),
    **dict.fromkeys(("strategy_type", "status", "model_version"), b'"open"'),
    **dict.fromkeys(("entry_date", "exit_date", "expiry"), b'"2026-01-31"'),
    **dict.fromkeys(("entry_price", "exit_price", "current_price", "market_price", "strike"), b"12.5"),
    **dict.fromkeys(("average_cost", "market_value", "unrealized_pnl", "realized_pnl"), b"12.5"),
    **dict.fromkeys(("conid", "dte"), b"1"),
    **dict.fromkeys(("vix", "put_call_ratio", "confidence"), b"0.5"),
    **dict.fromkeys(("regime", "regime_at_entry", "regime_current"), b'"bull"'),
    **dict.fromkeys(("one", "two", "piece"), b"12.5"),
    **dict.fromkeys(("both", "total_pnl"), b"25"),
    "pieces": b"37.5",
    "source": b'"ml_model"',
    "right": b'"C"',
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
