"""What the tables are for: three questions and their answers."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from headrace.lake import Lake
from headrace.read import Greeks, Signals, Trades


def answers(lake: Path) -> Iterator[tuple[str, pl.DataFrame]]:
    """Question and answer, computed when asked for.

    Args:
        lake: root of the tables.
    """
    tables = Lake(str(lake))

    newest = Greeks(tables).latest_per_leg().sort("timestamp", descending=True).head(5)
    shown = newest.select("leg_id", "symbol", "timestamp", "delta", "gamma", "theta", "vega")
    yield "latest greeks per leg (the 5 newest)", shown.collect()

    largest = Trades(tables).per_strategy().head(5)
    shown = largest.select("strategy_id", "trades", "contracts", "traded", "commission")
    yield "traded volume and commission per strategy (the 5 largest)", shown.collect()

    acted = (
        Signals(tables)
        .seconds_to_action()
        .group_by("signal_type")
        .agg(
            pl.len().alias("acted_upon"),
            pl.col("signal_value").mean().round(3).alias("mean_value"),
            (pl.col("seconds_to_action").mean() * 1000).round(0).alias("ms_to_action"),
        )
        .sort("signal_type")
    )
    yield "signals acted upon", acted.collect()
