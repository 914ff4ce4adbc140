"""The demo on a terminal: one screen, drawn from a scene. No I/O: the same scene is always the same picture."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from headrace_cli.demo.maintainer import NAME as MAINTAINER
from headrace_cli.demo.maintainer import MaintainerState
from headrace_cli.demo.standing import Standing, positions_view
from headrace_cli.demo.story import Happening, State, Tone, WorkerState

LEAST_WIDTH, LEAST_HEIGHT = 76, 22
"""A smaller terminal cannot show it."""

# Nothing for nothing; and not the full block: it would touch the line above.
_BARS = " ▁▂▃▄▅▆▇"
_WIDE = 100
# Partitions that have a place of their own in the line of a worker.
_PLACES = 5
# Flushed every second, a table is a second behind; a takeover takes the session timeout, 6 s, and a rebalance.
_FRESH_SECONDS, _STALE_SECONDS = 2.5, 8.0

_STATES: Mapping[State, str] = {
    State.STARTING: "cyan",
    State.RUNNING: "green",
    State.KILLED: "bold red",
    State.FROZEN: "bold blue",
    State.WOKEN: "bold yellow",
    State.FENCED: "bold magenta",
    State.STOPPING: "cyan",
    State.DRAINED: "green",
}
_TONES: Mapping[Tone, tuple[str, str]] = {
    Tone.NOTE: ("·", ""),
    Tone.ACT: ("▶", "bold yellow"),
    Tone.GOOD: ("✓", "green"),
}


class Act(StrEnum):
    """Where the play stands, in order."""

    START = "start"
    KILL = "kill"
    FREEZE = "freeze"
    WAKE = "wake"
    CATCH_UP = "catch up"
    PROOF = "proof"


@dataclass(frozen=True, slots=True)
class TableLine:
    """A table as it is shown: counts of records, rates in rows a second.

    Attributes:
        table: its name.
        records: that its topic has had.
        durable: rows in the table.
        quarantined: records in its quarantine.
        lag: records that are in neither.
        behind: seconds since the oldest of those arrived.
        commits: version of the table.
        came: data files that its workers have added.
        files: data files that it consists of.
        rate: now.
        rates: per second, oldest first.
        partitions: how many its topic has.
    """

    table: str
    records: int = 0
    durable: int = 0
    quarantined: int = 0
    lag: int = 0
    behind: float = 0.0
    commits: int = 0
    came: int = 0
    files: int = 0
    rate: float = 0.0
    rates: Sequence[float] = ()
    partitions: int = 0


@dataclass(frozen=True, slots=True)
class Programme:
    """What is known of the play beforehand.

    Attributes:
        broker: kind and address.
        goal: events that the bots will have emitted.
        marks: shares of the goal at which something is done to a worker.
    """

    broker: str
    goal: int
    marks: Sequence[float]


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that the screen shows.

    Attributes:
        programme: of the play.
        seconds: since the demo began.
        act: where the play stands.
        tables, workers, happenings: one line each.
        positions: a line below the tables.
        maintainer: a line below the workers.
    """

    programme: Programme
    seconds: float
    act: Act
    tables: Sequence[TableLine]
    workers: Sequence[WorkerState]
    happenings: Sequence[Happening]
    positions: Standing | None = None
    maintainer: MaintainerState = field(default_factory=MaintainerState)


def scene_view(scene: Scene, *, width: int, height: int | None) -> RenderableType:
    """The screen of `width` columns and `height` lines; without a height, with all that has happened."""
    # Head, bar, three blanks, the headings of the two tables, the positions, and the maintenance worker.
    used = 9 + len(scene.tables) + len(scene.workers)
    return Group(
        _head(scene, width),
        _bar(scene, width),
        Text(),
        _tables(scene.tables, width),
        positions_view(scene.positions, width) if scene.positions else Text(),
        Text(),
        _workers(scene, width),
        Text(),
        *_told(scene.happenings, width, None if height is None else height - used),
    )


def _head(scene: Scene, width: int) -> Text:
    acts = list(Act)
    steps = Text()
    for act in acts:
        passed = acts.index(act) < acts.index(scene.act)
        steps.append(" > " if steps else "", "dim")
        steps.append(act.value, "bold black on yellow" if act is scene.act else "green" if passed else "dim")
    title = Text.assemble(("headrace demo", "bold"), (f"  {scene.seconds:5.1f} s", "bold cyan"))
    room = width - title.cell_len - steps.cell_len
    broker = scene.programme.broker if len(scene.programme.broker) + 6 <= room else ""
    return Text.assemble(title, (broker.center(room), "dim"), steps)


def _bar(scene: Scene, width: int) -> Text:
    durable = sum(line.durable for line in scene.tables)
    share = min(1.0, durable / scene.programme.goal)
    label = f"{durable:,} of {scene.programme.goal:,} rows durable"
    length = max(10, width - len(label) - 2)
    filled = round(share * length)
    marks = {min(length - 1, int(mark * length)) for mark in scene.programme.marks}
    bar = Text()
    for cell in range(length):
        reached = cell < filled
        if cell in marks:
            bar.append("◆", "bold yellow" if reached else "yellow")
        else:
            bar.append("━", "green" if reached else "bright_black")
    return bar.append(f"  {label}")


def _tables(lines: Sequence[TableLine], width: int) -> Table:
    wide = width >= _WIDE
    table = _grid(width)
    table.add_column("TABLE", style="bold", no_wrap=True)
    names = ("records", "durable", "quarantined" if wide else "quar.", "lag", "behind", "commits", "files", "rows/s")
    rows = [_counts(line) for line in lines]
    gap = 2 if wide else 1
    # What the counts leave; they may not move the columns whenever they gain a digit.
    widths = [max(7 if wide else 6, len(name), *(len(row[i]) for row in rows)) for i, name in enumerate(names)]
    names_width = max(8, *(len(line.table) for line in lines))
    spark = max(0, width - names_width - sum(widths) - gap * (len(widths) + 1))
    for name, least in zip(names, widths, strict=True):
        table.add_column(name, justify="right", min_width=least, no_wrap=True)
    table.add_column("last seconds" if spark > 12 else "", no_wrap=True)
    for line, (records, durable, quarantined, lag, behind, *others) in zip(lines, rows, strict=True):
        style = _behind_style(line.behind)
        table.add_row(
            line.table.ljust(names_width),
            records,
            durable,
            Text(quarantined, "yellow" if line.quarantined else "dim"),
            Text(lag, style),
            Text(behind, style),
            *others,
            Text(_spark(line.rates[-spark:] if spark else ()), "cyan"),
        )
    return table


def _counts(line: TableLine) -> tuple[str, ...]:
    return (
        f"{line.records:,}",
        f"{line.durable:,}",
        f"{line.quarantined:,}",
        f"{line.lag:,}",
        f"{line.behind:.1f} s",
        f"{line.commits:,}",
        f"{line.came:,}→{line.files:,}",
        f"{max(0.0, line.rate):,.0f}",
    )


def _workers(scene: Scene, width: int) -> Table:
    wide = width >= _WIDE
    partitions = max((line.partitions for line in scene.tables), default=0)
    table = _grid(width)
    table.add_column("WORKER", style="bold", min_width=8)
    table.add_column("pid", justify="right", min_width=6)
    table.add_column("state", min_width=18 if wide else 15)
    table.add_column("partitions", min_width=2 * _PLACES + 8)
    table.add_column("rows committed" if wide else "rows", justify="right", min_width=7)
    table.add_column("last commit", justify="right")
    for worker in scene.workers:
        table.add_row(
            worker.name,
            *_process(worker, scene.seconds),
            _owned(worker, partitions),
            f"{worker.rows:,}",
            _ago(worker.committed_at, scene.seconds),
        )
    kept = scene.maintainer
    merged = Text(f"{kept.merged:,} files → {kept.made:,}", "green" if kept.made else "dim")
    table.add_row(MAINTAINER, *_process(kept, scene.seconds), merged, "", _ago(kept.merged_at, scene.seconds))
    return table


def _process(process: WorkerState | MaintainerState, now: float) -> tuple[Text, Text]:
    style = _STATES[process.state]
    lasting = "" if process.state in {State.RUNNING, State.DRAINED} else f" {max(0.0, now - process.since):.1f} s"
    return (
        Text("" if process.pid is None else str(process.pid), "dim"),
        Text.assemble(("● ", style), (process.state.value, style), (lasting, "dim")),
    )


def _ago(at: float | None, now: float) -> Text:
    return Text("" if at is None else f"{now - at:.1f} s ago", "dim")


def _owned(worker: WorkerState, partitions: int) -> Text:
    """Every partition in a place of its own; those of a worker that may have lost them are marked."""
    believed = worker.state in {State.FROZEN, State.WOKEN}
    if partitions > _PLACES:
        return Text(f"{len(worker.positions)} of {partitions}", "bold yellow" if believed else "bold green")
    text = Text()
    for partition in range(partitions):
        owned = partition in worker.positions
        style = "dim" if not owned else "bold yellow" if believed else "bold green"
        text.append(str(partition) if owned else "·", style).append(" ")
    if believed and worker.positions:
        text.append("believes", "yellow")
    return text


def _told(happenings: Sequence[Happening], width: int, room: int | None) -> list[Text]:
    """The newest happenings that fit, oldest first, none of them cut."""
    told: list[Text] = []
    for happening in reversed(happenings):
        lines = _sentence(happening, width)
        if room is not None and len(told) + len(lines) > room:
            break
        told[:0] = lines
    return told


def _sentence(happening: Happening, width: int) -> list[Text]:
    mark, style = _TONES[happening.tone]
    indent = 11
    lines = textwrap.wrap(happening.text, max(20, width - indent))
    first = Text.assemble((f"{happening.at:6.1f} s ", "dim"), (f"{mark} ", style), (lines[0], style))
    return [first, *(Text(" " * indent + line, style) for line in lines[1:])]


def _spark(rates: Sequence[float]) -> str:
    highest = max(rates, default=0.0)
    if highest <= 0:
        return ""
    return "".join(_BARS[max(0, math.ceil(rate / highest * (len(_BARS) - 1)))] for rate in rates)


def _behind_style(seconds: float) -> str:
    return "green" if seconds < _FRESH_SECONDS else "yellow" if seconds < _STALE_SECONDS else "bold red"


def _grid(width: int) -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 1, 0, 0) if width < _WIDE else (0, 2, 0, 0), header_style="dim")
