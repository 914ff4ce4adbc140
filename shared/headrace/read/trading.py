"""What trading bots emitted: executions, greeks and signals, with the questions that are asked of them."""

import polars as pl

from headrace.contracts import Greeks as GreeksEvent
from headrace.contracts import Signal, Trade
from headrace.lake import Lake
from headrace.read.repository import Repository

MISSED_ABOVE = 0.8
"""A signal that strong, not acted upon, was missed."""


class Trades(Repository[Trade]):
    """Executions."""

    def __init__(self, lake: Lake) -> None:
        super().__init__(lake, Trade)

    def per_strategy(self, rows: pl.LazyFrame | None = None) -> pl.LazyFrame:
        """What each strategy traded, the largest volume first.

        Columns: `strategy_id`, `trades` and `contracts` (how many), `traded` (price x quantity), `net` (the same of
        what was sold less what was bought), `commission`. Prices are per contract unit, so are `traded` and `net`.
        A trade that a bot with a spool sent again after a crash is in the table twice, and counts once.

        Args:
            rows: those that count, such as `between(...)`; all by default.

        Raises:
            HeadraceError: as `rows`.
        """
        amount = pl.col("price") * pl.col("quantity")
        chosen = self.rows() if rows is None else rows
        # Of the same id it is the same trade, so any of its rows will do: no order is needed.
        counted = chosen.select("transaction_id", "strategy_id", "action", "quantity", "price", "commission")
        return (
            counted.unique("transaction_id", keep="any")
            .group_by("strategy_id")
            .agg(
                pl.len().alias("trades"),
                pl.col("quantity").sum().alias("contracts"),
                amount.sum().alias("traded"),
                pl.when(pl.col("action") == "SELL").then(amount).otherwise(-amount).sum().alias("net"),
                pl.col("commission").sum(),
            )
            .sort("traded", "strategy_id", descending=[True, False])
        )


class Greeks(Repository[GreeksEvent]):
    """Sensitivities of legs, and of strategies as a whole."""

    def __init__(self, lake: Lake) -> None:
        super().__init__(lake, GreeksEvent)

    def latest_per_leg(self, rows: pl.LazyFrame | None = None) -> pl.LazyFrame:
        """Of each leg the latest greeks; those of strategies as a whole are left out.

        Args:
            rows: those to choose from; all by default.

        Raises:
            HeadraceError: as `rows`.
        """
        chosen = self.rows() if rows is None else rows
        return self.latest("leg_id", rows=chosen.filter(pl.col("leg_id").is_not_null()))

    def latest_per_strategy(self, rows: pl.LazyFrame | None = None) -> pl.LazyFrame:
        """Of each strategy its latest greeks as a whole, which the records of its legs tell, too.

        Columns: `strategy_id`, `symbol`, `timestamp`, `underlying_price`, `portfolio_delta`, `portfolio_gamma`,
        `portfolio_theta`, `portfolio_vega`.

        Args:
            rows: those to choose from; all by default.

        Raises:
            HeadraceError: as `rows`.
        """
        of_all = [f"portfolio_{name}" for name in ("delta", "gamma", "theta", "vega")]
        return self.latest("strategy_id", rows=rows).select(
            "strategy_id", "symbol", "timestamp", "underlying_price", *of_all
        )


class Signals(Repository[Signal]):
    """Opinions of models and rules. One acted upon later is emitted again: of each its latest row counts here."""

    def __init__(self, lake: Lake) -> None:
        super().__init__(lake, Signal)

    @property
    def natural_key(self) -> tuple[str, ...]:
        """What stays the same when a signal is emitted again."""
        return "strategy_id", "timestamp", "signal_type", "source"

    def acted_upon(self, strategy_id: str | None = None) -> pl.LazyFrame:
        """Signals that were acted upon.

        Args:
            strategy_id: of one strategy; of all by default.

        Raises:
            HeadraceError: as `rows`.
        """
        return self._latest_of(strategy_id).filter(pl.col("acted_upon"))

    def missed(self, strategy_id: str | None = None, *, above: float = MISSED_ABOVE) -> pl.LazyFrame:
        """Signals above a value that nobody acted upon.

        Args:
            strategy_id: of one strategy; of all by default.
            above: between 0 and 1; a signal of just that value is none of them.

        Raises:
            HeadraceError: as `rows`.
        """
        strong = (pl.col("signal_value") > above) & ~pl.col("acted_upon")
        return self._latest_of(strategy_id).filter(strong)

    def seconds_to_action(self, strategy_id: str | None = None) -> pl.LazyFrame:
        """Signals acted upon, with the seconds from signal to action in `seconds_to_action`; null where none is told.

        Args:
            strategy_id: of one strategy; of all by default.

        Raises:
            HeadraceError: as `rows`.
        """
        took = (pl.col("acted_at") - pl.col("timestamp")).dt.total_microseconds() / 1e6
        return self.acted_upon(strategy_id).with_columns(took.alias("seconds_to_action"))

    def _latest_of(self, strategy_id: str | None) -> pl.LazyFrame:
        rows = self.rows()
        return self.latest(rows=rows if strategy_id is None else rows.filter(pl.col("strategy_id") == strategy_id))
