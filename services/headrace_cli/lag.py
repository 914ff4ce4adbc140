"""`headrace lag [TABLE ...]`."""

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from headrace.clock import SystemClock
from headrace.lake.store import Store
from headrace.read.lag import LagReader, TableLag
from headrace.settings import load_settings
from headrace_cli.console import print_json, print_table, wide_console, without_client_log

app = typer.Typer(add_completion=False)

_COLUMNS = ("partition", "position", "end of topic", "lag", "freshness")


@app.command()
def lag_command(
    tables: Annotated[list[str] | None, typer.Argument(help="Tables; by default every table of the lake.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; its keys are in docs/look.md.")] = False,
) -> None:
    """Tell how far tables are behind their topics, per partition and in total.

    Positions come from the tables, so this is right whether or not a worker lives. Freshness is the age of the first
    record that is not durable. Exit code 69: no broker answers.
    """
    settings = load_settings()
    with without_client_log():
        found = LagReader(Store(settings.lake.root), settings.kafka, SystemClock()).read(tables or ())
    if as_json:
        print_json({"tables": found})
    else:
        console = wide_console()
        for each in found:
            _show(console, each)
    raise typer.Exit(next((each.exit_code for each in found if each.exit_code), 0))


def _show(console: Console, table: TableLag) -> None:
    if table.problem is not None:
        console.print(f"{escape(table.table)}: [red]{escape(table.problem)}[/]")
        return
    behind = f"lag {table.lag:,}, freshness {_age(table.freshness_seconds)}"
    console.print(f"{escape(table.table)} from {escape(str(table.topic))}, version {table.version}: {behind}")
    rows = [(str(p.partition), p.position, p.high, p.lag, _age(p.freshness_seconds)) for p in table.partitions]
    print_table(console, _COLUMNS, rows, left=())
    for each in table.partitions:
        if each.gone:
            what = f"{each.gone:,} records after the position are no longer in the topic"
            console.print(f"[red]partition {each.partition}: {what}; docs/operations.md, exit code 81[/]")
        if each.ahead:
            what = f"the position is {each.ahead:,} beyond the end of the topic"
            console.print(f"[red]partition {each.partition}: {what}; docs/operations.md, exit code 81[/]")


def _age(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:,.1f} s"
