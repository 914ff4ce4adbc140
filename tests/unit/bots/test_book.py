from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal

from headrace.contracts.trading import Trade
from headrace_bots.book import Book

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def trade(leg: str, quantity: int, price: str, commission: str = "1.00", *, day: int = 2) -> Trade:
    return Trade(
        transaction_id="t",
        strategy_id="s",
        leg_id=f"s/{leg}",
        symbol="SPY",
        action="BUY" if quantity > 0 else "SELL",
        quantity=abs(quantity),
        price=Decimal(price),
        commission=Decimal(commission),
        timestamp=NOON.replace(day=day),
    )


def book_of(trades: Iterable[Trade]) -> Book:
    book = Book()
    for one in trades:
        book.add(one)
    return book


OPENING = [trade("1/1", 2, "0.50"), trade("1/2", -2, "1.25"), trade("hedge", 30, "500.01", "0.1050")]
CLOSING = [trade("1/1", -2, "0.10", day=5), trade("1/2", 2, "0.40", day=5), trade("hedge", -30, "501.00", day=5)]


def test_what_is_open_has_a_net_price_and_has_earned_nothing() -> None:
    book = book_of(OPENING)
    assert (book.quantity, book.entry_price, book.exit_price) == (-2, Decimal("-0.75"), None)
    assert (book.opened, book.closed, book.realized) == (date(2026, 3, 2), None, Decimal(0))
    assert book.cash == Decimal("-100.00") + Decimal("250.00") - Decimal("15000.30") - Decimal("2.1050")


def test_what_is_closed_has_earned_all_that_came_in_less_all_that_went_out() -> None:
    book = book_of(OPENING + CLOSING)
    assert (book.quantity, book.entry_price, book.exit_price) == (0, Decimal("-0.75"), Decimal("-0.30"))
    assert (book.opened, book.closed) == (date(2026, 3, 2), date(2026, 3, 5))
    assert book.cash == 0
    # 150 of credit, 60 to close, 0.99 on each of 30 shares, and commissions.
    assert book.realized == Decimal("150.00") - Decimal("60.00") + Decimal("29.70") - Decimal("5.1050")


def test_the_next_position_begins_anew_and_keeps_what_was_earned() -> None:
    before = book_of(OPENING + CLOSING)
    book = book_of([*OPENING, *CLOSING, trade("2/1", 3, "2.00", day=6)])
    assert (book.quantity, book.entry_price, book.exit_price) == (3, Decimal("2.00"), None)
    assert (book.opened, book.closed, book.realized) == (date(2026, 3, 6), None, before.realized)


def test_shares_alone_are_still_a_position() -> None:
    book = book_of(OPENING + CLOSING[:2])
    assert book.closed is None
    assert book.realized == 0
