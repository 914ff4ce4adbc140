"""The end of the demo: answers from the tables, the verdict, and what to try next."""

import shutil
import sys
from datetime import datetime
from decimal import Decimal

import polars as pl
from rich.table import Table
from rich.text import Text

from headrace_cli.demo.screen import Screen
from headrace_cli.demo.stage import Stage


def show_answer(screen: Screen, question: str, answer: pl.DataFrame) -> None:
    """A question put to the tables, and the answer."""
    screen.print(Text(f"\n{question}", "bold"))
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for name, kind in answer.schema.items():
        table.add_column(name, justify="right" if kind.is_numeric() else "left", no_wrap=True)
    for row in answer.iter_rows():
        table.add_row(*map(_cell, row))
    screen.print(table)


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.strftime("%H:%M:%S.%f")[:-3]
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def farewell(screen: Screen, stage: Stage, *, proven: bool) -> None:
    """The verdict, and what to try next."""
    said = "every acknowledged record is in its table or its quarantine, exactly once"
    screen.print(Text.assemble("\n", ("PASS", "bold green") if proven else ("FAIL", "bold red"), f"  {said}"))
    if not proven:
        screen.print(Text("      that sentence does not hold: see the differences above", "red"))
    headrace = "headrace" if shutil.which("headrace") else sys.argv[0]
    query = f"import polars as pl; print(pl.read_delta('{stage.lake}/trades'))"
    for line in (
        f"\nThe tables lie in {stage.lake}, the logs beside them. Try:",
        f"  export HEADRACE_LAKE__ROOT={stage.lake}",
        f"  {headrace} quarantine list trades",
        f"  {headrace} verify --from-log",
        f'  {sys.executable} -c "{query}"',
    ):
        screen.console.print(line, markup=False, soft_wrap=True)
