"""Rows along a curve: all of them, near ones near to each other."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from headrace.lake.upkeep.curve import curve_order


def along(rows: pa.Table, columns: Sequence[str]) -> pa.Table:
    order = curve_order(rows, columns)
    assert order is not None
    return rows.take(order)


def grid(side: int) -> pa.Table:
    cells = [(x, y) for x in range(side) for y in range(side)]
    random.Random(7).shuffle(cells)
    return pa.table({"x": [x for x, _ in cells], "y": [f"{y:03d}" for _, y in cells]})


def test_two_columns_are_bounded_in_every_part() -> None:
    ordered = along(grid(32), ["x", "y"])

    for start in range(0, 1024, 64):
        part = ordered.slice(start, 64)
        assert len(set(part["x"].to_pylist())) == len(set(part["y"].to_pylist())) == 8


def test_one_column_is_sorted_by() -> None:
    ordered: list[str] = along(grid(20), ["y"]).to_pydict()["y"]
    assert ordered == sorted(ordered)


@pytest.mark.parametrize(
    "values",
    [
        [3, 1, None, 2],
        ["b", "a", None, "c"],
        [Decimal("1.5"), Decimal("-2"), None, Decimal(7)],
        [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in (2, 1, 4, 3)],
        [1.5, -2.0, None, 7.0],
    ],
)
def test_no_row_is_lost_or_changed_whatever_its_type(values: list[object]) -> None:
    rows = pa.table({"a": values, "b": [1, 1, 1, 1], "n": [0, 1, 2, 3]})
    ordered = along(rows, ["a", "b"])
    assert sorted(ordered.to_pylist(), key=lambda row: row["n"]) == rows.to_pylist()
