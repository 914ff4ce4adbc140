"""`headrace config check`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.markup import escape

from headrace.contracts import load_contracts
from headrace.errors import ConfigError
from headrace.kafka.client import check_properties
from headrace.origins import EffectiveSetting, effective, given_only
from headrace.settings import Settings, UnknownVariable, config_file, load_settings, unknown_variables
from headrace_cli.console import print_json, print_table, wide_console, without_client_log

app = typer.Typer(add_completion=False, help="Look at the settings.", no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class ConfigReport:
    """What the settings are.

    Attributes:
        file: that was read; None if there is none.
        settings: every one; only those that are set, without values, if they are wrong.
        unknown: variables that set nothing.
        unused: settings of the connection that are set and have no effect beside the others, as in the file.
        problems: one sentence each; none if all is well.
    """

    file: str | None
    settings: tuple[EffectiveSetting, ...]
    unknown: tuple[UnknownVariable, ...]
    unused: tuple[str, ...]
    problems: tuple[str, ...]


@app.callback()
def _group() -> None:
    """Keeps `check` a command of its own."""


@app.command("check")
def check_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; its keys are in docs/look.md.")] = False,
) -> None:
    """Print the settings in effect and where each comes from; secrets are hidden. Nothing is connected to.

    Exit code 78: a setting is wrong, a contract cannot be loaded, or a Kafka property is refused.
    """
    with without_client_log():
        report = check_config()
    if as_json:
        print_json(report)
    else:
        _show(report)
    if report.problems:
        raise ConfigError("; ".join(report.problems))


def check_config() -> ConfigReport:
    """Reads the settings as every process does, and tries what can be tried without a broker or a lake."""
    file = str(config_file().absolute()) if config_file().is_file() else None
    try:
        settings = load_settings()
    except ConfigError as error:
        return ConfigReport(file, given_only(), unknown_variables(), (), (str(error),))
    unused = settings.kafka.unused()
    return ConfigReport(file, effective(settings), unknown_variables(), unused, tuple(_problems(settings)))


def _problems(settings: Settings) -> Iterator[str]:
    for check in (lambda: load_contracts(settings.contracts), lambda: check_properties(settings.kafka)):
        try:
            check()
        except ConfigError as error:
            yield str(error)


def _show(report: ConfigReport) -> None:
    console = wide_console()
    console.print(f"file: {escape(report.file or 'none')}")
    rows = [(each.name, _text(each.value), each.source) for each in report.settings]
    print_table(console, ("setting", "value", "source"), rows, left=("setting", "value", "source"))
    for each in report.unknown:
        hint = f": {each.meant} was probably meant" if each.meant else ""
        console.print(f"[yellow]{each.variable} sets nothing{hint}[/]")
    for name in report.unused:
        console.print(f"[yellow]{name} has no effect under kafka.security_protocol as it is[/]")


def _text(value: object) -> str | None:
    if value is None or value in ([], {}):
        return None
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
