"""The `headrace` command: subcommands, exit codes, and what a person reads when something goes wrong."""

import logging
import os
import sys
from typing import Annotated

import click
import typer
from rich.console import Console
from rich.markup import escape

from headrace import __version__
from headrace.errors import HeadraceError
from headrace_cli.demo import demo_command
from headrace_cli.ingest import ingest_command
from headrace_cli.quarantine import quarantine_app
from headrace_cli.simulate import simulate_command
from headrace_cli.verify import verify_command

USAGE_ERROR = 64
UNEXPECTED = 70
INTERRUPTED = 130

app = typer.Typer(
    name="headrace",
    help="Kafka to Delta Lake, exactly once, with proof that nothing was lost or doubled.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo_command)
app.command("ingest")(ingest_command)
app.command("simulate")(simulate_command)
app.command("verify")(verify_command)
app.add_typer(quarantine_app, name="quarantine")


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"headrace {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Kafka to Delta Lake, exactly once, with proof that nothing was lost or doubled.

    Settings come from HEADRACE_* and headrace.toml. Exit codes: 0 done, 1 verify FAIL, 2 verify UNKNOWN,
    64 wrong command line, 65 to 84 a named failure (docs/operations.md), 70 a bug.
    """


def run(arguments: list[str]) -> int:
    """Runs one command line; returns its exit code."""
    errors = Console(stderr=True, soft_wrap=True)
    try:
        code = app(arguments, standalone_mode=False)
    except click.UsageError as error:
        error.show()
        return USAGE_ERROR
    except click.ClickException as error:
        error.show()
        return USAGE_ERROR
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except HeadraceError as error:
        errors.print(
            f"[bold red]headrace: {type(error).__name__}:[/] {escape(str(error))} [dim](exit {error.exit_code})[/]"
        )
        return error.exit_code
    except Exception:
        logging.getLogger("headrace").exception("unexpected failure, please report it")
        return UNEXPECTED
    return code if isinstance(code, int) else 0


def main() -> None:
    """Entry point of the `headrace` script."""
    code = run(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Without waiting for threads: a writer thread may hang in a dead store, and what it does is fenced anyway.
    os._exit(code)


if __name__ == "__main__":
    main()
