"""The demo's proof: the same `verify` that users run, against the topic or the bots' ledger."""

from collections.abc import Sequence

from rich.table import Table

from headrace.contracts import Contract
from headrace.read.proof.findings import Verdict
from headrace.read.proof.report import TableReport, overall
from headrace.sections import LakeSettings
from headrace.settings import Settings
from headrace_cli.demo.screen import Screen
from headrace_cli.demo.stage import Stage
from headrace_cli.verify_progress import progress_on
from headrace_cli.verify_run import ProofOptions, verify_tables
from headrace_cli.verify_screen import ProofScreen

_COLUMNS = {
    "position": "position",
    "rows": "rows",
    "quarantined": "quar.",
    "lost": "lost",
    "duplicates": "doubled",
    "phantom": "phantom",
    "differing": "differing",
}


def prove(stage: Stage, contracts: Sequence[Contract], settings: Settings, screen: Screen) -> bool:
    """Prints the proof of each partition; True if all of it passes.

    The embedded broker has dropped old records by now, so its tables are compared with what it acknowledged to the
    bots; those of a real cluster with the topic itself. Latest rows always are: which event of a key counts is said by
    the events. Those that count are the newest, which no broker has dropped.
    """
    screen.settle()
    latest = [contract.name for contract in contracts if contract.table.mode == "upsert"]
    logs = [contract.name for contract in contracts if contract.name not in latest]
    ledger = stage.ledger if stage.broker == "embedded" else None
    against = f"the ledger of the bots; of {', '.join(latest)} the topic" if ledger else "the topics"
    screen.print(f"\nverify: comparing log, files and {against}")
    chosen = settings.model_copy(update={"kafka": stage.kafka, "lake": LakeSettings(root=str(stage.lake))})
    with progress_on(screen.console if screen.console.is_terminal else None) as progress:
        reports = (
            *verify_tables(chosen, logs, ProofOptions(ledger=ledger), progress=progress),
            *verify_tables(chosen, latest, ProofOptions(), progress=progress),
        )
    proven = overall(reports) is Verdict.PASS
    if proven:
        screen.print(proof_table(reports))
    else:
        ProofScreen(screen.console).show(reports)
    return proven


def proof_table(reports: Sequence[TableReport]) -> Table:
    """All partitions of tables that passed, narrow enough for any terminal."""
    table = Table("table", "partition", "verdict", box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for name in _COLUMNS.values():
        table.add_column(name, justify="right")
    for report in reports:
        for row, partition in enumerate(report.partitions):
            numbers = (getattr(partition, name) for name in _COLUMNS)
            shown = ("-" if number is None else f"{number:,}" for number in numbers)
            table.add_row(
                "" if row else f"[bold]{report.table}[/]",
                str(partition.partition),
                f"[green]{partition.verdict}[/]",
                *shown,
            )
    return table
