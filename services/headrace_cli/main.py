"""The `headrace` command: subcommands, exit codes, and what a person reads when something goes wrong."""

import logging
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

from headrace import __version__
from headrace.errors import HeadraceError, NoTableError

USAGE_ERROR = 64
UNEXPECTED = 70
INTERRUPTED = 130
OUTPUT_CLOSED = 141

# typer carries a click of its own and names only this leaf of its tree; the base covers every wrong command line.
_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])

# Imported when called: a worker must not pay, in start-up time and memory, for what only the demo or verify needs.
_COMMANDS: Mapping[str, str] = {
    "audit": "headrace_cli.audit:app",
    "canary": "headrace_cli.canary:app",
    "config": "headrace_cli.config:app",
    "demo": "headrace_cli.demo:app",
    "doctor": "headrace_cli.doctor:app",
    "export": "headrace_cli.export:app",
    "health": "headrace_cli.health:app",
    "history": "headrace_cli.history:app",
    "ingest": "headrace_cli.ingest:app",
    "lag": "headrace_cli.lag:app",
    "maintain": "headrace_cli.maintain:app",
    "offset": "headrace_cli.offset:app",
    "quarantine": "headrace_cli.quarantine:app",
    "rebuild": "headrace_cli.rebuild:app",
    "schema": "headrace_cli.schema:app",
    "simulate": "headrace_cli.simulate:app",
    "tables": "headrace_cli.tables:app",
    "top": "headrace_cli.top.command:app",
    "verify": "headrace_cli.verify:app",
}


class _LazyCommands(TyperGroup):
    """Finds subcommands in their modules."""

    def list_commands(self, ctx: object) -> list[str]:
        """All names."""
        return list(_COMMANDS)

    def get_command(self, ctx: object, cmd_name: str) -> Any:
        """The command of that name, or None."""
        if cmd_name not in _COMMANDS:
            return None
        module, attribute = _COMMANDS[cmd_name].split(":")
        command = typer.main.get_command(getattr(import_module(module), attribute))
        command.name = cmd_name
        return command


app = typer.Typer(
    name="headrace", cls=_LazyCommands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)


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

    Settings come from HEADRACE_* and headrace.toml. Exit codes: 0 done, 1 verify or doctor FAIL or health
    red, 2 verify UNKNOWN, 64 wrong command line, 65 to 85 a named failure (docs/operations.md), 70 a bug.
    """


def run(arguments: list[str]) -> int:
    """Runs one command line; returns its exit code."""
    try:
        return _run(arguments)
    except BrokenPipeError:
        return OUTPUT_CLOSED
    except SystemExit as end:
        # typer and rich end the process with 1 when the reader is gone, and 1 says that verify found a FAIL.
        if isinstance(end.__context__, BrokenPipeError):
            return OUTPUT_CLOSED
        raise


def _run(arguments: list[str]) -> int:
    try:
        code = app(arguments, standalone_mode=False)
    except _UsageError as error:
        error.show()
        return USAGE_ERROR
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except HeadraceError as error:
        with suppress(BrokenPipeError):
            sys.stderr.write(f"headrace: {type(error).__name__}: {error}{_hint(error)} (exit code {error.exit_code})\n")
        return error.exit_code
    except Exception:
        logging.getLogger("headrace").exception("unexpected failure, please report it")
        return UNEXPECTED
    return code if isinstance(code, int) else 0


def _hint(error: HeadraceError) -> str:
    """Which setting a command takes what it looked at from; in Python it is an argument."""
    return ". HEADRACE_LAKE__ROOT names the root" if isinstance(error, NoTableError) else ""


def main() -> None:
    """Entry point of the `headrace` script."""
    # A user's contracts may lie in the folder the command is run in, as with other tools that load user modules.
    sys.path.insert(0, os.getcwd())  # a string is what sys.path takes
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = OUTPUT_CLOSED
    with suppress(BrokenPipeError):
        sys.stderr.flush()
    # Of what is done at the end of other processes: the folder goes in which the one that forks merges is called.
    if (util := sys.modules.get("multiprocessing.util")) is not None:
        util._run_finalizers()
    # Without waiting for threads: a writer thread may hang in a dead store, and what it does is fenced anyway.
    os._exit(code)


if __name__ == "__main__":
    sys.exit("start it as python -m headrace_cli")
