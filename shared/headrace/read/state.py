"""What trading bots know now: positions, legs, market regimes and performance, with the questions asked of them."""

from datetime import datetime

import polars as pl

from headrace.contracts import Leg, MarketRegime, Position, PositionUpdate
from headrace.contracts import PerformanceMetrics as PerformanceEvent
from headrace.lake import EventTime, Lake
from headrace.read.repository import Repository

OPEN = "open"
"""Status of what is held."""


class Positions(Repository[Position]):
    """What each strategy holds."""

    def __init__(self, lake: Lake) -> None:
        super().__init__(lake, Position)

    def get_latest(self) -> pl.LazyFrame:
        """All positions, one of each strategy.

        Raises:
            HeadraceError: as `rows`.
        """
        return self.rows()

    def get_at_version(self, version: int) -> pl.LazyFrame:
        """All positions as that version of the table has them.

        Raises:
            HeadraceError: as `at`.
        """
        return self.at(version).rows()

    def get_at_time(self, moment: datetime | EventTime) -> pl.LazyFrame:
        """All positions as they were known at a time.

        Args:
            moment: a datetime for what had been committed by then, an `EventTime` for what had happened by then.

        Raises:
            HeadraceError: as `at`.
        """
        return self.at(moment).rows()

    def get_by_symbol(self, symbol: str) -> pl.LazyFrame:
        """Positions on one underlying.

        Raises:
            HeadraceError: as `rows`.
        """
        return self.rows().filter(pl.col("symbol") == symbol)

    def get_open_positions(self) -> pl.LazyFrame:
        """Positions of status `open`.

        Raises:
            HeadraceError: as `rows`.
        """
        return self.rows().filter(pl.col("status") == OPEN)

    def get_by_strategy_id(self, strategy_id: str) -> Position | None:
        """The position of a strategy; None if it has none.

        Raises:
            HeadraceError: as `get`.
        """
        return self.get(strategy_id=strategy_id)


class Legs(Repository[Leg]):
    """Options of strategies."""

    def __init__(self, lake: Lake) -> None:
        super().__init__(lake, Leg)


class PositionUpdates(Repository[PositionUpdate]):
    """What the broker says is held of each contract."""

    def __init__(self, lake: Lake) -> None:
        super().__init__(lake, PositionUpdate)

    def held(self) -> pl.LazyFrame:
        """Contracts of which there is a quantity, long or short.

        Raises:
            HeadraceError: as `rows`.
        """
        return self.rows().filter(pl.col("quantity") != 0)


class MarketRegimes(Repository[MarketRegime]):
    """What models, or somebody, took the market for at each moment."""

    def __init__(self, lake: Lake) -> None:
        super().__init__(lake, MarketRegime)

    def latest_per_symbol(self) -> pl.LazyFrame:
        """Of each symbol the regime of the latest moment.

        Raises:
            HeadraceError: as `rows`.
        """
        return self.latest("symbol")

    def joined_to(self, performance: pl.LazyFrame, *, symbols: Positions | str) -> pl.LazyFrame:
        """Rows of performance, each with the regime of its moment: the last that speaks of then or earlier.

        Beside its own columns each gets `symbol`, and what was said of the market: `regime`, `regime_timestamp`,
        `regime_confidence`, `regime_source`, `vix`, `put_call_ratio`, `futures_trend`; null where nothing was.

        Args:
            performance: rows of `PerformanceMetrics`, such as `rows()` or `latest("strategy_id")`.
            symbols: the market that is asked for; with `Positions` of each strategy that of its position.

        Raises:
            HeadraceError: as `rows`.
        """
        if isinstance(symbols, str):
            asked = performance.with_columns(pl.lit(symbols).alias("symbol"))
        else:
            asked = performance.join(symbols.rows().select("strategy_id", "symbol"), on="strategy_id", how="left")
        said = self.rows().select(
            "symbol",
            pl.col("timestamp").alias("regime_timestamp"),
            "regime",
            pl.col("confidence").alias("regime_confidence"),
            pl.col("source").alias("regime_source"),
            "vix",
            "put_call_ratio",
            "futures_trend",
        )
        return asked.sort("timestamp").join_asof(
            said.sort("regime_timestamp"),
            left_on="timestamp",
            right_on="regime_timestamp",
            by="symbol",
            coalesce=False,
            check_sortedness=False,
        )


class PerformanceMetrics(Repository[PerformanceEvent]):
    """How strategies stood at each moment."""

    def __init__(self, lake: Lake) -> None:
        super().__init__(lake, PerformanceEvent)

    def latest_per_strategy(self) -> pl.LazyFrame:
        """Of each strategy how it stood last: its profit and loss, realized and not.

        Raises:
            HeadraceError: as `rows`.
        """
        return self.latest("strategy_id")
