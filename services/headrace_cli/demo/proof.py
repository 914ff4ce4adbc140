"""The demo's proof: the same `verify` that users run, against the topic or the bots' ledger."""

from collections.abc import Sequence

from headrace.contracts import Contract
from headrace.read.proof.findings import Verdict
from headrace.read.proof.report import overall
from headrace.settings import LakeSettings, Settings
from headrace_cli.demo.screen import Screen
from headrace_cli.demo.stage import Stage
from headrace_cli.verify_progress import progress_on
from headrace_cli.verify_run import ProofOptions, verify_tables
from headrace_cli.verify_screen import ProofScreen


def prove(stage: Stage, contracts: Sequence[Contract], settings: Settings, screen: Screen) -> bool:
    """Prints the proof of each partition; True if all of it passes.

    The embedded broker has dropped old records by now, so its tables are compared with what it acknowledged to the
    bots; those of a real cluster with the topic itself.
    """
    screen.settle()
    ledger = stage.ledger if stage.broker == "embedded" else None
    screen.say(f"verify: comparing log, files and {'the ledger of the bots' if ledger else 'the topics'}")
    chosen = settings.model_copy(update={"kafka": stage.kafka, "lake": LakeSettings(root=str(stage.lake))})
    with progress_on(screen.console if screen.console.is_terminal else None) as progress:
        reports = verify_tables(chosen, [c.name for c in contracts], ProofOptions(ledger=ledger), progress=progress)
    ProofScreen(screen.console).show(reports)
    return overall(reports) is Verdict.PASS
