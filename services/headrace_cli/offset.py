"""`headrace offset TABLE PARTITION OFFSET`."""

from typing import Annotated

import typer
from rich.markup import escape

from headrace.lake.store import Store
from headrace.read.whereabouts import Place, Whereabouts, locate
from headrace.settings import load_settings
from headrace_cli.console import cell, print_json, show_named, wide_console

app = typer.Typer(add_completion=False)

MISSING, NOT_KNOWN = 1, 2

SENTENCES = {
    Place.TABLE: "in the table",
    Place.QUARANTINE: "in the quarantine",
    Place.APPLIED: "applied, and no row: another event of its key counts, or a tombstone",
    Place.GAP: "a gap: the topic gave out no such record",
    Place.NOT_READ: "not read yet",
    Place.BEFORE_START: "before the start of the table",
    Place.NOT_RETAINED: "in no file, and the commit that went past it is no longer retained",
    Place.MISSING: "[red]missing[/]: its commit says that it is here, and no file has it; run headrace verify",
}


@app.command()
def offset_command(
    table: Annotated[str, typer.Argument(help="The table.")],
    partition: Annotated[int, typer.Argument(min=0, help="Kafka partition.")],
    offset: Annotated[int, typer.Argument(min=0, help="Kafka offset.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; its keys are in docs/look.md.")] = False,
) -> None:
    """Tell where a record of the topic is.

    Exit code 1: the record is missing. 2: it is in no file, and what would explain it is no longer retained.
    """
    found = locate(Store(load_settings().lake.root), table, partition, offset)
    if as_json:
        print_json(found)
    else:
        _show(found)
    raise typer.Exit({Place.MISSING: MISSING, Place.NOT_RETAINED: NOT_KNOWN}.get(found.place, 0))


def _show(found: Whereabouts) -> None:
    console = wide_console()
    console.print(f"{escape(found.table)} {found.partition} {found.offset}: {SENTENCES[found.place]}")
    refused = None if found.reason is None else f"{found.reason}: {found.detail}"
    named = {
        "position": found.position if found.place is Place.NOT_READ else None,
        "version": found.version,
        "committed at": found.committed_at and f"{cell(found.committed_at)} UTC",
        "batch": found.batch,
        "worker": found.worker,
        "file": found.file,
        "refused" if found.place is Place.QUARANTINE else "was refused": refused,
    }
    show_named(console, named)
