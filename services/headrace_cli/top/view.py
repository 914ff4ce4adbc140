"""The board as it is drawn. No I/O: the same board, choice and size are always the same picture."""

import textwrap
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from headrace_cli.top.chosen import Chosen
from headrace_cli.top.figures import ProcessLine, TableLine
from headrace_cli.top.problems import Problem, Severity

_SEVERITIES: Mapping[Severity, str] = {
    Severity.CRITICAL: "bold red",
    Severity.WARNING: "yellow",
    Severity.INFO: "cyan",
}
_STATES: Mapping[str, str] = {"running": "green", "failed": "bold red", "stopped": "dim"}
_NAME = 8
_GAP = 1
# Of a screen of 24 lines a third: what is wrong may not push the tables out.
_LEAST_PROBLEMS = 4


@dataclass(frozen=True, slots=True)
class Board:
    """All that there is to see.

    Attributes:
        at: when, seconds since the epoch.
        tables, problems, processes: one line each.
        asked: whom was asked, in words.
    """

    at: float
    tables: Sequence[TableLine]
    problems: Sequence[Problem]
    processes: Sequence[ProcessLine]
    asked: str


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of numbers.

    Attributes:
        head: its name.
        order: what it is sorted by, by that name.
        width: that it takes.
        least: the terminal's width from which on it is shown.
        cell: what it says of a table, and how.
    """

    head: str
    order: str
    width: int
    least: int
    cell: Callable[[TableLine], Text]


def board_view(board: Board, chosen: Chosen, *, width: int, height: int) -> RenderableType:
    """The screen of `width` columns and `height` lines."""
    lines = chosen.of(board.tables, board.problems)[chosen.first :]
    told = _problems(board.problems, width)
    # Head, blank, names of columns, blank, and the keys.
    room = max(2, height - 5)
    for_problems = min(len(told), max(min(_LEAST_PROBLEMS, room - 1), room - max(1, len(lines))))
    shown = lines[: room - for_problems]
    left = room - for_problems - max(1, len(shown))
    below = [Text(), *processes] if (processes := _processes(board.processes, left - 1)) else []
    return Group(
        _head(board, width),
        Text(),
        _tables(shown, board, chosen, width),
        *([] if shown else [_nothing(chosen, board)]),
        Text(),
        *told[:for_problems],
        *below,
        *[Text()] * (left - len(below)),
        _keys(chosen, width),
    )


def _head(board: Board, width: int) -> Text:
    counts = Counter(each.kind.value for each in board.processes)
    what = [f"{len(board.tables)} tables", *(f"{count} {kind}" for kind, count in sorted(counts.items()))]
    head = Text.assemble(
        ("headrace top", "bold"),
        (f"  {datetime.fromtimestamp(board.at, UTC):%H:%M:%S} UTC", "bold cyan"),
        (f"  {', '.join(what)}", "dim"),
    )
    return _cut(head, width)


def _nothing(chosen: Chosen, board: Board) -> Text:
    if chosen.words and board.tables:
        return Text(f"no table has {chosen.words!r} in its name", "yellow")
    if not board.processes:
        return Text(f"nothing answers at {board.asked}", "bold yellow")
    return Text("no process tells of a table yet", "yellow")


def _tables(lines: Sequence[TableLine], board: Board, chosen: Chosen, width: int) -> Table:
    columns = [column for column in _COLUMNS if width >= column.least]
    name = max(_NAME, width - sum(column.width + _GAP for column in columns))
    shown = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    shown.add_column(_title("TABLE", "name", chosen), width=name, no_wrap=True, overflow="ellipsis")
    for column in columns:
        head = _title(column.head, column.order, chosen)
        shown.add_column(head, width=column.width, justify="right", no_wrap=True, overflow="ellipsis")
    for line in lines:
        style = _worst_style(line, board.problems)
        shown.add_row(Text(line.table, style), *(column.cell(line) for column in columns))
    return shown


def _title(head: str, order: str, chosen: Chosen) -> Text:
    return Text(head, "bold reverse" if chosen.order == order else "")


def _worst_style(line: TableLine, problems: Sequence[Problem]) -> str:
    found = {each.severity for each in problems if each.subject in {line.table, line.topic}}
    return next((_SEVERITIES[severity] for severity in Severity if severity in found), "bold")


def _problems(problems: Sequence[Problem], width: int) -> list[Text]:
    if not problems:
        return [Text("nothing is wrong", "green")]
    told: list[Text] = []
    for each in problems:
        head = f"{each.severity.value:<9}"
        text = f"{each.subject}: {each.found} ({each.alert})"
        wrapped = textwrap.wrap(text, max(20, width - len(head)), break_on_hyphens=False)
        told.append(Text.assemble((head, _SEVERITIES[each.severity]), wrapped[0]))
        told += [Text(" " * len(head) + line) for line in wrapped[1:]]
    return told


def _processes(processes: Sequence[ProcessLine], room: int) -> list[Text]:
    if room <= 0:
        return []
    told = [
        Text.assemble(
            (f"{each.kind.value:<9}", "dim"),
            f"{each.table or '':<20} ",
            (f"{each.state or '':<9}", _STATES.get(each.state or "", "yellow")),
            (f" {each.url}", "dim"),
        )
        for each in processes
    ]
    return told if len(told) <= room else [*told[: room - 1], Text(f"and {len(told) - room + 1} more", "dim")]


def _keys(chosen: Chosen, width: int) -> Text:
    if chosen.typing:
        return _cut(Text.assemble(("filter: ", "bold"), chosen.words, ("_", "blink"), ("  enter, esc", "dim")), width)
    keys = (("q", "quit"), ("s", f"sort: {chosen.order}"), ("r", "reversed" if chosen.backwards else "reverse"))
    text = Text()
    for key, meaning in (*keys, ("/", f"filter: {chosen.words}" if chosen.words else "filter"), ("up/down", "scroll")):
        text.append(f" {key} ", "reverse").append(f" {meaning}  ", "dim")
    return _cut(text, width)


def _cut(text: Text, width: int) -> Text:
    text.truncate(width, overflow="ellipsis")
    return text


def count(number: float | None) -> str:
    """A number in at most seven characters: 999,999, then 1.23 M."""
    if number is None:
        return "-"
    for scale, unit in ((1e12, " T"), (1e9, " G"), (1e6, " M")):
        if number >= scale:
            return f"{number / scale:.3g}{unit}"
    return f"{number:,.0f}"


def rate(per_second: float | None) -> str:
    """A number a second: of few a tenth counts."""
    return f"{per_second:.1f}" if per_second is not None and 0 < per_second < 10 else count(per_second)


def age(seconds: float | None) -> str:
    """A time that has passed in at most six characters."""
    if seconds is None:
        return "-"
    for least, scale, unit in ((172_800, 86_400, " d"), (7_200, 3_600, " h"), (120, 60, " min")):
        if seconds >= least:
            return f"{seconds / scale:.0f}{unit}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def _plain(say: Callable[[TableLine], str]) -> Callable[[TableLine], Text]:
    def cell(line: TableLine) -> Text:
        text = say(line)
        return Text(text, "dim" if text in {"-", "0"} else "")

    return cell


def _lag(line: TableLine) -> Text:
    return Text(count(line.lag), "dim" if not line.lag else "")


def _freshness(line: TableLine) -> Text:
    return Text(age(line.freshness_seconds), _graded(line.freshness_seconds, amber=300, red=900))


def _health(line: TableLine) -> Text:
    if line.health is None:
        return Text("-", "dim")
    return Text(f"{line.health:.0f}", _graded(100 - line.health, amber=20, red=50))


def _maintained(line: TableLine) -> Text:
    return Text(age(line.maintained_seconds), _graded(line.maintained_seconds, amber=1800, red=3600))


def _workers(line: TableLine) -> Text:
    return Text(str(line.workers), "" if line.workers else "dim")


def _graded(value: float | None, *, amber: float, red: float) -> str:
    if value is None:
        return "dim"
    return "bold red" if value > red else "yellow" if value > amber else "green"


_COLUMNS = (
    _Column("lag", "lag", 8, 0, _lag),
    _Column("fresh", "freshness", 7, 0, _freshness),
    _Column("rows/s", "rows/s", 7, 0, _plain(lambda line: rate(line.rows_per_second))),
    _Column("MB/s", "", 6, 112, _plain(lambda line: _megabytes(line.bytes_per_second))),
    _Column("rows", "", 7, 112, _plain(lambda line: count(line.rows))),
    _Column("quar.", "", 7, 100, _plain(lambda line: count(line.quarantined))),
    _Column("files", "files", 7, 0, _plain(lambda line: count(line.files))),
    _Column("small", "small", 7, 72, _plain(lambda line: count(line.small_files))),
    _Column("size", "size", 8, 90, _plain(lambda line: "-" if line.bytes is None else decimal(line.bytes))),
    _Column("version", "", 8, 112, _plain(lambda line: "-" if line.version is None else str(line.version))),
    _Column("health", "health", 6, 0, _health),
    _Column("maint.", "maintained", 7, 0, _maintained),
    _Column("wk", "", 2, 72, _workers),
)


def _megabytes(per_second: float | None) -> str:
    return "-" if per_second is None else f"{per_second / 1e6:.2f}"
