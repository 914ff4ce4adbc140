"""`headrace verify [TABLE ...]`."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from headrace.connection import KafkaSettings
from headrace.contracts import load_contracts
from headrace.errors import ConfigError
from headrace.lake.store import Store
from headrace.lake.tables import refuse_file
from headrace.read.proof.broker import Broker
from headrace.read.proof.canonical import ValueCodec
from headrace.read.proof.given import Base
from headrace.read.proof.identity import TableIdentity
from headrace.read.proof.ledger import Ledger
from headrace.read.proof.report import TableReport, overall, to_json
from headrace.read.proof.store import local_root, table_names
from headrace.read.proof.truth import Progress
from headrace.read.proof.verify import OpenTruth, Verifier, no_progress
from headrace.settings import Settings, load_settings
from headrace_cli.console import wide_console
from headrace_cli.verify_screen import ProofScreen, progress_on

app = typer.Typer(add_completion=False)


@app.command()
def verify_command(
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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; its keys are in docs/verify.md.")] = False,
) -> None:
    """Prove that every record is in its table or its quarantine exactly once, unchanged.

    Reads the Delta log, every data file, and the topic or the ledger. Safe while workers run. Exit code 0: PASS,
    1: FAIL, 2: UNKNOWN, something could not be checked.
    """
    settings = load_settings()
    console = Console(stderr=True)
    with progress_on(console, shown=console.is_terminal and not as_json) as progress:
        reports = verify_tables(
            settings, tables or (), from_log=from_log, ledger=ledger, since=since, progress=progress
        )
    if as_json:
        typer.echo(json.dumps(to_json(reports), indent=2))
    else:
        ProofScreen(wide_console()).show(reports)
    raise typer.Exit(overall(reports).exit_code)


def verify_tables(
    settings: Settings,
    tables: list[str] | tuple[str, ...] = (),
    *,
    from_log: bool = False,
    ledger: Path | None = None,
    since: int | None = None,
    progress: Progress = no_progress,
) -> tuple[TableReport, ...]:
    """Verifies tables of the lake.

    Args:
        settings: name root, contracts and cluster.
        tables: names; every table of the lake if there are none.
        from_log: compare with nothing, even if a cluster is configured.
        ledger: compare with this ledger instead of the topic.
        since: version of the one table after which to begin.
        progress: told how far it is.

    Raises:
        ConfigError: there is no such table, the choices contradict each other, or the lake is not on a local
            file system.
        WrongTableError: a file lies where a table should be.
    """
    if from_log and ledger is not None:
        msg = "--from-log compares with nothing and --ledger with the ledger: give one of them"
        raise ConfigError(msg)
    if since is not None and len(tables) != 1:
        msg = "--since is a version of one table: name that table"
        raise ConfigError(msg)
    root = local_root(settings.lake.root)
    chosen = tuple(tables) or table_names(root)
    if not chosen:
        msg = f"there is no table under {root}: check HEADRACE_LAKE__ROOT"
        raise ConfigError(msg)
    for name in chosen:
        refuse_file(Store(settings.lake.root), name)
        if not (root / name / "_delta_log").is_dir():
            msg = f"there is no table {name} under {root}: check the name and HEADRACE_LAKE__ROOT"
            raise ConfigError(msg)
    contracts = load_contracts(settings.contracts)
    open_truth = None if from_log else _truth(settings.kafka, ledger)
    verifier = Verifier(root, contracts, open_truth, progress)
    base = None if since is None else Base(since)
    return tuple(verifier.verify(name, base) for name in chosen)


def _truth(kafka: KafkaSettings, ledger: Path | None) -> OpenTruth | None:
    if ledger is not None:
        return lambda identity, _codec: Ledger(ledger, identity.topic)
    if not kafka.bootstrap_servers:
        return None

    def open_broker(identity: TableIdentity, codec: ValueCodec | None) -> Broker:
        return Broker(kafka, identity, codec.canonical if codec else None)

    return open_broker
