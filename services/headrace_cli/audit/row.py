"""`headrace audit row TABLE [VALUE | COLUMN=VALUE ...]`."""

from collections.abc import Sequence
from typing import Annotated

import polars as pl
import typer
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from headrace.contracts import Contract, contract_named, load_contracts
from headrace.errors import ConfigError
from headrace.lake import Lake
from headrace.read.audit.origin import RowOrigin, RowOrigins, row_origins
from headrace.settings import load_settings
from headrace_cli.as_of import as_of
from headrace_cli.audit.asked import condition, is_value
from headrace_cli.console import cell, print_json, show_named, wide_console
from headrace_cli.offset import SENTENCES

NONE = 1


def row_command(
    table: Annotated[str, typer.Argument(help="The table.")],
    named: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[VALUE | COLUMN=VALUE ...]",
            help="What names the row: its event id or its key, or columns and their values.",
        ),
    ] = None,
    where: Annotated[str | None, typer.Option(help="A condition as after WHERE in SQL.")] = None,
    at: Annotated[
        str | None, typer.Option("--as-of", help="Look into this version, or as of this time or PARTITION:OFFSET.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Print at most this many rows.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; its keys are in docs/audit.md.")] = False,
) -> None:
    """Tell which record of the topic a row is, and which commit brought it.

    Exit code 1: there is no such row.
    """
    settings = load_settings()
    lake, moment = Lake(settings.lake.root), as_of(at, "--as-of")
    schema = lake.snapshot(table, moment).frame().collect_schema()
    asked = [_named(text, schema, table, settings.contracts) for text in named or ()]
    if where is not None:
        asked.append(condition(schema, where))
    if not asked:
        msg = "say which row: its event id or key, COLUMN=VALUE, or --where"
        raise typer.BadParameter(msg)
    found = row_origins(lake, table, asked, as_of=moment, limit=limit)
    if as_json:
        print_json(found)
    else:
        _show(found)
    raise typer.Exit(0 if found.rows else NONE)


def _named(text: str, schema: pl.Schema, table: str, modules: Sequence[str]) -> pl.Expr:
    column, equals, value = text.partition("=")
    if equals and column in schema:
        return is_value(schema, column, value)
    if equals and column.isidentifier():
        msg = f"there is no column {column}: name one of {', '.join(schema)}; an id with = in it is named so, too"
        raise ConfigError(msg)
    return is_value(schema, _name_of(contract_named(load_contracts(modules), table)), text)


def _name_of(contract: Contract) -> str:
    """The one column that names an event."""
    names = contract.table.key or (() if contract.event_id is None else (contract.event_id,))
    if len(names) != 1:
        told = f"it takes {' and '.join(names)} to name one" if names else "its events have no id"
        msg = f"a row of {contract.name} is not named by one value, {told}: write COLUMN=VALUE"
        raise ConfigError(msg)
    return names[0]


def _show(found: RowOrigins) -> None:
    console = wide_console()
    if not found.rows:
        console.print(f"{escape(found.table)}, version {found.version}: no such row")
    for origin in found.rows:
        _show_row(console, found, origin)
    if found.more:
        console.print("There are more: --limit says how many are told.")


def _show_row(console: Console, found: RowOrigins, origin: RowOrigin) -> None:
    record = origin.record
    told = ", ".join(
        f"{name}={cell(value)}" for name, value in origin.row.items() if not (value is None or name.startswith("_"))
    )
    console.print(f"{escape(found.table)}, version {found.version}: {told}")
    stamp = origin.row.get("_kafka_timestamp")
    show_named(
        console,
        {
            "record": f"{found.topic} {record.partition} {record.offset}",
            "sent at": stamp and f"{cell(stamp)} UTC",
            "now": Text.from_markup(SENTENCES[record.place]).plain,
            "version": record.version,
            "committed at": record.committed_at and f"{cell(record.committed_at)} UTC",
            "batch": record.batch,
            "worker": record.worker,
            "file": record.file,
            "was refused": record.reason and f"{record.reason}: {record.detail}",
        },
    )
