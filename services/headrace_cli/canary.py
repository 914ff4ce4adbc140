"""`headrace canary`."""

import typer

from headrace.logs import configure_logs, get_logger
from headrace.settings import load_settings, unknown_variables
from headrace_canary.wiring import run_canary

app = typer.Typer(add_completion=False)


@app.command()
def canary_command() -> None:
    """Emit heartbeats and see whether they come through: from Kafka by a worker into a table, and back from there.

    Needs the topic headrace-heartbeat, and a worker beside it: headrace ingest headrace_heartbeat. Runs until stopped;
    what it finds is in its metrics.
    """
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    for each in unknown_variables():
        get_logger(__name__).warning("unknown_setting", variable=each.variable, meant=each.meant)
    run_canary(settings)
