"""The reasons and the explanations that a quarantine keeps."""

import pytest

from headrace.contracts import Rejection, RejectReason, Trade, contract_of, explain
from headrace.contracts.reading import disagreement

CONTRACT = contract_of(Trade)
GOOD = (
    b'{"transaction_id":"t","strategy_id":"s","leg_id":"l","symbol":"SPY","action":"BUY","quantity":1,'
    b'"price":1.25,"commission":"0","timestamp":"2026-01-31T15:04:05Z"}'
)


def swapped(old: bytes, new: bytes) -> bytes:
    assert old in GOOD
    return GOOD.replace(old, new)


def test_a_valid_record_has_no_explanation() -> None:
    assert explain(CONTRACT, GOOD) is None


@pytest.mark.parametrize(
    ("value", "reason", "detail"),
    [
        (None, RejectReason.TOMBSTONE, "no value"),
        (b"", RejectReason.NOT_JSON, "truncated"),
        (b"not json", RejectReason.NOT_JSON, "malformed"),
        (GOOD + GOOD, RejectReason.NOT_JSON, "trailing"),
        (swapped(b"1.25", b"NaN"), RejectReason.NOT_JSON, "malformed"),
        (swapped(b"SPY", b"\xff"), RejectReason.INVALID_UTF8, "not UTF-8"),
        (swapped(b"SPY", b"\\ud800"), RejectReason.INVALID_UTF8, "half a surrogate pair"),
        (b"[" * 100_000, RejectReason.TOO_DEEP, "nested deeper"),
        (b"[]", RejectReason.WRONG_TYPE, "dictionary"),
        (b"null", RejectReason.WRONG_TYPE, "dictionary"),
        (swapped(b'"quantity":1', b'"quantity":"1"'), RejectReason.WRONG_TYPE, "quantity: "),
        (swapped(b'"quantity":1', b'"quantity":1.0'), RejectReason.WRONG_TYPE, "quantity: "),
        (swapped(b"1.25", b'"NaN"'), RejectReason.WRONG_TYPE, "price: an exact number is written"),
        (swapped(b"05Z", b"05"), RejectReason.WRONG_TYPE, "timestamp: a time is written"),
        (swapped(b'"quantity":1', b'"quantity":0'), RejectReason.OUT_OF_BOUNDS, "quantity: "),
        (swapped(b'"quantity":1', b'"quantity":9223372036854775808'), RejectReason.OUT_OF_BOUNDS, "quantity: "),
        (swapped(b"1.25", b"-1"), RejectReason.OUT_OF_BOUNDS, "price: must be at least 0"),
        (swapped(b"BUY", b"buy"), RejectReason.OUT_OF_BOUNDS, "action: must be one of BUY, SELL"),
        (swapped(b"SPY", b"S PY"), RejectReason.OUT_OF_BOUNDS, "symbol: may hold letters, digits, .^/=_:- and"),
        (swapped(b"2026", b"1926"), RejectReason.OUT_OF_BOUNDS, "timestamp: the year"),
        (swapped(b"1.25", b"1.23456"), RejectReason.NOT_REPRESENTABLE, "price: the column holds 4 digits"),
        (swapped(b"1.25", b"1e2"), RejectReason.NOT_REPRESENTABLE, "price: an exact number is written without"),
        (swapped(b"05Z", b"05.1234567Z"), RejectReason.NOT_REPRESENTABLE, "timestamp: a time holds at most six"),
        (swapped(b'"price":1.25,', b""), RejectReason.MISSING_FIELD, "price: is required"),
        (swapped(b'"price"', b'"x":1,"price"'), RejectReason.UNKNOWN_FIELD, "x: is no field of the contract"),
        (swapped(b'"quantity"', b'"quantity":"x","quantity"'), RejectReason.DUPLICATE_FIELD, "occurs twice"),
        (b"{}", RejectReason.MISSING_FIELD, "and 6 more"),
    ],
)  # fmt: skip
def test_each_kind_of_bad_record_has_its_reason(value: bytes | None, reason: RejectReason, detail: str) -> None:
    found = explain(CONTRACT, value)
    assert found is not None
    assert found.reason == reason
    assert detail in found.detail


def test_an_explanation_is_short_and_printable_whatever_the_payload() -> None:
    names = b",".join(b'"\\n\\u001b[31m%d%s":1' % (at, b"x" * 1_000) for at in range(1_000))
    found = explain(CONTRACT, b"{" + names + b"}")
    assert found is not None
    assert len(found.detail) < 600
    assert found.detail.isprintable()


def test_a_record_that_only_the_decoder_refuses_is_a_defect_with_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: bytes) -> None:
        msg = "refused"
        raise RecursionError(msg)

    monkeypatch.setitem(vars(CONTRACT), "decode", refuse)
    expected = Rejection(RejectReason.DECODER_DISAGREEMENT, "accepted by pydantic, refused by the decoder: refused")
    assert explain(CONTRACT, GOOD) == expected


def test_a_disagreement_about_one_member_sent_twice_is_the_sender_s() -> None:
    assert disagreement(b'{"a":{"b":1,"b":2}}', "found").reason == RejectReason.DUPLICATE_FIELD
    assert disagreement(b'{"a":{"b":1},"b":2}', "found").reason == RejectReason.DECODER_DISAGREEMENT


def test_contracts_print_as_one_line() -> None:
    assert repr(CONTRACT) == "<Contract trades v1: headrace.contracts.trading.Trade>"
