"""`headrace schema diff|apply TABLE`."""

from typing import Annotated

import typer
from rich.markup import escape

from headrace.contracts import Contract, contract_named, load_contracts
from headrace.errors import WrongTableError
from headrace.lake.evolution import SchemaDiff
from headrace.lake.store import Store
from headrace.settings import load_settings
from headrace_cli.console import print_json, wide_console
from headrace_ingest.evolution import apply_schema, diff_schema

app = typer.Typer(
    add_completion=False,
    help="Compare a table with its contract, and add the columns that it lacks.",
    no_args_is_help=True,
)

TableName = Annotated[str, typer.Argument(help="The table.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON; its keys are in docs/operations.md.")]


@app.command("diff")
def diff_command(table: TableName, as_json: AsJson = False) -> None:
    """Say how a table differs from its contract as it is here, and whether it can be brought there."""
    store, contract = _named(table)
    diff = diff_schema(store, contract)
    if as_json:
        print_json(_told(diff))
    else:
        _show(diff)
    raise typer.Exit(0 if diff.compatible else WrongTableError.exit_code)


@app.command("apply")
def apply_command(table: TableName, as_json: AsJson = False) -> None:
    """Add the columns that a later version of the contract has, beside running workers; changes no row."""
    store, contract = _named(table)
    applied = apply_schema(store, contract)
    if as_json:
        print_json({"version": applied.version, "changed": applied.changed, **_told(applied.diff)})
        return
    console = wide_console()
    if not applied.changed:
        console.print(f"{escape(table)} has schema_version {applied.diff.contract_version} already.")
        return
    _show(applied.diff)
    console.print(f"Done in version {applied.version}: now start workers with this contract, and producers after them.")


def _named(table: str) -> tuple[Store, Contract]:
    settings = load_settings()
    return Store(settings.lake.root), contract_named(load_contracts(settings.contracts), table)


def _told(diff: SchemaDiff) -> dict[str, object]:
    return {
        "table": diff.table,
        "table_version": diff.table_version,
        "contract_version": diff.contract_version,
        "compatible": diff.compatible,
        "problem": diff.problem,
        "differences": diff.differences,
    }


def _show(diff: SchemaDiff) -> None:
    console = wide_console()
    console.print(
        f"{escape(diff.table)}: schema_version {diff.table_version}, the contract has {diff.contract_version}"
    )
    for each in diff.differences:
        mark = "[green]compatible[/]" if each.compatible else "[red]not possible[/]"
        console.print(f"  {mark}  {escape(each.subject)} {escape(each.told)}")
    if diff.problem is not None:
        console.print(f"  [red]{escape(diff.problem)}[/]")
    elif diff.same:
        console.print("  nothing differs")
    elif not diff.differences:
        console.print("  its columns stay: only what the contract accepts is another")
