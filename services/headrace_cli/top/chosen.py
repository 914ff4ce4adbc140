"""What somebody has chosen to see, and what each key changes about it. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from headrace_cli.top.figures import TableLine
from headrace_cli.top.problems import Problem, Severity

_SEQUENCES: Mapping[str, str] = {
    "\x1b[A": "up",
    "\x1bOA": "up",
    "\x1b[B": "down",
    "\x1bOB": "down",
    "\x1b[5~": "page up",
    "\x1b[6~": "page down",
    "\x1b": "escape",
    "\r": "enter",
    "\n": "enter",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x03": "quit",
    "\x04": "quit",
}
# A sequence that is not known is one key too, and means nothing.
_KEY = re.compile(r"\x1b\[[0-9;]*[A-Za-z~]|\x1bO[A-Z]|.", re.DOTALL)
_PAGE = 10


def _worst(line: TableLine, problems: Sequence[Problem]) -> float:
    severities = list(Severity)
    found = [severities.index(each.severity) for each in problems if each.subject in {line.table, line.topic}]
    return -min(found, default=len(severities))


_ORDERS: Mapping[str, Callable[[TableLine, Sequence[Problem]], float | None]] = {
    "problems": _worst,
    "lag": lambda line, _: line.lag,
    "freshness": lambda line, _: line.freshness_seconds,
    "rows/s": lambda line, _: line.rows_per_second,
    "files": lambda line, _: line.files,
    "small": lambda line, _: line.small_files,
    "size": lambda line, _: line.bytes,
    "health": lambda line, _: None if line.health is None else -line.health,
    "maintained": lambda line, _: line.maintained_seconds,
    "name": lambda _line, _: 0,
}
ORDERS = tuple(_ORDERS)
"""By what tables can be sorted: the worst, or the most, first."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is seen.

    Attributes:
        order: one of `ORDERS`.
        backwards: the other way round.
        words: that a table's name has to hold.
        typing: whether keys go to `words`.
        first: how many tables are scrolled past.
    """

    order: str = ORDERS[0]
    backwards: bool = False
    words: str = ""
    typing: bool = False
    first: int = 0

    def of(self, lines: Sequence[TableLine], problems: Sequence[Problem]) -> list[TableLine]:
        """The tables that are chosen, in their order; what is not known comes last."""
        value = _ORDERS[self.order]
        found = sorted((line for line in lines if self.words in line.table), key=lambda line: line.table)
        known = [line for line in found if value(line, problems) is not None]
        sign = 1 if self.backwards else -1
        known.sort(key=lambda line: sign * (value(line, problems) or 0))
        if self.order == "name" and self.backwards:
            known.reverse()
        return [*known, *(line for line in found if value(line, problems) is None)]


def keys_of(text: str) -> list[str]:
    """What was pressed, by name; characters are their own names."""
    return [_SEQUENCES.get(each, "" if each.startswith("\x1b") else each) for each in _KEY.findall(text)]


def pressed(chosen: Chosen, key: str, tables: int) -> Chosen | None:
    """What is chosen after a key; None to quit.

    Args:
        chosen: before it.
        key: as `keys_of` names it.
        tables: how many there are to scroll through.
    """
    if key == "quit":
        return None
    if chosen.typing:
        return _typed(chosen, key)
    last = max(0, tables - 1)
    match key:
        case "q" | "Q":
            return None
        case "s" | "S":
            step = 1 if key == "s" else -1
            return replace(chosen, order=ORDERS[(ORDERS.index(chosen.order) + step) % len(ORDERS)], first=0)
        case "r":
            return replace(chosen, backwards=not chosen.backwards, first=0)
        case "/":
            return replace(chosen, typing=True, words="", first=0)
        case "escape":
            return replace(chosen, words="", first=0)
        case "up" | "k" | "down" | "j" | "page up" | "page down":
            step = (_PAGE if "page" in key else 1) * (-1 if key in {"up", "k", "page up"} else 1)
            return replace(chosen, first=min(last, max(0, chosen.first + step)))
        case _:
            return chosen


def _typed(chosen: Chosen, key: str) -> Chosen:
    match key:
        case "enter":
            return replace(chosen, typing=False)
        case "escape":
            return replace(chosen, typing=False, words="")
        case "backspace":
            return replace(chosen, words=chosen.words[:-1])
        case _ if len(key) == 1 and key.isprintable():
            return replace(chosen, words=chosen.words + key)
        case _:
            return chosen
