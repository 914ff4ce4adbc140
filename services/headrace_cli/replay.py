"""`headrace quarantine replay`."""

from typing import Annotated

import typer

from headrace.contracts import RejectReason, contract_named, load_contracts
from headrace.logs import configure_logs
from headrace.offsets import OffsetRange
from headrace.settings import load_settings
from headrace_cli.as_of import instant
from headrace_cli.console import print_json, wide_console
from headrace_ingest.replay.report import ReplayReport
from headrace_ingest.replay.selection import Selection, parse_places
from headrace_ingest.replay.wiring import run_replay


def replay_command(  # one argument per option
    table: Annotated[str, typer.Argument(help="The table whose quarantine to replay.")],
    reason: Annotated[RejectReason | None, typer.Option(help="Only records with this reason.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only records quarantined at or after this time, as in 2026-01-31T09:30:00Z.")
    ] = None,
    offsets: Annotated[
        list[str] | None,
        typer.Option(help="Only these records: PARTITION:OFFSET or PARTITION:FIRST-LAST; may be repeated."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen and write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Bring quarantined records that today's contract accepts into TABLE, each exactly once.

    What is still refused stays in the quarantine, and is counted by reason. Safe beside workers, and to be repeated.
    """
    selection = Selection(reason, instant(since, "--since"), _places(offsets))
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    contract = contract_named(load_contracts(settings.contracts), table)
    report = run_replay(settings, contract, selection, dry_run=dry_run)
    if as_json:
        print_json(report)
    else:
        _show(report)


def _places(texts: list[str] | None) -> dict[int, list[OffsetRange]] | None:
    try:
        return parse_places(texts) if texts else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--offsets") from None


def _show(report: ReplayReport) -> None:
    console = wide_console()
    refused = sum(report.refused.values())
    selected = report.replayed + report.outdated + report.finished + refused + report.undecided + report.pending
    dry = "; nothing was written" if report.dry_run else ""
    console.print(f"{report.table}: {selected:,} unresolved records selected{dry}")
    made = report.versions
    span = f"  versions {made[0]} to {made[-1]}" if len(made) > 1 else "".join(f"  version {one}" for one in made)
    console.print(f"  {'would become rows' if report.dry_run else 'became rows':<30} {report.replayed:>10,}{span}")
    if report.finished:
        console.print(f"  {'rows of an interrupted replay':<30} {report.finished:>10,}")
    if report.outdated:
        console.print(f"  {'marked, as later ones count':<30} {report.outdated:>10,}")
    console.print(f"  {'still refused':<30} {refused:>10,}")
    for name, count in report.refused.most_common():
        console.print(f"    {name:<28} {count:>10,}")
    if report.undecided:
        console.print(f"  {'deleted since? nobody can tell':<30} {report.undecided:>10,}")
    if report.pending:
        console.print(f"  {'not yet behind the position':<30} {report.pending:>10,}")
