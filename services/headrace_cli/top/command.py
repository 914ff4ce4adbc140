"""`headrace top [ENDPOINT ...]`."""

import time
from typing import Annotated

import typer
from rich.filesize import decimal
from rich.markup import escape

from headrace.errors import ConfigError
from headrace_cli.console import print_json, print_table, wide_console
from headrace_cli.top.chosen import Chosen
from headrace_cli.top.figures import Figures, process_lines, table_lines
from headrace_cli.top.problems import problems
from headrace_cli.top.scrape import Scraper
from headrace_cli.top.screen import can_draw, show
from headrace_cli.top.view import Board, age, rate

app = typer.Typer(add_completion=False)

_COLUMNS = (
    "table",
    "topic",
    "workers",
    "lag",
    "freshness",
    "rows/s",
    "files",
    "small",
    "size",
    "quarantined",
    "health",
    "maintained",
)
_TIMEOUT_SECONDS = 2.0
# Of `--once`: long enough for a worker that flushes every two seconds to show what it writes.
_BETWEEN_SECONDS = 3.0


@app.command()
def top_command(
    endpoints: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[HOST:PORT]...", help="Processes to ask; by default those on this machine from port 9640 on."
        ),
    ] = None,
    every: Annotated[float, typer.Option("--every", metavar="SECONDS", min=0.2, help="Between two looks.")] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Print how things stand, and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON; its keys are in docs/look.md.")] = False,
) -> None:
    """Show tables and what is wrong with them, as workers, maintenance, exporter and canary tell it in their metrics.

    Keys: q quits, s sorts by the next column, r the other way round, / filters by name, arrows scroll. Without a
    terminal it prints once. Exit code 78: nothing answers.
    """
    scraper = Scraper(endpoints or (), timeout=_TIMEOUT_SECONDS)
    board = _look(scraper)
    if not board.processes:
        raise ConfigError(_unreachable(scraper, board))
    if once or as_json or not can_draw():
        time.sleep(_BETWEEN_SECONDS)
        board = _look(scraper)
        _print(board, as_json=as_json)
    else:
        show(board, lambda: _look(scraper), every)


def _look(scraper: Scraper) -> Board:
    figures = Figures(scraper.look())
    lines = table_lines(figures)
    return Board(
        at=figures.now or time.time(),
        tables=lines,
        problems=problems(figures, lines),
        processes=process_lines(figures),
        asked=_asked(scraper),
    )


def _asked(scraper: Scraper) -> str:
    urls = scraper.urls
    return ", ".join(urls) if len(urls) <= 3 else f"{urls[0]} to {urls[-1].rpartition(':')[2]}"


def _unreachable(scraper: Scraper, board: Board) -> str:
    why = "".join(f"; {each.subject}: {each.found}" for each in board.problems)
    return (
        f"nothing answers at {_asked(scraper)}{why}. Start headrace ingest, maintain or export; name those elsewhere: "
        "headrace top HOST:PORT, as their log line `serving` has it. HEADRACE_METRICS__ENABLED=false serves nothing"
    )


def _print(board: Board, *, as_json: bool) -> None:
    tables = Chosen(order="name").of(board.tables, board.problems)
    if as_json:
        print_json({"tables": tables, "problems": board.problems, "processes": board.processes})
        return
    console = wide_console()
    rows = [
        (
            *(line.table, line.topic, line.workers, line.lag, age(line.freshness_seconds), rate(line.rows_per_second)),
            *(line.files, line.small_files, None if line.bytes is None else decimal(line.bytes), line.quarantined),
            *(None if line.health is None else f"{line.health:.0f}", age(line.maintained_seconds)),
        )
        for line in tables
    ]
    print_table(console, _COLUMNS, rows, left=("table", "topic"))
    for each in board.problems:
        console.print(f"{each.severity.value} {escape(each.subject)}: {escape(each.found)} ({each.alert})")
    if not board.problems:
        console.print("nothing is wrong")
