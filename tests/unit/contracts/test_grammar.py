"""Exact numbers and instants, as they are written."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.contracts import DecimalKind
from headrace.contracts.grammar import (
    NotInGrammarError,
    OutsideBoundsError,
    UnrepresentableError,
    format_timestamp,
    parse_date,
    parse_decimal,
    parse_timestamp,
)

PRICE = DecimalKind(18, 4, minimum=Decimal(0))


@given(st.datetimes(datetime(2000, 1, 1), datetime(2199, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001
def test_an_instant_reads_as_it_was_written(instant: datetime) -> None:
    assert parse_timestamp(format_timestamp(instant)) == instant


@given(st.integers(-(10**38) + 1, 10**38 - 1))
def test_a_number_of_38_digits_keeps_them_all(units: int) -> None:
    digits = f"{abs(units):019d}"
    text = f"{'-' if units < 0 else ''}{digits[:-18]}.{digits[-18:]}"
    assert f"{parse_decimal(text, DecimalKind()):f}" == text


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("2026-01-31T15:04:05", NotInGrammarError),
        ("2026-01-31T15:04Z", NotInGrammarError),
        ("2026-01-31T15:04:05Z\n", NotInGrammarError),
        ("2026-01-31t15:04:05Z", NotInGrammarError),
        ("2026-01-31T24:00:00Z", NotInGrammarError),
        ("2026-01-31T15:04:05.1234567Z", UnrepresentableError),
        ("2026-01-31T15:04:05.123456789+05:30", UnrepresentableError),
        ("2026-02-30T15:04:05Z", OutsideBoundsError),
        ("1999-12-31T23:59:59Z", OutsideBoundsError),
        ("2199-12-31T23:59:59-00:01", OutsideBoundsError),
        ("0001-01-01T00:00:00+23:59", OutsideBoundsError),
    ],
)
def test_an_instant_that_is_none_says_why(text: str, error: type[ValueError]) -> None:
    with pytest.raises(error):
        parse_timestamp(text)


@pytest.mark.parametrize(
    ("text", "error"),
    [("2026-1-1", NotInGrammarError), ("2026-02-30", OutsideBoundsError), ("1899-12-31", OutsideBoundsError)],
)
def test_a_day_that_is_none_says_why(text: str, error: type[ValueError]) -> None:
    with pytest.raises(error):
        parse_date(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", "1.0000"),
        ("-0.000", "0.0000"),
        ("007.5", "7.5000"),
        ("1.5" + "0" * 60, "1.5000"),
        ("9" * 14, "9" * 14 + ".0000"),
    ],
)
def test_every_spelling_of_a_number_gives_all_digits_of_the_scale(text: str, number: str) -> None:
    assert str(parse_decimal(text, PRICE)) == number


def test_a_number_of_fractional_digits_alone_is_less_than_one() -> None:
    fraction = DecimalKind(38, 38)
    assert f"{parse_decimal('0.' + '9' * 38, fraction):f}" == "0." + "9" * 38
    with pytest.raises(OutsideBoundsError):
        parse_decimal("1." + "0" * 38, fraction)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        *((text, NotInGrammarError) for text in ("", "1.", ".5", "+1", " 1", "1\n", "1_0", "NaN", "\uff11", "0x1")),
        *((text, UnrepresentableError) for text in ("1e2", "1.23456", "1.2345000000000000001")),
        *((text, OutsideBoundsError) for text in ("9" * 15, "0" * 15, "-0.0001")),
    ],
)
def test_a_number_that_is_none_says_why(text: str, error: type[ValueError]) -> None:
    with pytest.raises(error):
        parse_decimal(text, PRICE)
