"""`headrace verify [TABLE ...]`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from headrace.clock import SystemClock
from headrace.read.proof.report import overall, summary
from headrace.settings import load_settings
from headrace_cli.console import print_json, wide_console
from headrace_cli.verify_metrics import MetricsFile
from headrace_cli.verify_progress import progress_on
from headrace_cli.verify_run import ProofOptions, verify_tables
from headrace_cli.verify_screen import ProofScreen
from headrace_cli.verify_state import PassedVersions

app = typer.Typer(add_completion=False)


@app.command()
def verify_command(  # its options
    tables: Annotated[list[str] | None, typer.Argument(help="Tables; by default every table of the lake.")] = None,
    from_log: Annotated[bool, typer.Option("--from-log", help="Check log and files alone, without Kafka.")] = False,
    ledger: Annotated[
        Path | None,
        typer.Option(help="Compare with the producers' ledger (a folder of *.jsonl, or one file), not with Kafka."),
    ] = None,
    since: Annotated[
        int | None,
        typer.Option(min=0, help="Check only what came after this version of the one table; what it holds is given."),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(help="Check what came after the last PASS that this file notes; a new PASS is noted there."),
    ] = None,
    metrics_file: Annotated[
        Path | None,
        typer.Option(help="Leave the verdict as metrics in this *.prom file, for the textfile collector."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; its keys are in docs/verify.md.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Do not show how far it is.")] = False,
) -> None:
    """Prove that every record is in its table or its quarantine exactly once, unchanged.

    Reads the Delta log, every data file, and the topic or the ledger. Safe while workers run. Exit code 0: PASS,
    1: FAIL, 2: UNKNOWN, something could not be checked.
    """
    _refuse_contradictions(tables or (), from_log=from_log, ledger=ledger, since=since, state=state)
    settings = load_settings()
    clock = SystemClock()
    began = clock.monotonic()
    passed = PassedVersions(state) if state else None
    metrics = MetricsFile(metrics_file) if metrics_file else None
    options = ProofOptions(from_log, ledger, since, passed)
    with progress_on(None if quiet or as_json else Console(stderr=True)) as progress:
        reports = verify_tables(settings, tables or (), options, progress=progress)
    if as_json:
        print_json(summary(reports))
    else:
        ProofScreen(wide_console()).show(reports)
    if passed:
        passed.note(reports, clock.now())
    if metrics:
        metrics.write(reports, at=clock.now().timestamp(), seconds=clock.monotonic() - began)
    raise typer.Exit(overall(reports).exit_code)


def _refuse_contradictions(
    tables: Sequence[str], *, from_log: bool, ledger: Path | None, since: int | None, state: Path | None
) -> None:
    contradictions = {
        "--from-log compares with nothing and --ledger with the ledger: give one of them": from_log and ledger,
        "--since is a version of one table: name that table": since is not None and len(tables) != 1,
        "--since says where to begin and so does --state: give one of them": since is not None and state,
    }
    for told in (told for told, found in contradictions.items() if found):
        raise typer.BadParameter(told)
