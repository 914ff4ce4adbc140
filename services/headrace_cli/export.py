"""`headrace export`."""

from typing import Annotated

import typer

from headrace.logs import configure_logs, get_logger
from headrace.settings import load_settings, unknown_variables
from headrace_exporter.wiring import export

app = typer.Typer(add_completion=False)


@app.command()
def export_command(
    table: Annotated[
        list[str] | None, typer.Option("--table", help="Only this table and its quarantine; may be repeated.")
    ] = None,
) -> None:
    """Serve metrics of tables, and of how far they are behind their topics, until stopped. Changes nothing.

    For where headrace maintain does not run, which serves the same. Needs no more than the right to read.
    """
    settings = load_settings()
    configure_logs(settings.log_level, settings.log_format)
    for name in unknown_variables():
        get_logger(__name__).warning("unknown_setting", variable=name)
    export(settings, tuple(table or ()))
