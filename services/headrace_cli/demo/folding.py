"""What the positions must be, summed up from all trades: nothing is taken over from whoever kept them. No I/O.

A strategy opens option legs, hedges them with shares of the underlying, and closes everything before it opens the next
ones: that is a round. A leg's id is `strategy/round/number`, that of the hedge `strategy/hedge`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import gcd

_HEDGE = "hedge"
_SHARES_PER_CONTRACT = 100


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade.

    Attributes:
        leg: what was traded.
        quantity: contracts or shares; negative when they were sold.
        price: of one share, currency units.
        commission: currency units.
    """

    leg: str
    quantity: int
    price: Decimal
    commission: Decimal

    @property
    def round(self) -> str:
        """The second part of the leg's id."""
        return self.leg.split("/")[1]

    @property
    def cash(self) -> Decimal:
        """What it brought, currency units; negative when it cost that."""
        size = 1 if self.round == _HEDGE else _SHARES_PER_CONTRACT
        return -self.price * self.quantity * size - self.commission


@dataclass(frozen=True, slots=True)
class Held:
    """What a strategy holds as a whole, and what it has earned; prices and profit in currency units.

    Attributes:
        status: `open` or `closed`.
        quantity: units; negative when they were sold for a credit, 0 when closed.
        entry_price: net price of a unit when it was opened; negative for a credit.
        exit_price: the same when it was closed; None while it is open.
        realized_pnl: of all that was closed.
    """

    status: str
    quantity: int
    entry_price: Decimal
    exit_price: Decimal | None
    realized_pnl: Decimal


@dataclass(frozen=True, slots=True)
class Compared:
    """One strategy: what its trades add up to, and what the table of positions says; None of what is not there."""

    strategy_id: str
    trades: int
    folded: Held | None
    found: Held | None

    @property
    def equal(self) -> bool:
        """Whether both say the same, to the last decimal."""
        return self.folded == self.found


def fold(fills: Sequence[Fill]) -> Held:
    """What the trades of one strategy add up to.

    Args:
        fills: all of them, in order; at least one.
    """
    rounds: dict[str, list[Fill]] = {}
    running = ""
    for fill in fills:
        running = running if fill.round == _HEDGE else fill.round
        rounds.setdefault(running, []).append(fill)
    last = list(rounds.values())[-1]
    legs: dict[str, list[Fill]] = {}
    for fill in last:
        if fill.round != _HEDGE:
            legs.setdefault(fill.leg, []).append(fill)
    units = gcd(*(opened.quantity for opened, *_ in legs.values())) or 1
    entry = sum((opened.quantity // units * opened.price for opened, *_ in legs.values()), Decimal(0))
    left = sum((opened.quantity // units * traded[-1].price for opened, *traded in legs.values() if traded), Decimal(0))
    closed = _is_flat(last)
    return Held(
        status="closed" if closed else "open",
        quantity=0 if closed else -units if entry < 0 else units,
        entry_price=entry,
        exit_price=left if closed else None,
        realized_pnl=sum((fill.cash for part in rounds.values() if _is_flat(part) for fill in part), Decimal(0)),
    )


def _is_flat(fills: Iterable[Fill]) -> bool:
    net: Counter[str] = Counter()
    for fill in fills:
        net[fill.leg] += fill.quantity
    return not any(net.values())


def compare(trades: Mapping[str, Sequence[Fill]], positions: Mapping[str, Held]) -> list[Compared]:
    """Every strategy of either side.

    Args:
        trades: of each strategy, in order.
        positions: what the table says.
    """
    return [
        Compared(name, len(trades.get(name, ())), fold(trades[name]) if name in trades else None, positions.get(name))
        for name in sorted({*trades, *positions})
    ]
