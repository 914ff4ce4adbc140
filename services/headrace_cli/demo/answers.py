"""What the tables are for: three questions and their answers, in polars."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl


def answers(lake: Path) -> Iterator[tuple[str, pl.DataFrame]]:
    """Question and answer, computed when asked for.

    Args:
        lake: root of the tables.
    """
    trades = pl.scan_delta(str(lake / "trades"))
    greeks = pl.scan_delta(str(lake / "greeks"))
    signals = pl.scan_delta(str(lake / "signals"))

    latest = (
        greeks.filter(pl.col("leg_id").is_not_null())
        .sort("timestamp", "_partition", "_offset")
        .group_by("leg_id")
        .agg(pl.col("symbol", "timestamp", "delta", "gamma", "theta", "vega").last())
        .sort("timestamp", descending=True)
        .head(5)
    )
    yield "latest greeks per leg (the 5 newest)", latest.collect()

    volume = (
        trades.group_by("strategy_id")
        .agg(
            pl.len().alias("trades"),
            pl.col("quantity").sum().alias("contracts"),
            (pl.col("price") * pl.col("quantity")).sum().alias("traded"),
            pl.col("commission").sum().alias("commission"),
        )
        .sort("traded", descending=True)
        .head(5)
    )
    yield "traded volume and commission per strategy (the 5 largest)", volume.collect()

    acted = (
        signals.sort("timestamp", "_partition", "_offset")
        .group_by("strategy_id", "timestamp", "signal_type", "source")
        .agg(pl.col("acted_upon", "acted_at", "signal_value").last())
        .filter(pl.col("acted_upon"))
        .group_by("signal_type")
        .agg(
            pl.len().alias("acted_upon"),
            pl.col("signal_value").mean().round(3).alias("mean_value"),
            (pl.col("acted_at") - pl.col("timestamp")).dt.total_milliseconds().mean().round(0).alias("ms_to_action"),
        )
        .sort("signal_type")
    )
    yield "signals acted upon", acted.collect()
