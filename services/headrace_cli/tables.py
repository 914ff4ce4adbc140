"""`headrace tables [TABLE ...]`, `headrace tables create|delete`."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.filesize import decimal
from rich.markup import escape
from typer.core import TyperGroup

from headrace.lake.store import Store
from headrace.read.summary import TableSummary, summarise
from headrace.settings import load_settings
from headrace_cli.console import print_json, print_table, wide_console
from headrace_cli.tables_create import create_command
from headrace_cli.tables_delete import delete_command

_LIST = "list"


class _ListsByDefault(TyperGroup):
    """Whatever names no other subcommand is a table to list."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Puts the default before arguments that do not begin with a subcommand."""
        known = {*self.commands, "--help"}
        return list(super().parse_args(ctx, args if args and args[0] in known else [_LIST, *args]))


app = typer.Typer(
    cls=_ListsByDefault,
    add_completion=False,
    help="List the tables of the lake; create those of contracts; delete one.",
)
app.command("create")(create_command)
app.command("delete")(delete_command)

_COLUMNS = (
    "table",
    "topic",
    "contract",
    "version",
    "rows",
    "quarantined",
    "files",
    "size",
    "position",
    "committed at (UTC)",
)
_LEFT = ("table", "topic", "contract")


@app.command(_LIST)
def list_command(
    tables: Annotated[list[str] | None, typer.Argument(help="Tables; by default every table of the lake.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; its keys are in docs/look.md.")] = False,
) -> None:
    """List the tables of the lake: what fills them, what they hold, and how far they have read their topics."""
    found = summarise(Store(load_settings().lake.root), tables or ())
    if as_json:
        print_json({"tables": found})
    else:
        _show(found)
    raise typer.Exit(next((table.exit_code for table in found if table.exit_code), 0))


def _show(found: Sequence[TableSummary]) -> None:
    console = wide_console()
    print_table(console, _COLUMNS, [_cells(table) for table in found if table.problem is None], left=_LEFT)
    for table in found:
        if table.problem is not None:
            console.print(f"{escape(table.table)}: [red]{escape(table.problem)}[/]")
        if table.time_travel_days is not None:
            console.print(
                f"{escape(table.table)}: keeps the last version of each day for {table.time_travel_days:g} days"
            )


def _cells(table: TableSummary) -> tuple[object, ...]:
    return (
        table.table,
        table.topic,
        table.contract,
        None if table.version is None else str(table.version),
        table.rows,
        table.quarantined,
        table.files,
        None if table.bytes is None else decimal(table.bytes),
        sum(each.position for each in table.positions) if table.topic else None,
        table.committed_at,
    )
