"""`headrace ingest TABLE`."""

from typing import Annotated

import typer

from headrace.contracts import contract_named, load_contracts
from headrace.logs import configure_logs
from headrace.settings import load_settings
from headrace_ingest.wiring import run_ingest

app = typer.Typer(add_completion=False)


def _numbers(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    numbers = [part.strip() for part in text.split(",")]
    if not all(number.isdecimal() for number in numbers) or len(set(map(int, numbers))) < len(numbers):
        msg = "write numbers of partitions, each once, separated by commas: 0,1"
        raise typer.BadParameter(msg, param_hint="--partitions")
    return tuple(map(int, numbers))


@app.command()
def ingest_command(
    table: Annotated[str, typer.Argument(help="Table of a contract: trades, greeks, signals, or one of your own.")],
    drain: Annotated[
        bool, typer.Option("--drain", help="Stop once everything that is in the topic now is durable.")
    ] = False,
    partitions: Annotated[
        str | None,
        typer.Option("--partitions", metavar="0,1,...", help="Read just these partitions, without a consumer group."),
    ] = None,
) -> None:
    """Run one worker of TABLE until stopped; creates the table if it is missing.

    Start more of them to share the topic's partitions. SIGTERM makes durable what was read and stops; a second one
    stops at once, and nothing is lost either way.
    """
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    contract = contract_named(load_contracts(settings.contracts), table)
    run_ingest(settings, contract, drain=drain, partitions=_numbers(partitions))
