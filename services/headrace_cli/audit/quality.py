"""`headrace audit quality [TABLE ...]`."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

import typer

from headrace.clock import SystemClock
from headrace.contracts import contract_named, load_contracts
from headrace.lake import Lake
from headrace.lake.listing import chosen_tables
from headrace.read.audit.data_quality.measure import quality
from headrace.read.audit.data_quality.report import Scope
from headrace.settings import load_settings
from headrace_cli.as_of import instant
from headrace_cli.audit.quality_markdown import markdown
from headrace_cli.audit.quality_metrics import write_metrics
from headrace_cli.console import print_json
from headrace_cli.textfile import check_name


def quality_command(
    tables: Annotated[list[str] | None, typer.Argument(help="Tables; by default every table of the lake.")] = None,
    since: Annotated[str | None, typer.Option(help="Only what landed or was refused at or after this time.")] = None,
    until: Annotated[str | None, typer.Option(help="Only what landed or was refused before this time.")] = None,
    hours: Annotated[
        float | None, typer.Option(min=0, help="Only what landed or was refused in the last so many hours.")
    ] = None,
    by: Annotated[Literal["hour", "day"], typer.Option(help="Length of the windows told apart, UTC.")] = "day",
    late_minutes: Annotated[float, typer.Option(min=0, help="A row is late that lands so long after its event.")] = 60,
    key: Annotated[
        str | None, typer.Option(help="Columns of the one table that name an event, with commas between them.")
    ] = None,
    metrics_file: Annotated[
        Path | None, typer.Option(help="Leave the numbers as metrics in this *.prom file, for the textfile collector.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; its keys are in docs/audit.md.")] = False,
) -> None:
    """Report on the data of tables: rejects, nulls and ranges, late rows, duplicates. Prints Markdown.

    Reads every row once. Exit code 0 whatever is found: what is too much depends on the data.
    """
    _refuse_contradictions(tables or (), since=since, until=until, hours=hours, key=key)
    settings = load_settings()
    clock = SystemClock()
    began = clock.monotonic()
    if metrics_file is not None:
        check_name(metrics_file)
    first = instant(since, "--since") if hours is None else clock.now() - timedelta(hours=hours)
    named = tuple(filter(None, (key or "").split(",")))
    scope = Scope(first, instant(until, "--until"), by, timedelta(minutes=late_minutes), named)
    lake, contracts = Lake(settings.lake.root), load_contracts(settings.contracts)
    chosen = chosen_tables(lake.store, tables or ())
    reports = [quality(lake, contract_named(contracts, table), scope) for table in chosen]
    if as_json:
        print_json({"tables": reports})
    else:
        typer.echo("\n".join(map(markdown, reports)), nl=False)
    if metrics_file is not None:
        write_metrics(metrics_file, reports, at=clock.now().timestamp(), seconds=clock.monotonic() - began)


def _refuse_contradictions(
    tables: Sequence[str], *, since: str | None, until: str | None, hours: float | None, key: str | None
) -> None:
    contradictions = {
        "--hours ends now and begins by itself: leave out --since and --until": hours is not None and (since or until),
        "--key names columns of one table: name that table": key and len(tables) != 1,
    }
    for told in (told for told, found in contradictions.items() if found):
        raise typer.BadParameter(told)
