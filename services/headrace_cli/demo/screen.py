"""What the demo shows: a table that is redrawn on a terminal, one line a change elsewhere."""

import shutil
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import polars as pl
from rich.live import Live
from rich.table import Table

from headrace.clock import SystemClock
from headrace_cli.console import wide_console
from headrace_cli.demo.stage import Stage
from headrace_cli.demo.status import TableStatus

# Without a terminal a line every few seconds is enough to see that it moves.
_PLAIN_SECONDS = 5.0


class Screen:
    """Where the demo prints; a context manager.

    Args:
        plain: never redraw, also on a terminal.
    """

    def __init__(self, *, plain: bool) -> None:
        self.console = wide_console()
        self._live = None if plain or not self.console.is_terminal else Live(console=self.console, auto_refresh=False)
        self._clock = SystemClock()
        self._began = self._clock.monotonic()
        self._shown_at = float("-inf")
        self._shown: Sequence[TableStatus] = ()

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.settle()

    def settle(self) -> None:
        """Ends the redrawing; what follows is printed below."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def say(self, text: str) -> None:
        """A line."""
        self.console.print(f"[dim]{self._seconds():6.1f} s[/]  {text}")

    def act(self, text: str) -> None:
        """A line that stands out."""
        self.console.print(f"[dim]{self._seconds():6.1f} s[/]  [bold yellow]{text}[/]")

    def show(self, statuses: Sequence[TableStatus]) -> None:
        """Where the tables stand."""
        if self._live is not None:
            self._live.update(_table(statuses, self._seconds()), refresh=True)
            return
        now = self._clock.monotonic()
        if now - self._shown_at < _PLAIN_SECONDS or list(statuses) == list(self._shown):
            return
        self._shown_at, self._shown = now, statuses
        for s in statuses:
            self.say(
                f"{s.table:<8} records {s.records:>9,}  rows durable {s.durable:>9,}  quarantined {s.quarantined:>5,}  "
                f"lag {s.lag:>7,}  commits {s.commits:>5,}"
            )

    def answer(self, question: str, answer: pl.DataFrame) -> None:
        """A question put to the tables, and the answer."""
        self.console.print(f"\n[bold]{question}[/]")
        with pl.Config(
            tbl_hide_dataframe_shape=True,
            tbl_hide_column_data_types=True,
            tbl_rows=20,
            tbl_cols=12,
            tbl_width_chars=118,
        ):
            self.console.print(str(answer), markup=False)

    def farewell(self, stage: Stage, *, proven: bool) -> None:
        """The end, and what to try next."""
        lake = stage.lake
        verdict = "[bold green]PASS[/]" if proven else "[bold red]FAIL[/]"
        self.console.print(f"\n{verdict}  every acknowledged record is in its table or its quarantine, exactly once")
        if not proven:
            self.console.print("       that sentence does not hold: see the differences above", style="red")
        self.console.print(f"\nThe tables lie in {lake}, the logs beside them. Try:")
        self.console.print(f"  export HEADRACE_LAKE__ROOT={lake}", markup=False)
        headrace = "headrace" if shutil.which("headrace") else sys.argv[0]
        self.console.print(f"  {headrace} quarantine list trades", markup=False)
        self.console.print(f"  {headrace} verify --from-log", markup=False)
        query = f"import polars as pl; print(pl.read_delta('{lake}/trades'))"
        self.console.print(f'  {sys.executable} -c "{query}"', markup=False)

    def _seconds(self) -> float:
        return self._clock.monotonic() - self._began


def _table(statuses: Sequence[TableStatus], seconds: float) -> Table:
    table = Table(title=f"{seconds:.0f} s", title_justify="left")
    table.add_column("table")
    for name in ("records", "rows durable", "quarantined", "lag", "commits"):
        table.add_column(name, justify="right")
    for s in statuses:
        counts = (s.records, s.durable, s.quarantined, s.lag, s.commits)
        table.add_row(s.table, *(f"{count:,}" for count in counts))
    return table
