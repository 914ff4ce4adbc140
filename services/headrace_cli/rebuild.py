"""`headrace rebuild TABLE`."""

from typing import Annotated

import typer
from rich.console import Console

from headrace.contracts import contract_named, load_contracts
from headrace.logs import configure_logs
from headrace.settings import load_settings
from headrace_cli.console import print_json, wide_console
from headrace_cli.verify_progress import progress_on
from headrace_ingest.rebuild.report import Example, RebuildReport
from headrace_ingest.rebuild.wiring import TOPIC, run_rebuild

app = typer.Typer(add_completion=False)

DIFFERS = 1
"""A dry run found that the table is not what it would be rebuilt as."""


@app.command()
def rebuild_command(
    table: Annotated[str, typer.Argument(help="The table of latest rows.")],
    source: Annotated[
        str, typer.Option("--from", help="`topic`, or the name of a table that keeps every event of the same topic.")
    ] = TOPIC,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Build beside and compare; change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; its keys are in docs/operations.md.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Do not show how far it is.")] = False,
) -> None:
    """Build a table of latest rows anew from all events, compare, and put the new rows in place of the old ones.

    Safe beside workers and readers: one commit changes over, and time travel keeps what was. Interrupted, the table is
    as it was. Exit code 1: a dry run found differences.
    """
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    contract = contract_named(load_contracts(settings.contracts), table)
    with progress_on(None if quiet or as_json else Console(stderr=True), command="rebuild") as progress:
        report = run_rebuild(settings, contract, source, progress, dry_run=dry_run)
    if as_json:
        print_json(report)
    else:
        _show(report)
    raise typer.Exit(DIFFERS if dry_run and report.comparison.differs else 0)


def _show(report: RebuildReport) -> None:
    console, found = wide_console(), report.comparison
    console.print(
        f"{report.table}: {report.rows:,} rows from {report.source}, {report.read:,} offsets read; "
        f"version {report.compared_version} compared"
    )
    counts = {
        "the same": found.same,
        "missing in the table": found.missing,
        "in the table alone": found.surplus,
        "of another event": found.other_event,
        "with other values": found.other_value,
        "second rows of a key": found.duplicate,
        "files that cannot be read": len(found.unreadable),
        "taken from the table": report.carried,
    }
    for told, count in counts.items():
        if count or told == "the same":
            console.print(f"  {told:<28} {count:>12,}")
    for example in found.examples:
        console.print(f"    {_told(example)}", markup=False)
    console.print("nothing was changed" if report.version is None else f"in place since version {report.version}")


def _told(example: Example) -> str:
    key = ", ".join(f"{name}={value}" for name, value in example.key.items())
    places = {"table": example.table, "rebuilt": example.rebuilt}
    where = ", ".join(f"{side} {place[0]}:{place[1]}" for side, place in places.items() if place is not None)
    columns = f" ({', '.join(example.columns)})" if example.columns else ""
    return f"{example.kind}: {key}: {where}{columns}"
