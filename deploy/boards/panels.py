"""What a board shows, before anything draws it. Pure data."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

PIPELINE = 'namespace=~"$namespace"'
"""Selects the series of the pipelines that were chosen, and those of a Prometheus that has no such label."""
TABLE = f'{PIPELINE},table=~"$table"'
TOPIC = f'{PIPELINE},topic=~"$topic"'

Kind = Literal["time", "stack", "number", "states", "list"]
Steps = tuple[tuple[float, str], ...]

ZERO: Steps = ((1e-9, "red"),)
"""Green at 0, red above."""


@dataclass(frozen=True)
class Query:
    """An expression, and what its series are called: `{{label}}` is that label."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """One of a board.

    Attributes:
        title: in a few words.
        says: what it shows and how to read it.
        unit: by Grafana's name for it.
        queries: what is drawn.
        kind: `time`: lines; `stack`: areas upon each other; `number`: the newest values, large; `states`: bars of
            values along time; `list`: the newest values and their labels.
        alerts: those that watch the same, without their prefix; they are linked.
        steps: from which value on which colour holds; below the first it is green.
        width: of 24 columns.
    """

    title: str
    says: str
    unit: str
    queries: tuple[Query, ...]
    kind: Kind = "time"
    alerts: tuple[str, ...] = ()
    steps: Steps = ()
    width: int = 8


@dataclass(frozen=True)
class Section:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Board:
    """One page.

    Attributes:
        uid: in its address; never changes.
        title: in lists.
        says: what it answers.
        sections: from top to bottom.
        merges: whether runs of maintenance are marked.
    """

    uid: str
    title: str
    says: str
    sections: tuple[Section, ...]
    merges: bool = False


COLUMNS = 24
HEIGHT = 7
"""Rows of a panel; a heading has one."""


def laid_out(board: Board) -> Iterator[tuple[Section | Panel, int, int]]:
    """Headings and panels with the column and the row of their upper left corner."""
    top = 0
    for section in board.sections:
        yield section, 0, top
        left, top = 0, top + 1
        for panel in section.panels:
            if left + panel.width > COLUMNS:
                left, top = 0, top + HEIGHT
            yield panel, left, top
            left += panel.width
        top += HEIGHT


def panels(board: Board) -> tuple[Panel, ...]:
    """All of a board."""
    return tuple(panel for section in board.sections for panel in section.panels)


def per_second(counter: str, *by: str, where: str = TABLE) -> str:
    """How fast a counter grows, summed by labels."""
    return f"sum by ({', '.join(by)}) (rate({counter}{{{where}}}[$__rate_interval]))"


def in_range(counter: str, *by: str, where: str = TABLE) -> str:
    """By how much a counter has grown in the time that is shown, summed by labels."""
    return f"sum by ({', '.join(by)}) (increase({counter}{{{where}}}[$__range]))"


def newest(gauge: str, *by: str, where: str = TABLE) -> str:
    """A gauge that several processes may show, once for each combination of labels."""
    return f"max by ({', '.join(by)}) ({gauge}{{{where}}})"


def age(gauge: str, *by: str, where: str = TABLE) -> str:
    """How long ago a time was."""
    return f"time() - {newest(gauge, *by, where=where)}"


def quantile(share: float, histogram: str, *by: str, where: str = TABLE) -> str:
    """What that share of the observations stays below."""
    return f"histogram_quantile({share}, {per_second(f'{histogram}_bucket', *by, 'le', where=where)})"


def spread(histogram: str, *by: str, where: str = TABLE) -> tuple[Query, ...]:
    """Half and 99 of a hundred."""
    name = " ".join(f"{{{{{label}}}}}" for label in by)
    return tuple(
        Query(quantile(share, histogram, *by, where=where), f"{name} p{share:.0%}".rstrip("%")) for share in (0.5, 0.99)
    )
