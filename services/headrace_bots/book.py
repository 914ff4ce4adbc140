"""What a strategy has traded, kept up trade by trade: what it holds as a whole, and what it has earned. Exact."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from math import gcd

from headrace.contracts.trading import Trade
from headrace_bots.strategies import SHARES_PER_CONTRACT

HEDGE = "hedge"
"""The last part of the leg that holds shares of the underlying."""


@dataclass
class Book:
    """The trades of one strategy, in order: it opens legs, hedges them, and closes everything at once.

    Attributes:
        cash: received less paid since it last held nothing, commissions included, currency units.
        realized: the same of everything before, currency units.
        opened: day on which it opened what it holds, or held last.
        closed: day on which it closed that; None while it holds it.
    """

    cash: Decimal = Decimal(0)
    realized: Decimal = Decimal(0)
    opened: date | None = None
    closed: date | None = None
    _held: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    _sizes: dict[str, int] = field(default_factory=dict)
    _entry: Decimal = Decimal(0)
    _exit: Decimal = Decimal(0)

    def add(self, trade: Trade) -> None:
        """Takes the next trade."""
        if not self._held:
            self._begin(trade)
        quantity = trade.quantity if trade.action == "BUY" else -trade.quantity
        hedge = trade.leg_id.rpartition("/")[2] == HEDGE
        self.cash -= trade.price * quantity * (1 if hedge else SHARES_PER_CONTRACT) + trade.commission
        if not hedge:
            self._price(trade, quantity)
        self._held[trade.leg_id] += quantity
        if not self._held[trade.leg_id]:
            del self._held[trade.leg_id]
        if not self._held:
            self.closed = trade.timestamp.date()
            self.realized, self.cash = self.realized + self.cash, Decimal(0)

    @property
    def quantity(self) -> int:
        """Units held; negative when they were sold for a credit."""
        if self.closed:
            return 0
        return -self._units if self._entry < 0 else self._units

    @property
    def entry_price(self) -> Decimal:
        """Net price of a unit when it was opened; negative for a credit."""
        return self._entry / self._units

    @property
    def exit_price(self) -> Decimal | None:
        """The same when it was closed; None while it is held."""
        return self._exit / self._units if self.closed else None

    @property
    def _units(self) -> int:
        return gcd(*self._sizes.values())

    def _begin(self, trade: Trade) -> None:
        self.opened, self.closed = trade.timestamp.date(), None
        self._sizes, self._entry, self._exit = {}, Decimal(0), Decimal(0)

    def _price(self, trade: Trade, quantity: int) -> None:
        """An option's first trade opens its leg, the other one closes it."""
        if trade.leg_id in self._sizes:
            self._exit -= trade.price * quantity
        else:
            self._sizes[trade.leg_id] = quantity
            self._entry += trade.price * quantity
