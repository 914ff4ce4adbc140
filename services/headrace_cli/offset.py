"""`headrace offset TABLE PARTITION OFFSET` and `headrace offset TABLE --version VERSION`."""

from collections.abc import Mapping
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from headrace.lake.store import Store
from headrace.read.history import CommitEntry, read_commit
from headrace.read.whereabouts import Place, Whereabouts, locate
from headrace.settings import load_settings
from headrace_cli.console import cell, print_json, print_table, wide_console
from headrace_cli.history import kind_of

app = typer.Typer(add_completion=False)

MISSING, NOT_KNOWN = 1, 2

_SENTENCES = {
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
    partition: Annotated[int | None, typer.Argument(min=0, help="Kafka partition.")] = None,
    offset: Annotated[int | None, typer.Argument(min=0, help="Kafka offset.")] = None,
    version: Annotated[int | None, typer.Option(min=0, help="Tell which offsets this version brought.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; its keys are in docs/look.md.")] = False,
) -> None:
    """Tell where a record of the topic is; or, with --version, which records a version brought.

    Exit code 1: the record is missing. 2: it is in no file, and what would explain it is no longer retained.
    """
    store = Store(load_settings().lake.root)
    if version is not None and partition is None:
        _show_version(table, read_commit(store, table, version), as_json=as_json)
        return
    if version is not None or partition is None or offset is None:
        msg = "give either PARTITION and OFFSET or --version"
        raise typer.BadParameter(msg)
    found = locate(store, table, partition, offset)
    if as_json:
        print_json(found)
    else:
        _show(found)
    raise typer.Exit({Place.MISSING: MISSING, Place.NOT_RETAINED: NOT_KNOWN}.get(found.place, 0))


def _show(found: Whereabouts) -> None:
    console = wide_console()
    console.print(f"{escape(found.table)} {found.partition} {found.offset}: {_SENTENCES[found.place]}")
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
    _show_named(console, named)


def _show_named(console: Console, named: Mapping[str, object]) -> None:
    for name, value in named.items():
        if value is not None:
            console.print(f"  {name:<13} {escape(str(value))}")


def _show_version(table: str, commit: CommitEntry, *, as_json: bool) -> None:
    if as_json:
        print_json(commit)
        return
    console = wide_console()
    console.print(f"{escape(table)} version {commit.version}: {escape(kind_of(commit))}")
    named = {
        "committed at": commit.committed_at and f"{cell(commit.committed_at)} UTC",
        "batch": commit.batch,
        "worker": commit.worker,
        "files": f"+{commit.files_added} -{commit.files_removed}",
        "claims": ", ".join(map(str, commit.claimed)) or None,
    }
    _show_named(console, named)
    columns = ("partition", "first", "last", "rows", "rejects", "gaps")
    ranges = [
        (str(r.partition), str(r.start), str(r.end - 1), r.rows, r.rejects, r.gaps)
        for r in commit.ranges
        if r.end > r.start
    ]
    if ranges:
        print_table(console, columns, ranges, left=())
    for replayed in commit.replayed:
        console.print(f"  partition {replayed.partition}, replayed: {', '.join(map(str, replayed.offsets))}")
