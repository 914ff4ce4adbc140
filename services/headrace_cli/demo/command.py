"""`headrace demo`: options, and the exit code."""

import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console

from headrace.contracts import contract_of, load_contracts
from headrace.contracts.heartbeat import Heartbeat
from headrace.logs import configure_logs
from headrace.read.proof.store import local_root
from headrace.settings import load_settings
from headrace_cli.consent import agree_to_simulated_events
from headrace_cli.demo.ending import Ending, on_signals
from headrace_cli.demo.observe import Observation, Observed, asked_to_end
from headrace_cli.demo.play import Play
from headrace_cli.demo.recording import Recording
from headrace_cli.demo.screen import Screen
from headrace_cli.demo.script import Script
from headrace_cli.demo.stage import BrokerKind, open_stage

_TABLES = ("trades", "greeks", "signals", "positions")
_RATE, _OBSERVED_RATE = 4_000.0, 300.0
_BROKERS = ("embedded", "kafka", "external")

Events = Annotated[int, typer.Option("--events", min=1, help="How many valid events the bots emit.")]
Rate = Annotated[
    float | None,
    typer.Option("--rate", min=1, help="Events a second; by default 4,000, with --observe 300.", show_default=False),
]
Plain = Annotated[bool, typer.Option("--plain", help="Plain lines, as without a terminal.")]
Broker = Annotated[
    str | None,
    typer.Option(
        "--broker",
        help="embedded; kafka, a real one that needs Java and Maven; or external, the one that "
        "HEADRACE_KAFKA__BOOTSTRAP_SERVERS names. By default external if that is set, else embedded.",
        show_default=False,
    ),
]
Record = Annotated[
    Path | None, typer.Option("--record", dir_okay=False, writable=True, help="Write a film of it, an animated SVG.")
]
Yes = Annotated[
    bool, typer.Option("--yes", help="On the external broker: do not ask where the topics have records already.")
]
Observe = Annotated[
    bool,
    typer.Option(
        "--observe",
        help="No play: everything runs until Ctrl-C, with Prometheus where it is installed, to be looked at.",
    ),
]
Rules = Annotated[
    Path | None, typer.Option("--rules", exists=True, file_okay=False, help="With --observe: Prometheus' rules.")
]
Seed = Annotated[int, typer.Option("--seed", help="Of everything random in the market.")]


app = typer.Typer(add_completion=False)


@app.command()
def demo_command(  # one parameter per option
    events: Events = 180_000,
    rate: Rate = None,
    plain: Plain = False,
    broker: Broker = None,
    seed: Seed = 7,
    record: Record = None,
    yes: Yes = False,
    observe: Observe = False,
    rules: Rules = None,
) -> None:
    """Run the whole pipeline on a simulated market, kill and freeze workers, and prove the result."""
    settings = load_settings()
    configure_logs("ERROR", settings.log_format)
    if broker is None:
        broker = "external" if settings.kafka.bootstrap_servers else "embedded"
    if broker not in _BROKERS:
        msg = f"choose one of {', '.join(_BROKERS)}"
        raise typer.BadParameter(msg, param_hint="--broker")
    contracts = [load_contracts(settings.contracts)[name] for name in _TABLES]
    topics = [contract.topic for contract in contracts]
    if observe and record is not None:
        msg = "there is no film of what has no end"
        raise typer.BadParameter(msg, param_hint="--record")
    if observe:
        topics.append(contract_of(Heartbeat).topic)
    if broker == "external" and not yes:
        agree_to_simulated_events(settings.kafka, topics)
    root = local_root(settings.lake.root).parent / f"demo-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    if observe:
        observed = Observed(contracts, rate or _OBSERVED_RATE, seed, rules)
        with asked_to_end() as came, open_stage(settings.kafka, cast("BrokerKind", broker), root, topics) as stage:
            Observation(stage, observed, Console(), came=came).run()
        raise typer.Exit(0 if came[0] == signal.SIGINT else 128 + came[0])
    recording = None if record is None else Recording()
    with (
        on_signals(ending := Ending()),
        open_stage(settings.kafka, cast("BrokerKind", broker), root, topics) as stage,
        Screen(plain=plain, recording=recording) as screen,
    ):
        proven = Play(stage, Script(contracts, events, rate or _RATE, seed), settings, screen, ending=ending).run()
    if record is not None and recording is not None:
        recording.save(record)
    raise typer.Exit(0 if proven else 1)
