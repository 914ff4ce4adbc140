"""Bots: each trades one strategy on one underlying and says everything it does as events."""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from math import gcd

from headrace.contracts import Event
from headrace.contracts.trading import Signal, Trade
from headrace_bots.book import HEDGE, Book
from headrace_bots.events import (
    MODEL,
    Mark,
    Mood,
    Order,
    Reporter,
    Stamps,
    Standing,
    option_commission,
    read_mood,
    share_commission,
    to_cents,
)
from headrace_bots.market import Market
from headrace_bots.pricing import Valuation
from headrace_bots.strategies import (
    SHARES_PER_CONTRACT,
    STRATEGIES,
    Exposure,
    Leg,
    Plan,
    Strategy,
    exit_rule,
    hedge_order,
)

# How often a bot without a position gets a model's opinion, and how strong it must be to act on it.
_OPINION_CHANCE = 0.7
_CONFIRM_CHANCE = 0.15
# The model goes on speaking to a bot that holds a position and can only let it pass.
_OPINION_CHANCE_HOLDING = 0.02
_ACT_ABOVE = 0.35
_MARKS_PER_DAY = 2


@dataclass(frozen=True, slots=True)
class _Exit:
    """A decision to close that is carried out on the next day."""

    signal: Signal
    rolls: bool


class Bot:
    """One strategy on one underlying, day by day: look, open, mark, hedge, close or roll.

    Args:
        bot_id: its strategy id, and the seed of its own decisions together with `seed`.
        strategy: what it trades.
        symbol: on what.
        stamps: ids and times of its events.
        seed: of the run.
    """

    def __init__(self, bot_id: str, strategy: Strategy, symbol: str, *, stamps: Stamps, seed: int) -> None:
        self.bot_id = bot_id
        self._strategy = strategy
        self._symbol = symbol
        self._report = Reporter(bot_id, stamps)
        self._random = random.Random(f"{seed}/{bot_id}")  # a simulation
        self._legs: tuple[Leg, ...] = ()
        self._shares = 0
        self._cycle = 0
        self._next_mark = 0
        self._entry: Signal | None = None
        self._exit: _Exit | None = None
        self._book = Book()
        self._entered_in: Mood | None = None

    def act(self, market: Market, *, performance: bool = False) -> Iterator[Event]:
        """What the bot does on one day of the market; when it has traded, its position comes last.

        Args:
            market: of that day.
            performance: whether it also says how it stands, while it holds something and when it has closed it.
        """
        traded = False
        for event in self._decide(market):
            if isinstance(event, Trade):
                self._book.add(event)
                traded = True
            yield event
        if traded:
            yield self._position(market)
        if performance and (traded or self._legs):
            yield self._performance(market)

    def _decide(self, market: Market) -> Iterator[Event]:
        if self._legs:
            yield from self._hold(market)
        elif self._entry is not None:
            entry, self._entry = self._entry, None
            yield self._report.acted_upon(entry)
            yield from self._open(market, self._strategy.build(market, self._symbol))
        else:
            yield from self._look(market)

    def _look(self, market: Market) -> Iterator[Event]:
        mood = self._mood(market)
        if self._random.random() < _CONFIRM_CHANCE:
            strength = round(self._random.betavariate(2, 2), 4)
            yield self._report.signal("futures_confirm", "futures_feed", symbol=self._symbol, value=strength, mood=mood)
        if self._random.random() < _OPINION_CHANCE:
            signal = self._opinion(mood)
            yield signal
            if signal.signal_value > _ACT_ABOVE:
                self._entry = signal

    def _opinion(self, mood: Mood) -> Signal:
        value = round(self._random.betavariate(3, 2), 4)
        return self._report.signal("ml_entry", MODEL, symbol=self._symbol, value=value, mood=mood)

    def _open(self, market: Market, plans: Sequence[Plan]) -> Iterator[Event]:
        self._cycle += 1
        self._entered_in = self._mood(market)
        legs = []
        for number, plan in enumerate(plans, start=1):
            price = max(0.01, market.value(plan.option).price)
            leg_id = f"{self.bot_id}/{self._cycle}/{number}"
            legs.append(Leg(leg_id, plan.option, plan.quantity, float(to_cents(price))))
            yield self._option_trade(leg_id, plan.quantity, price)
        self._legs = tuple(legs)

    def _hold(self, market: Market) -> Iterator[Event]:
        values = [market.value(leg.option) for leg in self._legs]
        if self._exit is not None:
            yield from self._close(market, values, self._exit)
            return
        exposure = Exposure(delta=self._shares)
        for leg, value in zip(self._legs, values, strict=True):
            exposure = exposure.plus(leg.quantity, value)
        yield from self._mark(market, values, exposure)
        yield from self._hedge(market, exposure)
        if self._random.random() < _OPINION_CHANCE_HOLDING:
            yield self._opinion(self._mood(market))
        rule = exit_rule(self._legs, values, market.day)
        if rule is not None:
            signal = self._report.signal("rule_exit", rule, symbol=self._symbol, value=1.0, mood=self._mood(market))
            self._exit = _Exit(signal, rolls=rule == "rule_21_dte")
            yield signal

    def _mark(self, market: Market, values: Sequence[Valuation], book: Exposure) -> Iterator[Event]:
        for _ in range(_MARKS_PER_DAY):
            place = self._next_mark % len(self._legs)
            self._next_mark += 1
            leg = self._legs[place]
            mark = Mark(values[place], market.implied_volatility(leg.option), market.spot(self._symbol))
            yield self._report.greeks(leg.leg_id, self._symbol, mark=mark, book=book)

    def _hedge(self, market: Market, exposure: Exposure) -> Iterator[Event]:
        shares = hedge_order(exposure.delta, self._strategy.hedge_band)
        if shares:
            yield self._share_trade(market, shares)

    def _close(self, market: Market, values: Sequence[Valuation], decision: _Exit) -> Iterator[Event]:
        yield self._report.acted_upon(decision.signal)
        for leg, value in zip(self._legs, values, strict=True):
            yield self._option_trade(leg.leg_id, -leg.quantity, value.price)
        if self._shares:
            yield self._share_trade(market, -self._shares)
        self._legs, self._exit = (), None
        if decision.rolls:
            yield from self._open(market, self._strategy.build(market, self._symbol))

    def _position(self, market: Market) -> Event:
        now = self._standing(market)
        return self._report.position(self._symbol, book=self._book, exposure=now.exposure, worth=now.worth)

    def _performance(self, market: Market) -> Event:
        mood = self._mood(market)
        return self._report.performance(
            book=self._book, standing=self._standing(market), entered_in=self._entered_in or mood, mood=mood
        )

    def _standing(self, market: Market) -> Standing:
        exposure, price = Exposure(delta=self._shares), 0.0
        for leg in self._legs:
            value = market.value(leg.option)
            exposure = exposure.plus(leg.quantity, value)
            price += leg.quantity * value.price
        return Standing(
            exposure=exposure,
            worth=to_cents(price * SHARES_PER_CONTRACT + self._shares * market.spot(self._symbol)),
            price=to_cents(price / gcd(*(leg.quantity for leg in self._legs)) if self._legs else 0.0),
            days_left=int(min((leg.option.days_left(market.day) for leg in self._legs), default=0)),
        )

    def _option_trade(self, leg_id: str, quantity: int, price: float) -> Event:
        return self._report.trade(
            Order(leg_id, self._symbol, quantity, to_cents(price), option_commission(abs(quantity)))
        )

    def _share_trade(self, market: Market, shares: int) -> Event:
        self._shares += shares
        return self._report.trade(
            Order(
                f"{self.bot_id}/{HEDGE}",
                self._symbol,
                shares,
                to_cents(market.spot(self._symbol)),
                share_commission(abs(shares)),
            )
        )

    def _mood(self, market: Market) -> Mood:
        return read_mood(market.move(self._symbol))


def make_bots(count: int, symbols: Sequence[str], stamps: Stamps, seed: int) -> list[Bot]:
    """So many bots, spread over strategies and underlyings."""
    bots = []
    for number in range(count):
        strategy = STRATEGIES[number % len(STRATEGIES)]
        symbol = symbols[(number // len(STRATEGIES)) % len(symbols)]
        bots.append(Bot(_bot_id(number), strategy, symbol, stamps=stamps, seed=seed))
    return bots


def bot_ids(count: int) -> frozenset[str]:
    """The strategy ids of so many bots."""
    return frozenset(map(_bot_id, range(count)))


def _bot_id(number: int) -> str:
    return f"{STRATEGIES[number % len(STRATEGIES)].name}-{number + 1:03d}"


class Simulation:
    """A market and its bots.

    The same seed, run and clock give the same events.

    Args:
        seed: of every random decision.
        bots: how many.
        stamps: ids and times of the events.
        looks: calendar days from each look of the bots at the market to the next; a look a day by default, without end.
        performance: whether bots say at each look how they stand, too.
    """

    def __init__(
        self, seed: int, bots: int, stamps: Stamps, *, looks: Iterable[float] | None = None, performance: bool = False
    ) -> None:
        self._market = Market(seed)
        self._looks = repeat(1.0) if looks is None else looks
        self._performance = performance
        self._bots = make_bots(bots, self._market.symbols, stamps, seed)

    def events(self, count: int | None = None) -> Iterator[Event]:
        """Every event of every bot, look after look. The times of events do not go back.

        Args:
            count: ends them when there were so many, and the bot has finished its day; None never does.
        """
        told = 0
        for days in self._looks:
            for bot in self._bots:
                for event in bot.act(self._market, performance=self._performance):
                    told += 1
                    yield event
                if count is not None and told >= count:
                    return
            self._market.advance(days)
