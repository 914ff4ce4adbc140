"""What instances of events accept, and how they are written."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import cast

import pytest
from pydantic import BaseModel, ValidationError

from headrace.contracts import (
    Event,
    EventId,
    Trade,
    contract_of,
)
from tests.unit.contracts.declaring import declared

SYMBOLS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.^/=_:-"
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def trade(**changes: object) -> Trade:
    values: dict[str, object] = {
        "transaction_id": "t-1",
        "strategy_id": "condor",
        "leg_id": "short-put",
        "symbol": "SPY",
        "action": "BUY",
        "quantity": 3,
        "price": Decimal("1.25"),
        "commission": "0.65",
        "timestamp": NOON,
    }
    return Trade.model_validate(values | changes)


class Inner(BaseModel):
    value: int


class TestContract:
    def test_a_contract_says_what_its_class_says(self) -> None:
        contract = contract_of(Trade)
        assert contract is contract_of(Trade)
        assert (contract.name, contract.topic, contract.key) == ("trades", "trades", "symbol")
        assert (contract.event_time, contract.event_id, contract.schema_version) == ("timestamp", "transaction_id", 1)
        assert contract.doc == "One execution of one option leg."
        assert {field.name: field.comment for field in contract.fields}["price"] == "Currency units per contract unit."

    def test_a_table_is_called_like_its_topic(self) -> None:
        assert contract_of(declared(int, topic="Bot.my-events_2")).name == "Bot_my_events_2"

    def test_two_event_ids_are_none(self) -> None:
        class Twice(Event, topic="twice", key="first"):
            first: EventId
            second: EventId

        assert contract_of(Twice).event_id is None


class TestConstruction:
    @pytest.mark.parametrize(
        "price", [Decimal("1.25"), Decimal("1.25000"), "1.25", "1.250000", Decimal("125e-2")], ids=repr
    )
    def test_exact_numbers_come_in_any_exact_form(self, price: object) -> None:
        assert str(trade(price=price).price) == "1.2500"

    @pytest.mark.parametrize(
        "price", [1.25, Decimal("1.23456"), "1e3", True, -1, "1_000", Decimal("NaN"), None], ids=repr
    )
    def test_inexact_numbers_are_refused(self, price: object) -> None:
        with pytest.raises(ValidationError):
            trade(price=price)

    def test_a_float_is_told_what_to_write(self) -> None:
        with pytest.raises(ValidationError, match=r"write Decimal\('1.25'\)"):
            trade(price=1.25)

    @pytest.mark.parametrize(
        "instant", [NOON.replace(tzinfo=None), date(2026, 1, 31), 1_769_871_845, "2026-01-31"], ids=repr
    )
    def test_times_are_aware(self, instant: object) -> None:
        with pytest.raises(ValidationError, match="timestamp"):
            trade(timestamp=instant)

    def test_times_are_kept_in_utc(self) -> None:
        there = datetime(2026, 1, 31, 17, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
        assert repr(trade(timestamp=there).timestamp) == repr(NOON)

    @pytest.mark.parametrize(
        "change", [{"quantity": 7.0}, {"quantity": True}, {"quantity": "7"}, {"action": "buy"}, {"x": 1}]
    )
    def test_types_are_strict_and_members_known(self, change: dict[str, object]) -> None:
        with pytest.raises(ValidationError):
            trade(**change)

    def test_events_never_change(self) -> None:
        with pytest.raises(ValidationError, match="frozen"):
            trade().quantity = 5

    def test_a_changed_copy_is_validated(self) -> None:
        assert trade().model_copy(update={"price": 2}).price == 2
        with pytest.raises(ValidationError):
            trade().model_copy(update={"price": 0.1})

    def test_equal_events_are_equal_and_hash_alike(self) -> None:
        assert trade() == trade(price="1.2500000")
        assert len({trade(), trade(price="1.2500000")}) == 1


class TestWire:
    def test_one_value_has_one_spelling(self) -> None:
        assert trade().to_wire() == trade(commission=Decimal("0.650"), price="001.25").to_wire()

    def test_zero_has_no_sign(self) -> None:
        assert b'"commission":"0.0000"' in trade(commission="-0.00").to_wire()

    def test_small_numbers_have_no_exponent(self) -> None:
        tiny = declared(Decimal)(key="k", x=Decimal("1e-18"))
        assert tiny.to_wire() == b'{"key":"k","x":"0.000000000000000001"}'

    def test_members_that_may_be_absent_are_left_out_when_null(self) -> None:
        assert b"order_id" not in trade().to_wire()
        assert declared(int | None)(key="k", x=None).to_wire() == b'{"key":"k","x":null}'

    def test_what_was_written_reads_as_the_same_event(self) -> None:
        assert Trade.from_wire(trade(order_id="o").to_wire()) == trade(order_id="o")

    def test_an_enum_is_written_by_its_value(self) -> None:
        class Side(Enum):
            BUY = "b"

        made = declared(Side)
        assert made(key="k", x=Side.BUY).to_wire() == b'{"key":"k","x":"b"}'
        assert made.from_wire(b'{"key":"k","x":"b"}') == made(key="k", x=Side.BUY)

    def test_an_instance_of_a_nested_model_is_validated_anew(self) -> None:
        made = declared(Inner)
        assert made(key="k", x=Inner(value=1)) == made(key="k", x={"value": 1})
        with pytest.raises(ValidationError, match=r"x\.value"):
            made(key="k", x=Inner.model_construct(value=cast("int", "1")))


def test_contracts_need_nothing_of_the_lake() -> None:
    heavy = {"pyarrow", "deltalake", "polars", "confluent_kafka"}
    code = f"import headrace.contracts, sys; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
