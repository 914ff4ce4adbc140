"""`headrace health [TABLE ...]`."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from headrace.clock import SystemClock
from headrace.lake.store import Store
from headrace.lake.upkeep.health import Colour, HealthPart
from headrace.read.health import TableHealth, examine
from headrace.settings import load_settings
from headrace_cli.console import print_json, print_table, wide_console

RED = 1

app = typer.Typer(add_completion=False)

_COLUMNS = ("part", "points", "of", "", "found")
_LEFT = ("part", "", "found")
_SHOWN = {Colour.GREEN: "green", Colour.AMBER: "yellow", Colour.RED: "red"}


@app.command()
def health_command(
    tables: Annotated[
        list[str] | None, typer.Argument(help="Tables, with their quarantines; by default every table of the lake.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; its keys are in docs/look.md.")] = False,
) -> None:
    """Tell how good tables are to read, from 0 to 100, what they lack, and what to do about it.

    Read from the tables' logs: it needs no worker and no maintenance, and changes nothing. Exit code 0: all is green or
    amber, 1: something is red.
    """
    settings = load_settings()
    found = examine(Store(settings.lake.root), settings.maintain, now=SystemClock().now(), tables=tables or ())
    if as_json:
        print_json({"tables": found})
    else:
        console = wide_console()
        for each in found:
            _show(console, each)
    raise typer.Exit(_exit_code(found))


def _exit_code(found: Sequence[TableHealth]) -> int:
    failed = next((each.exit_code for each in found if each.exit_code), 0)
    return failed or (RED if any(each.colour is Colour.RED for each in found) else 0)


def _show(console: Console, table: TableHealth) -> None:
    if table.colour is None:
        console.print(f"{escape(table.table)}: [red]{escape(str(table.problem))}[/]")
        return
    colour = _SHOWN[table.colour]
    console.print(
        f"[bold]{escape(table.table)}[/], version {table.version}: {table.score:g} of 100, [{colour}]{table.colour}[/]"
    )
    print_table(console, _COLUMNS, [_cells(part) for part in table.parts], left=_LEFT)
    for part in table.parts:
        if part.remedy is not None:
            console.print(f"  [{_SHOWN[part.colour]}]{part.part}[/] → {escape(part.remedy)}")


def _cells(part: HealthPart) -> tuple[object, ...]:
    points = (f"{part.points:.1f}", part.weight) if part.weight else (None, None)
    return (part.part.value, *points, Text(part.colour, _SHOWN[part.colour]), part.found)
