from datetime import UTC, datetime, timedelta, timezone
from functools import cached_property

from hypothesis import given
from hypothesis import strategies as st

from headrace import Event, Symbol, UtcTimestamp
from headrace.contracts.grammar import format_timestamp, parse_timestamp


class Quote(Event, topic="quotes", key="symbol"):
    """With something that is no field."""

    symbol: Symbol
    note: str | None = None
    timestamp: UtcTimestamp

    @cached_property
    def shouted(self) -> str:
        return f"{self.symbol}!"


MORNING = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


def test_members_stand_in_the_order_of_the_class_whatever_the_order_of_arguments() -> None:
    one = Quote(symbol="SPY", note="n", timestamp=MORNING)
    other = Quote(timestamp=MORNING, note="n", symbol="SPY")
    assert one.to_wire() == other.to_wire()
    assert one.to_wire() == b'{"symbol":"SPY","note":"n","timestamp":"2026-01-31T09:30:00.000000Z"}'


def test_what_a_class_caches_is_not_written() -> None:
    quote = Quote(symbol="SPY", timestamp=MORNING)
    before = quote.to_wire()
    assert quote.shouted == "SPY!"
    assert quote.to_wire() == before


@given(
    st.datetimes(datetime(2000, 1, 2), datetime(2199, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-5))]),
)
def test_instants_are_written_in_one_way(instant: datetime, zone: timezone) -> None:
    text = f"{instant:%Y-%m-%dT%H:%M:%S}.{instant.microsecond:06d}Z"
    local = instant.astimezone(zone)
    assert format_timestamp(local) == text
    assert Quote(symbol="SPY", timestamp=local).to_wire() == b'{"symbol":"SPY","timestamp":"%s"}' % text.encode()
    assert parse_timestamp(text) == instant
