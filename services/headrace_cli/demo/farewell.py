"""The end of the demo: answers from the tables, the verdict, and what to try next."""

import shutil
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
from rich.console import Group
from rich.table import Table
from rich.text import Text

from headrace_cli.demo.screen import Screen
from headrace_cli.demo.stage import Stage, from_here


def show_answer(screen: Screen, question: str, answer: pl.DataFrame) -> None:
    """A question put to the tables, and the answer."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for name, kind in answer.schema.items():
        table.add_column(name, justify="right" if kind.is_numeric() else "left", no_wrap=True)
    for row in answer.iter_rows():
        table.add_row(*map(_cell, row))
    screen.print(Group(Text(f"\n{question}", "bold"), table))


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.strftime("%H:%M:%S.%f")[:-3]
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def farewell(screen: Screen, stage: Stage, *, proven: bool) -> None:
    """The verdict, and what to try next."""
    said = (
        "every acknowledged record is in its table or its quarantine, exactly once,\n"
        "      and positions are what the trades add up to"
    )
    screen.print(Text.assemble("\n", ("PASS", "bold green") if proven else ("FAIL", "bold red"), f"  {said}"))
    if not proven:
        screen.print(Text("      that sentence does not hold: see the differences above", "red"))
    lake = from_here(stage.lake)
    headrace = command_name()
    query = f"import polars as pl; print(pl.read_delta('{lake}/trades'))"
    for line in (
        f"\nThe tables lie in {lake}, the logs beside them. Try:",
        f"  export HEADRACE_LAKE__ROOT={lake}",
        f"  {headrace} quarantine list trades",
        f"  {headrace} verify --from-log",
        f'  {from_here(Path(sys.executable))} -c "{query}"',
    ):
        screen.console.print(line, markup=False, soft_wrap=True)


def command_name() -> str:
    """What to type for `headrace` here."""
    if shutil.which("headrace"):
        return "headrace"
    started = from_here(Path(sys.argv[0]))
    return str(started) if started.name == "headrace" else f"{from_here(Path(sys.executable))} -m headrace_cli"
