"""The demo's positions as latest rows: how they stand while it runs, and whether they are what its trades add up to."""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
from rich.console import Group
from rich.table import Table
from rich.text import Text

from headrace.lake.log import DeltaLog
from headrace.lake.store import Store
from headrace.lake.tables import exists
from headrace_cli.demo.folding import Compared, Fill, Held, compare
from headrace_cli.demo.standing import Standing

TRADES, POSITIONS = "trades", "positions"
# Strategies that are shown in the end, those that gained most; where some differ, all that do.
_SHOWN = 5


class PositionsWatch:
    """Looks at the rows of the table; a version is read once.

    Attributes:
        standing: how they stood when somebody last looked; None as long as there were none.
    """

    def __init__(self, lake: Path) -> None:
        self.standing: Standing | None = None
        self._lake = lake
        self._store = Store(str(lake))
        self._log: DeltaLog | None = None
        self._version: int | None = None

    def look(self) -> None:
        """Reads them if there is a new version."""
        if self._log is None and exists(self._store, POSITIONS):
            self._log = DeltaLog(self._store, POSITIONS)
        if self._log is None:
            return
        self._log.refresh()
        if self._log.version != self._version:
            self._version = self._log.version
            self.standing = _standing(pl.read_delta(str(self._lake / POSITIONS), version=self._version))


def _standing(rows: pl.DataFrame) -> Standing | None:
    if rows.is_empty():
        return None
    newest = rows.sort("timestamp").row(-1, named=True)
    left = int((rows["status"] == "closed").sum())
    said = f"{newest['quantity']} at {newest['entry_price']:,.2f}"
    if newest["status"] == "closed":
        said = f"closed at {newest['exit_price']:,.2f}"
    return Standing(
        open=len(rows) - left,
        closed=left,
        realized=sum(rows["realized_pnl"], Decimal(0)),
        newest=f"{newest['strategy_id']} {newest['symbol']} {said}",
    )


def compare_positions(lake: Path, strategies: Collection[str], since: datetime) -> list[Compared]:
    """Folds the table of trades and compares with the table of positions, strategy by strategy.

    Args:
        lake: root of the tables.
        strategies: those of the bots; others may be on somebody's cluster.
        since: when the bots began; rows of an earlier run on the same cluster are left out.
    """
    ours = pl.col("strategy_id").is_in(list(strategies)) & (pl.col("timestamp") >= since)
    trades = pl.scan_delta(str(lake / TRADES)).filter(ours).sort("_partition", "_offset")
    columns = ["strategy_id", "leg_id", "action", "quantity", "price", "commission"]
    fills: dict[str, list[Fill]] = {}
    for name, leg, action, quantity, price, commission in trades.select(columns).collect().iter_rows():
        signed = quantity if action == "BUY" else -quantity
        fills.setdefault(name, []).append(Fill(leg, signed, price, commission))
    rows = pl.scan_delta(str(lake / POSITIONS)).filter(ours)
    columns = ["strategy_id", "status", "quantity", "entry_price", "exit_price", "realized_pnl"]
    found = {name: Held(*held) for name, *held in rows.select(columns).collect().iter_rows()}
    return compare(fills, found)


def comparison_view(compared: Sequence[Compared]) -> Group:
    """What was compared, narrow enough for any terminal."""
    wrong = [one for one in compared if not one.equal]
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for name in ("strategy", "trades", "status", "units", "entry", "exit", "realized", ""):
        table.add_column(name, justify="left" if name in {"strategy", "status", ""} else "right", no_wrap=True)
    for one in wrong or sorted(compared, key=_gained, reverse=True)[:_SHOWN]:
        for held, said in ((one.folded, "equal" if one.equal else "trades"), (one.found, "positions")):
            if not (one.equal and said == "positions"):
                table.add_row(
                    one.strategy_id, f"{one.trades:,}", *_cells(held), Text(said, "green" if one.equal else "red")
                )
    trades = sum(one.trades for one in compared)
    counted = f"{len(compared) - len(wrong)} of {len(compared)} strategies are equal to the last decimal"
    said = f"\npositions beside what all {trades:,} trades add up to: {counted}"
    return Group(Text(said, "bold red" if wrong else "bold"), table)


def _gained(one: Compared) -> Decimal:
    return one.found.realized_pnl if one.found else Decimal(0)


def _cells(held: Held | None) -> tuple[str, ...]:
    if held is None:
        return ("-",) * 5
    left = "" if held.exit_price is None else f"{held.exit_price:,}"
    return held.status, f"{held.quantity:,}", f"{held.entry_price:,}", left, f"{held.realized_pnl:,}"
