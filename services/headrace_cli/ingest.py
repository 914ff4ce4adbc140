"""`headrace ingest TABLE`."""

from typing import Annotated

import typer

from headrace.contracts import contract_named, load_contracts
from headrace.logs import configure_logs, get_logger
from headrace.settings import load_settings, unknown_variables
from headrace_ingest.wiring import run_ingest

app = typer.Typer(add_completion=False)


@app.command()
def ingest_command(
    table: Annotated[str, typer.Argument(help="Table of a contract: trades, greeks, signals, or one of your own.")],
    drain: Annotated[
        bool, typer.Option("--drain", help="Stop once everything that is in the topic now is durable.")
    ] = False,
) -> None:
    """Run one worker of TABLE until stopped; creates the table if it is missing.

    Start more of them to share the topic's partitions. SIGTERM makes durable what was read and stops; a second one
    stops at once, and nothing is lost either way.
    """
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    for name in unknown_variables():
        get_logger(__name__).warning("unknown_setting", variable=name)
    run_ingest(settings, contract_named(load_contracts(settings.contracts), table), drain=drain)
