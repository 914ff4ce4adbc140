"""`headrace simulate`."""

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from headrace.contracts import contract_of
from headrace.lake.store import Store
from headrace.logs import configure_logs
from headrace.settings import load_settings
from headrace_bots.pacing import no_positions
from headrace_bots.simulate import Progress
from headrace_bots.wiring import EMITTED, SimulationPlan, run_simulation
from headrace_cli.consent import agree_to_simulated_events
from headrace_cli.positions import LakePositions

_STOPPING = (signal.SIGINT, signal.SIGTERM)
_DEFAULT = SimulationPlan()


app = typer.Typer(add_completion=False)


@app.command()
def simulate_command(  # one parameter per option
    events: Annotated[
        int | None,
        typer.Option(min=1, help="Stop after so many events and those of a bot's day begun; else run until stopped."),
    ] = _DEFAULT.events,
    rate: Annotated[float, typer.Option(min=0, help="Events a second; 0 sends as many as possible.")] = (
        _DEFAULT.rate or 0.0
    ),
    poison_ratio: Annotated[float, typer.Option(min=0, max=1, help="Malformed records per event.")] = (
        _DEFAULT.poison_ratio
    ),
    bots: Annotated[int, typer.Option(min=1, help="How many bots trade.")] = _DEFAULT.bots,
    seed: Annotated[int, typer.Option(help="Of every random decision.")] = _DEFAULT.seed,
    ledger: Annotated[
        Path | None, typer.Option(help="Folder for the ledger of acknowledged records, for verify --ledger.")
    ] = _DEFAULT.ledger,
    backlog_limit: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Wait while a partition is so many records ahead of its table under HEADRACE_LAKE__ROOT: "
            "the embedded broker drops what it cannot hold.",
        ),
    ] = _DEFAULT.backlog_limit,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask where the topics have records already.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print progress as one JSON object a line.")] = False,
) -> None:
    """Run a simulated market whose bots emit trades, greeks, signals and positions to the topics of these names.

    The topics must exist; where they have records already, it asks on a terminal before it sends. Ctrl-C or SIGTERM
    ends it after everything sent is acknowledged.
    """
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    plan = SimulationPlan(
        events=events,
        rate=rate or None,
        poison_ratio=poison_ratio,
        bots=bots,
        seed=seed,
        backlog_limit=backlog_limit,
        ledger=ledger,
    )
    emitted = [contract_of(event) for event in EMITTED]
    if not yes:
        agree_to_simulated_events(settings.kafka, [contract.topic for contract in emitted])
    positions = no_positions if backlog_limit is None else LakePositions(Store(settings.lake.root), emitted)

    def report(progress: Progress) -> None:
        typer.echo(json.dumps(asdict(progress)) if as_json else _line(progress))

    with _stop_on_signals() as stop:
        report(run_simulation(settings.kafka, plan, positions=positions, report=report, stop=stop))


def _line(progress: Progress) -> str:
    rate = progress.events / progress.seconds if progress.seconds else 0.0
    return f"{progress.seconds:7.1f} s  {progress.events:>10,} events  {rate:>8,.0f}/s  {progress.poison:,} malformed"


@contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets; a second one does what it always did."""
    stop = threading.Event()
    former = {int(number): signal.getsignal(number) for number in _STOPPING}

    def set_stop(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, former[number])

    for number in _STOPPING:
        signal.signal(number, set_stop)
    try:
        yield stop
    finally:
        for restored, handler in former.items():
            signal.signal(restored, handler)
