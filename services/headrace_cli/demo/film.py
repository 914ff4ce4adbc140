"""Screens of text as one animated SVG: no script, no font, nothing to fetch. No I/O."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from rich.cells import cell_len
from rich.color import blend_rgb
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import TerminalTheme

# Of one character, in units of the drawing: whole numbers keep the file small. A monospace font is 0.6 as wide as high.
_CELL, _LINE, _FONT, _MARGIN = 10, 23, 16.6, 20
_BASELINE = 17
_PIXELS_PER_UNIT = 0.85
_THEME = TerminalTheme(
    (13, 17, 23),
    (210, 217, 224),
    [
        (13, 17, 23),
        (255, 123, 114),
        (86, 211, 100),
        (227, 179, 65),
        (121, 192, 255),
        (210, 168, 255),
        (86, 212, 221),
        (210, 217, 224),
    ],
    [(110, 118, 129)],
)
_FONTS = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
_WORDS = re.compile(r"\S+(?: \S+)*")
# Fonts differ in how wide a character is: a longer run is told how wide it has to be.
_FREE_CELLS = 3


@dataclass(frozen=True, slots=True)
class Frame:
    """One screen, and for how many seconds it is shown."""

    lines: Sequence[Sequence[Segment]]
    seconds: float


@dataclass(frozen=True, slots=True)
class _Run:
    """Text of one style, and the column where it begins."""

    column: int
    text: str
    style: str
    background: str | None


def film(frames: Sequence[Frame], *, width: int, height: int, poster: int) -> str:
    """The SVG that shows `frames` one after another, for ever.

    Args:
        frames: what to show.
        width: columns.
        height: lines.
        poster: index of the frame for viewers that do not animate.
    """
    wide, high = width * _CELL + 2 * _MARGIN, height * _LINE + 2 * _MARGIN
    styles: dict[str, str] = {}
    rows: dict[tuple[_Run, ...], int] = {}
    placed = [list(_placed(frame, styles, rows)) for frame in frames]
    shifts, at, total = [], 0.0, sum(frame.seconds for frame in frames)
    for index, frame in enumerate(frames):
        shifts.append(f"{at / total:.2%}{{transform:translateX({-index * wide}px)}}")
        at += frame.seconds
    shared = _shared(rows)
    rules = "".join(f".{name}{{{rule}}}" for rule, name in styles.items())
    return "".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" '
            f'width="{wide * _PIXELS_PER_UNIT:.0f}" role="img" aria-label="headrace demo">\n<style>',
            f"text{{font:{_FONT}px {_FONTS};fill:{_THEME.foreground_color.hex}}}{rules}",
            f"@keyframes film{{{''.join(shifts)}}}.film{{animation:film {total:.1f}s step-end infinite}}",
            "@media (prefers-reduced-motion:reduce){.film{animation:none}}</style>\n",
            f'<rect width="100%" height="100%" rx="8" fill="{_THEME.background_color.hex}"/>\n<defs>\n',
            *(f"{_drawn(run, name)}\n" for run, name in shared.items()),
            *(f'<g id="r{number}">{_row(row, shared)}</g>\n' for row, number in rows.items()),
            f'</defs>\n<g class="film" transform="translate({-poster * wide})">\n',
            *(_screen(index * wide + _MARGIN, uses) for index, uses in enumerate(placed)),
            "</g>\n</svg>\n",
        ]
    )


def _placed(frame: Frame, styles: dict[str, str], rows: dict[tuple[_Run, ...], int]) -> Iterator[tuple[int, int]]:
    """Number of each line that is not empty, and of its drawing, which equal lines share."""
    for line, segments in enumerate(frame.lines):
        runs = tuple(_runs(segments, styles))
        if runs:
            yield line, rows.setdefault(runs, len(rows))


def _shared(rows: Iterable[Sequence[_Run]]) -> dict[_Run, str]:
    """Names of the runs that several lines have."""
    counts = Counter(run for row in rows for run in row)
    return {run: f"t{number}" for number, run in enumerate(run for run, count in counts.items() if count > 1)}


def _row(row: Sequence[_Run], shared: Mapping[_Run, str]) -> str:
    return "".join(f'<use href="#{shared[run]}"/>' if run in shared else _drawn(run) for run in row)


def _screen(left: int, uses: Sequence[tuple[int, int]]) -> str:
    drawn = "".join(f'<use href="#r{row}" y="{_MARGIN + line * _LINE}"/>' for line, row in uses)
    return f'<g transform="translate({left})">{drawn}</g>\n'


def _runs(segments: Sequence[Segment], styles: dict[str, str]) -> Iterator[_Run]:
    column = 0
    for segment in segments:
        rule, background = _look(segment.style or Style.null())
        for words in _WORDS.finditer(segment.text):
            name = styles.setdefault(rule, f"s{len(styles)}") if rule else ""
            yield _Run(column + cell_len(segment.text[: words.start()]), words.group(), name, background)
        column += cell_len(segment.text)


def _look(style: Style) -> tuple[str, str | None]:
    """CSS of a style, and its background if it has one."""
    front = _colour(style, front=True)
    back = _colour(style, front=False)
    if style.dim:
        front = blend_rgb(front, back, 0.45)
    rules = [] if front == _THEME.foreground_color else [f"fill:{front.hex}"]
    if style.bold:
        rules.append("font-weight:bold")
    return ";".join(rules), None if back == _THEME.background_color else back.hex


def _colour(style: Style, *, front: bool) -> ColorTriplet:
    colour = style.color if front else style.bgcolor
    if colour is None or colour.is_default:
        return _THEME.foreground_color if front else _THEME.background_color
    return colour.get_truecolor(_THEME, foreground=front)


def _drawn(run: _Run, name: str | None = None) -> str:
    cells = cell_len(run.text)
    left, long = run.column * _CELL, cells * _CELL
    named = f' id="{name}"' if name else ""
    style = f' class="{run.style}"' if run.style else ""
    length = f' textLength="{long}"' if cells > _FREE_CELLS else ""
    text = f'x="{left}" y="{_BASELINE}"{length}{style}>{escape(run.text)}</text>'
    if run.background is None:
        return f"<text{named} {text}"
    back = f'<rect x="{left}" width="{long}" height="{_LINE}" fill="{run.background}"/>'
    return f"<g{named}>{back}<text {text}</g>"
