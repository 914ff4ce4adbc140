"""How instants, days and exact numbers are written on the wire: the one place that says so.

Every engine holds these texts to the same expressions, because none of them agrees with another by itself: a
newline before the end, `1_000.5`, a seventh fractional digit, missing seconds.
"""

import re
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from typing import ClassVar, LiteralString

import msgspec

from headrace.contracts.kinds import DecimalKind

_HOUR = "(?:[01][0-9]|2[0-3])"
_SIXTY = "[0-5][0-9]"
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"

TIMESTAMP = re.compile(
    rf"{_DAY}T{_HOUR}:{_SIXTY}:{_SIXTY}(?:\.[0-9]{{1,6}})?(?:Z|[+-]{_HOUR}:{_SIXTY})",
)
"""RFC 3339 with an offset and at most microseconds; for `fullmatch`."""

DATE = re.compile(_DAY)
"""For `fullmatch`."""

FIRST_INSTANT = datetime(2000, 1, 1, tzinfo=UTC)
END_OF_INSTANTS = datetime(2200, 1, 1, tzinfo=UTC)
"""Instants lie in `FIRST_INSTANT <= t < END_OF_INSTANTS`, so that no sender can make a million date partitions."""

FIRST_DAY = date(1900, 1, 1)
LAST_DAY = date(2199, 12, 31)

_NUMBER = re.compile(r"-?([0-9]+)(?:\.[0-9]+)?")
EXACT = Context(prec=100)
"""Holds more than the 38 digits there are, so that nothing but a column's scale rounds."""
_EXPONENT = re.compile(r"-?[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]+")


class GrammarError(ValueError):
    """A value that its kind does not accept. `code` is the error type that pydantic reports."""

    code: ClassVar[LiteralString]


class NotInGrammarError(GrammarError):
    """A text that is not written as its kind demands."""

    code = "not_in_grammar"


class UnrepresentableError(GrammarError):
    """A well-meant value that the column cannot hold exactly."""

    code = "unrepresentable"


class OutsideBoundsError(GrammarError):
    """A well-written value beyond the bounds of its kind."""

    code = "outside_bounds"


def parse_timestamp(text: str) -> datetime:
    """An aware UTC datetime.

    Raises:
        NotInGrammarError: not an RFC 3339 time with seconds and an offset.
        UnrepresentableError: more than six fractional digits.
        OutsideBoundsError: no such day, or a year outside 2000 to 2199.
    """
    if TIMESTAMP.fullmatch(text) is None:
        if re.fullmatch(r"[^.]+\.[0-9]{7,}[^0-9.]+[0-9:]*", text):
            msg = "a time holds at most six fractional digits (microseconds)"
            raise UnrepresentableError(msg)
        msg = "a time is written 2026-01-31T15:04:05.123456Z, with seconds and an offset"
        raise NotInGrammarError(msg)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        msg = "the calendar has no such day"
        raise OutsideBoundsError(msg) from error
    return check_instant(instant)


def check_instant(instant: datetime) -> datetime:
    """The same instant in UTC.

    Raises:
        OutsideBoundsError: its UTC year is outside 2000 to 2199.
    """
    if not FIRST_INSTANT <= instant < END_OF_INSTANTS:
        msg = "the year, in UTC, must lie between 2000 and 2199"
        raise OutsideBoundsError(msg)
    return instant.astimezone(UTC)


def parse_date(text: str) -> date:
    """A calendar day.

    Raises:
        NotInGrammarError: not written as 2026-01-31.
        OutsideBoundsError: no such day, or a year outside 1900 to 2199.
    """
    if DATE.fullmatch(text) is None:
        msg = "a date is written 2026-01-31"
        raise NotInGrammarError(msg)
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        msg = "the calendar has no such day"
        raise OutsideBoundsError(msg) from error
    return check_day(day)


def check_day(day: date) -> date:
    """The same day.

    Raises:
        OutsideBoundsError: its year is outside 1900 to 2199.
    """
    if not FIRST_DAY <= day <= LAST_DAY:
        msg = "the year must lie between 1900 and 2199"
        raise OutsideBoundsError(msg)
    return day


def integer_digits(kind: DecimalKind) -> int:
    """How many digits may stand before the point."""
    return max(1, kind.precision - kind.scale)


def decimal_bounds(kind: DecimalKind) -> tuple[Decimal, Decimal]:
    """The smallest and the largest number of the kind."""
    largest = Decimal(1).scaleb(kind.precision - kind.scale) - kind.unit
    low = -largest if kind.minimum is None else max(-largest, kind.minimum)
    return low, largest if kind.maximum is None else min(largest, kind.maximum)


def parse_decimal(text: str, kind: DecimalKind) -> Decimal:
    """The exact number with `kind.scale` fractional digits; zero has no sign.

    Raises:
        NotInGrammarError: not digits with at most one point.
        UnrepresentableError: an exponent, or digits other than zero beyond the scale.
        OutsideBoundsError: too many digits before the point, or beyond the kind's bounds.
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        if _EXPONENT.fullmatch(text):
            msg = "an exact number is written without exponent"
            raise UnrepresentableError(msg)
        msg = "an exact number is written as digits with at most one point, such as 1234.5"
        raise NotInGrammarError(msg)
    if len(match[1]) > integer_digits(kind):
        msg = f"at most {integer_digits(kind)} digits may stand before the point"
        raise OutsideBoundsError(msg)
    number = Decimal(text)
    exact = number.quantize(kind.unit, context=EXACT)
    if exact != number:
        msg = f"the column holds {kind.scale} digits after the point and nothing is rounded"
        raise UnrepresentableError(msg)
    return _within(exact if exact else exact.copy_abs(), kind)


def _within(number: Decimal, kind: DecimalKind) -> Decimal:
    if kind.scale == kind.precision and number.copy_abs() >= 1:
        msg = f"the column holds {kind.precision} digits"
        raise OutsideBoundsError(msg)
    if kind.minimum is not None and number < kind.minimum:
        msg = f"must be at least {kind.minimum:f}"
        raise OutsideBoundsError(msg)
    if kind.maximum is not None and number > kind.maximum:
        msg = f"must be at most {kind.maximum:f}"
        raise OutsideBoundsError(msg)
    return number


def format_timestamp(instant: datetime) -> str:
    """The one way Headrace writes an instant: UTC, six fractional digits, `Z`. `instant` is aware."""
    # msgspec writes just that, several times as fast as isoformat, but leaves out a fraction of zeros.
    text = str(msgspec.to_builtins(instant.astimezone(UTC)))
    return text if instant.microsecond else f"{text[:-1]}.000000Z"
