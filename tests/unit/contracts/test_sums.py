"""Sums that a class declares: which it may, and what instances of it accept."""

import re
from decimal import Decimal
from typing import Annotated

import pytest
from pydantic import BaseModel, Field, ValidationError

from headrace.contracts import Event, PerformanceMetrics, Pnl, SumOf, contract_of
from headrace.contracts.reading import explain
from headrace.errors import ContractError


class Wide(Event, topic="wide", key="key"):
    key: str
    one: Decimal
    two: Decimal
    total: Annotated[Decimal, SumOf("one", "two")]


def test_a_field_says_what_it_is_the_sum_of() -> None:
    sums = {spec.name: spec.sum_of for spec in contract_of(PerformanceMetrics).fields if spec.sum_of}
    assert sums == {"total_pnl": ("unrealized_pnl", "realized_pnl")}


def test_a_sum_is_right_to_the_last_of_many_digits() -> None:
    one, two = Decimal("12345678901234567890.123456789012345678"), Decimal("0.000000000000000001")
    event = Wide(key="k", one=one, two=two, total="12345678901234567890.123456789012345679")
    assert Wide.from_wire(event.to_wire()) == event
    with pytest.raises(ValidationError, match=r"total must be one \+ two"):
        Wide(key="k", one=one, two=two, total=one)


def test_a_changed_copy_must_still_add_up() -> None:
    event = Wide(key="k", one=1, two=2, total=3)
    assert event.model_copy(update={"one": 2, "total": 4}).total == 4
    with pytest.raises(ValidationError, match="total must be"):
        event.model_copy(update={"one": 2})


def test_another_fault_comes_before_a_sum() -> None:
    found = explain(contract_of(Wide), b'{"key":"k","one":1,"two":"x","total":9}')
    assert found is not None
    assert found.detail.startswith("two: ")


@pytest.mark.parametrize(
    ("term", "sentence"),
    [
        ("nothing", "Made.total is the sum of 'nothing', which is no field: name some of key, whole"),
        ("whole", "must be decimals with the same decimal_places that are never null"),
        ("real", "must be decimals with the same decimal_places"),
        ("maybe", "must be decimals with the same decimal_places"),
        ("cents", "must be decimals with the same decimal_places"),
    ],
)
def test_what_cannot_be_added_to_the_last_digit_is_no_sum(term: str, sentence: str) -> None:
    with pytest.raises(ContractError, match=re.escape(sentence)):

        class Made(Event, topic="made", key="key"):
            key: str
            whole: int
            real: float
            maybe: Pnl | None
            cents: Annotated[Decimal, Field(max_digits=18, decimal_places=2)]
            good: Pnl
            total: Annotated[Pnl, SumOf("good", term)]


def test_a_sum_that_is_no_decimal_is_none() -> None:
    with pytest.raises(ContractError, match="must be decimals"):

        class Made(Event, topic="made", key="key"):
            key: str
            other: Pnl
            total: Annotated[int, SumOf("other")]


def test_a_nested_model_has_no_sums() -> None:
    class Inner(BaseModel):
        one: Pnl
        total: Annotated[Pnl, SumOf("one")]

    with pytest.raises(ContractError, match=r"Inner\.total is a sum within a nested model"):

        class Made(Event, topic="made", key="key"):
            key: str
            inner: Inner
