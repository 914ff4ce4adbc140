"""`headrace tables create [TABLE ...]`."""

from typing import Annotated

import typer
from rich.markup import escape

from headrace.contracts import contract_named, load_contracts
from headrace.lake.by_hand.trial import TimeTravel, try_time_travel
from headrace.lake.store import Store
from headrace.logs import configure_logs
from headrace.settings import load_settings
from headrace_cli.console import print_json, print_table, wide_console, without_client_log
from headrace_ingest.creation import CreatedTable, create_tables

_COLUMNS = ("table", "topic", "version", "outcome")
_LEFT = ("table", "topic", "outcome")


def create_command(
    tables: Annotated[list[str] | None, typer.Argument(help="Tables; by default those of every contract.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; its keys are in docs/lake.md.")] = False,
) -> None:
    """Create the tables of contracts, with their quarantines, and show that earlier versions can be read.

    A worker makes its table by itself; this makes all of them at once, at the same positions, before there is one.
    Their topics have to exist.
    """
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    contracts = load_contracts(settings.contracts)
    chosen = [contract_named(contracts, name) for name in tables] if tables else list(contracts.values())
    with without_client_log():
        found = list(create_tables(settings, chosen))
    travel = None if all(each.problem for each in found) else try_time_travel(Store(settings.lake.root))
    if as_json:
        print_json({"tables": found, "time_travel": travel})
    else:
        _show(found, travel)
    raise typer.Exit(next((each.exit_code for each in found if each.exit_code), 0))


def _show(found: list[CreatedTable], travel: TimeTravel | None) -> None:
    console = wide_console()
    made = [each for each in found if each.problem is None]
    cells = [(t.table, t.topic, t.version, "created" if t.created else "was there already") for t in made]
    print_table(console, _COLUMNS, cells, left=_LEFT)
    for each in found:
        if each.problem is not None:
            console.print(f"{escape(each.table)}: [red]{escape(each.problem)}[/]")
    if travel is not None:
        first, second = travel.rows
        console.print(
            f"Time travel works: of a test table that got a row with each version, version 0 has {first} row and "
            f"version 1 has {second}."
        )
