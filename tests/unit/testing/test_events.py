from decimal import Decimal
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from headrace import Event, EventId, Price, Table, UnitInterval, UtcTimestamp
from headrace.contracts import load_contracts
from headrace.contracts.heartbeat import Heartbeat
from headrace.testing import (
    a_leg,
    a_market_regime,
    a_position,
    a_position_update,
    a_signal,
    a_trade,
    an_event,
    some_greeks,
    some_performance,
)

KINDS = [contract.event for contract in load_contracts().values()]


class Place(BaseModel):
    """Where."""

    venue: Annotated[str, Field(min_length=4, max_length=4)]
    floor: int | None


class Order(Event, topic="orders", key="account", table=Table(partition_by="date")):
    """Of a made-up kind, with a field of each kind."""

    order_id: EventId
    account: int
    timestamp: UtcTimestamp
    limit: Annotated[Price, Field(ge=5)]
    share: UnitInterval
    side: Literal["buy", "sell"]
    place: Place
    parts: Annotated[list[int], Field(min_length=2)]
    good: bool
    note: str | None = None


@pytest.mark.parametrize("kind", [*KINDS, Order])
def test_every_contract_has_valid_events_that_workers_read(kind: type[Event]) -> None:
    event = an_event(kind)
    assert kind.from_wire(event.to_wire()) == event


def test_each_built_in_event_of_bots_has_a_builder() -> None:
    made = [
        *(a_trade(), some_greeks(), a_signal(), a_position(), a_leg()),
        *(a_position_update(), a_market_regime(), some_performance()),
    ]
    assert {type(event) for event in made} == set(KINDS) - {Heartbeat}


def test_events_differ_by_id_and_time() -> None:
    first, second = an_event(Order), an_event(Order)
    assert first.order_id != second.order_id
    assert first.timestamp < second.timestamp


def test_values_are_taken_and_validated() -> None:
    assert str(a_trade(price="2.5").price) == "2.5000"
    with pytest.raises(ValidationError, match="price"):
        a_trade(price="2.50001")
    with pytest.raises(ValidationError, match="nonsense"):
        a_trade(nonsense=1)


def test_sums_add_up_unless_a_test_wants_them_not_to() -> None:
    assert some_performance(unrealized_pnl="5.25", realized_pnl="-2").total_pnl == Decimal("3.25")
    with pytest.raises(ValidationError, match="total_pnl"):
        some_performance(unrealized_pnl="5", total_pnl="6")
    with pytest.raises(ValidationError, match="realized_pnl"):
        some_performance(realized_pnl="much")


def test_pattern_is_the_tests_to_fulfil() -> None:
    class Coded(Event, topic="coded", key="code"):
        """With a text that only its author can write."""

        code: Annotated[str, Field(pattern=r"[A-Z]{3}-\d{4}")]

    with pytest.raises(ValidationError, match="code"):
        an_event(Coded)
    assert an_event(Coded, code="ABC-1234").code == "ABC-1234"
