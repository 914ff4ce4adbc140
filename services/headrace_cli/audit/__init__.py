"""`headrace audit version|row|changes|quality`."""

import typer

from headrace_cli.audit.changes import changes_command
from headrace_cli.audit.quality import quality_command
from headrace_cli.audit.row import row_command
from headrace_cli.audit.version import version_command

app = typer.Typer(
    add_completion=False,
    help="Ask where versions and rows came from, what changed between versions, and how good the data is.",
    no_args_is_help=True,
)
app.command("version")(version_command)
app.command("row")(row_command)
app.command("changes")(changes_command)
app.command("quality")(quality_command)

__all__ = ["app"]
