"""Rows for tables that people write themselves."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from headrace.lake import Lake

DAY = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


def prices(*numbers: int, mark: str = "a") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": list(numbers),
            "symbol": ["SPY" if n % 2 else "QQQ" for n in numbers],
            "price": [Decimal(n) / 100 for n in numbers],
            "at": [DAY + timedelta(seconds=n) for n in numbers],
            "mark": [mark] * len(numbers),
        },
        schema_overrides={"price": pl.Decimal(18, 4), "at": pl.Datetime("us", "UTC")},
    )


def rows(lake: Lake, table: str = "prices", **asked: Any) -> pl.DataFrame:
    return lake.read(table, **asked).sort("id").collect()
