"""`headrace audit version TABLE VERSION`."""

from typing import Annotated

import typer
from rich.markup import escape

from headrace.lake import Lake
from headrace.read.audit import VersionOrigin, version_origin
from headrace.read.history import CommitEntry
from headrace.settings import load_settings
from headrace_cli.console import cell, print_json, print_table, show_named, wide_console
from headrace_cli.history import files_of, kind_of

_COLUMNS = ("partition", "first", "last", "rows", "deletes", "rejects", "gaps")


def version_command(
    table: Annotated[str, typer.Argument(help="The table; a quarantine has versions too.")],
    version: Annotated[int, typer.Argument(min=0, help="The version.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; its keys are in docs/audit.md.")] = False,
) -> None:
    """Tell which offsets made a version, who committed it, and when."""
    found = version_origin(Lake(load_settings().lake.root), table, version)
    if as_json:
        print_json(found)
    else:
        _show(found)


def _show(found: VersionOrigin) -> None:
    console, commit = wide_console(), found.commit
    console.print(f"{escape(found.table)} version {commit.version}: {escape(kind_of(commit))}")
    show_named(
        console,
        {
            "committed at": commit.committed_at and f"{cell(commit.committed_at)} UTC",
            "batch": commit.batch,
            "worker": commit.worker,
            "client": None if commit.worker else commit.client,
            "files": files_of(commit),
            "rows": None if commit.changes else cell(commit.rows),
            "keys": _keys(commit),
            "claims": ", ".join(map(str, commit.claimed)) or None,
            "positions": ", ".join(f"{each.partition}: {each.position}" for each in found.positions or ()) or None,
        },
    )
    ranges = [
        (str(r.partition), str(r.start), str(r.end - 1), r.rows, r.deletes, r.rejects, r.gaps)
        for r in commit.ranges
        if r.end > r.start
    ]
    if ranges:
        print_table(console, _COLUMNS, ranges, left=())
    for replayed in commit.replayed:
        console.print(f"  partition {replayed.partition}, replayed: {', '.join(map(str, replayed.offsets))}")


def _keys(commit: CommitEntry) -> str | None:
    if commit.changes is None:
        return None
    found = commit.changes
    return (
        f"{found.inserted:,} inserted, {found.replaced:,} replaced, {found.removed:,} removed, "
        f"{found.outdated:,} outdated by what was there"
    )
