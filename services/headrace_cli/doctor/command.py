"""`headrace doctor [TABLE ...]`."""

from typing import Annotated

import typer
from rich.console import Console

from headrace.contracts import load_contracts
from headrace.errors import ConfigError
from headrace.settings import load_settings, unknown_variables
from headrace_cli.console import print_json, wide_console
from headrace_cli.doctor.checks.process import SETTINGS_CHECKS
from headrace_cli.doctor.examination import Examination, Report
from headrace_cli.doctor.judging import Status, Subject, examine
from headrace_cli.doctor.screen import show_report

FAILED = 1

app = typer.Typer(add_completion=False)


@app.command()
def doctor_command(
    tables: Annotated[list[str] | None, typer.Argument(help="Tables; by default every table of the lake.")] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Remove torn checkpoints whose commits are there.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Print a line also for each check that passed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look for whatever could stop a worker or cost records, and say what to do about each.

    Looks at settings, libraries, limits, the store, the cluster, and for each table at its topic, group, log and
    positions. Safe while workers run: it writes a test folder beside the tables, removes it again, and changes
    nothing else without --repair. Exit code 0: nothing fails, 1: something does.
    """
    report = _examined(tables or [], repair=repair)
    if as_json:
        print_json({"status": report.status, "findings": report.findings, "unchecked": report.unchecked})
    else:
        show_report(report, wide_console(), every=every)
    raise typer.Exit(FAILED if report.status is Status.FAIL else 0)


def _examined(tables: list[str], *, repair: bool) -> Report:
    try:
        settings = load_settings()
        contracts = load_contracts(settings.contracts)
    except ConfigError as error:
        return Report(
            findings=examine(Subject("settings", {}), error, SETTINGS_CHECKS),
            unchecked=["everything else: it needs the settings"],
        )
    with Console(stderr=True).status("doctor") as status:

        def told(subject: str) -> None:
            status.update(f"doctor: {subject}")

        return Examination(settings, contracts, unknown=unknown_variables(), repair=repair, told=told).run(tables)
