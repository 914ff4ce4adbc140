"""Draws the boards without Grafana: `python -m deploy.boards.pictures --help`.

Each board becomes one picture of what a Prometheus has, so that a person can see whether it tells its story.
"""

import argparse
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from math import nan
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from deploy.boards.__main__ import BOARDS
from deploy.boards.panels import COLUMNS, HEIGHT, Board, Panel, laid_out
from deploy.boards.values import legend, shown, told
from headrace.testing.prometheus_api import PrometheusApi, Series

_ROW_INCHES = 0.33
_DPI = 72
_WIDTH_INCHES = 22.0
_LINES = 10
"""How many series a panel names; more are drawn and not named."""

Named = list[tuple[str, Series]]


@dataclass(frozen=True)
class Span:
    """What is looked at.

    Attributes:
        start: seconds since the epoch.
        end: likewise.
        interval: that rates are taken over; at least four scrapes.
    """

    start: float
    end: float
    interval: str = "1m"


def draw(board: Board, prometheus: PrometheusApi, span: Span, file: Path) -> None:
    """Writes a picture of a board."""
    placed = list(laid_out(board))
    rows = max(top for _, _, top in placed) + HEIGHT
    figure = Figure(figsize=(_WIDTH_INCHES, (rows + 2) * _ROW_INCHES), facecolor="white")
    figure.text(0.01, 1 - 0.8 / (rows + 2), f"{board.title}: {board.says}", fontsize=15, weight="bold")
    for each, left, top in placed:
        upper = 1 - (top + 2) / (rows + 2)
        if not isinstance(each, Panel):
            figure.text(0.01, upper - 0.7 / (rows + 2), each.title, fontsize=12, weight="bold", color="#1f4e79")
            continue
        body = (left / COLUMNS + 0.03, upper - (HEIGHT - 1.4) / (rows + 2), each.width / COLUMNS - 0.04)
        axes = figure.add_axes((*body, (HEIGHT - 2.8) / (rows + 2)))
        axes.set_title(each.title, fontsize=9, loc="left", weight="bold")
        _draw_panel(axes, each, answers(prometheus, each, span), span)
    figure.savefig(file, dpi=_DPI)


def answers(prometheus: PrometheusApi, panel: Panel, span: Span) -> Named:
    """What a panel shows, with the names of its series."""
    found: Named = []
    for query in panel.queries:
        expression = shown(query.expr, interval=span.interval, seconds=span.end - span.start)
        step = max((span.end - span.start) / 200, 0.5)
        asked = prometheus.query_range(expression, start=span.start, end=span.end, step=step)
        found += [(legend(query.legend, series.labels), series) for series in asked]
    return found


def _draw_panel(axes: Axes, panel: Panel, series: Named, span: Span) -> None:
    if not series:
        axes.text(0.5, 0.5, "no data", ha="center", va="center", color="grey", transform=axes.transAxes)
        axes.set_axis_off()
        return
    if panel.kind in ("number", "list"):
        _write(axes, panel, series)
        return
    axes.set_xlim(span.start, span.end)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}"))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.tick_params(labelsize=7)
    if panel.kind == "states":
        _draw_states(axes, panel, series)
    else:
        _draw_lines(axes, panel, series)


def _draw_lines(axes: Axes, panel: Panel, series: Named) -> None:
    below: dict[float, float] = {}
    for number, (name, each) in enumerate(series):
        label = name if number < _LINES else None
        if panel.kind == "stack":
            times = [at for at, _ in each.points]
            floor = [below.get(at, 0.0) for at in times]
            roof = [lower + value for lower, (_, value) in zip(floor, each.points, strict=True)]
            axes.fill_between(times, floor, roof, alpha=0.6, label=label)
            below.update(zip(times, roof, strict=True))
        else:
            times, values = _with_gaps(each)
            axes.plot(times, values, linewidth=1.1, label=label)
    axes.set_ylim(bottom=0)
    top = axes.get_ylim()[1]
    for value, color in panel.steps:
        if 0 < value <= top:
            axes.axhline(value, color=color, linestyle="--", linewidth=0.8)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: told(value, panel.unit)))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=6, loc="upper left", framealpha=0.6, ncol=2 if len(series) > 5 else 1)


def _with_gaps(series: Series) -> tuple[list[float], list[float]]:
    """Times and values, with a NaN where a value is missing: no line is drawn there."""
    steps = [until - at for (at, _), (until, _) in pairwise(series.points)]
    points = list(series.points[:1])
    for step, (at, value) in zip(steps, series.points[1:], strict=True):
        if step > 1.5 * min(steps):
            points.append((at - step / 2, nan))
        points.append((at, value))
    return [at for at, _ in points], [value for _, value in points]


def _draw_states(axes: Axes, panel: Panel, series: Named) -> None:
    for row, (_, each) in enumerate(series):
        for (at, value), (until, _) in pairwise(each.points):
            axes.broken_barh([(at, until - at)], (row - 0.4, 0.8), color=_color(panel, value))
    axes.set_yticks(range(len(series)), [name for name, _ in series], fontsize=6)
    axes.tick_params(axis="y", pad=-2, direction="in")
    for label in axes.get_yticklabels():
        label.set_horizontalalignment("left")


def _write(axes: Axes, panel: Panel, series: Named) -> None:
    axes.set_axis_off()
    size = 15 if len(series) <= 4 else 9 if len(series) <= 8 else 7
    for number, (name, each) in enumerate(series[:14]):
        value = each.points[-1][1]
        others = "  ".join(f"{key}={label}" for key, label in each.labels.items() if label != name)
        text = f"{name}  {others}" if panel.kind == "list" else f"{told(value, panel.unit)}   {name}"
        height = 0.9 - number / max(len(series[:14]), 4)
        axes.text(0, height, text, fontsize=min(size, 9) if panel.kind == "list" else size,
                  color=_color(panel, value), va="top", transform=axes.transAxes)  # fmt: skip


def _color(panel: Panel, value: float) -> str:
    reached = [color for step, color in panel.steps if value >= step]
    return {"green": "#2e7d32", "yellow": "#c0a000", "orange": "#e67e00", "red": "#c62828"}[(["green", *reached])[-1]]


def main() -> None:
    """Draws every board of a Prometheus that runs."""
    parser = argparse.ArgumentParser(description="Draws the boards into pictures, from a Prometheus that runs.")
    parser.add_argument("--prometheus", default="http://localhost:9090", help="its URL [%(default)s]")
    parser.add_argument("--minutes", type=float, default=15, help="how long back [%(default)s]")
    parser.add_argument("--folder", type=Path, default=Path(), help="where pictures are written [%(default)s]")
    chosen = parser.parse_args()
    now = time.time()
    for board in BOARDS:
        file = chosen.folder / f"{board.uid}.png"
        draw(board, PrometheusApi(chosen.prometheus), Span(now - 60 * chosen.minutes, now), file)
        print(file)


if __name__ == "__main__":
    main()
