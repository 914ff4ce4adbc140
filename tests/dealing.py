"""In which order tests run, and beside which others.

Work-stealing cuts the list of tests into one piece for each process that runs them, and gives the end of a piece to
whoever has finished. So each piece begins with what takes long and ends with what takes no time; else one long test is
left to run alone when all others are done.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter

import pytest


def dealt(items: Iterable[pytest.Item], processes: int) -> Iterator[pytest.Item]:
    """`items` in that order; those of one module, which may share what is made for them, stay together.

    Args:
        items: modules one after another.
        processes: among which they will be cut.
    """
    modules = [list(module) for _, module in groupby(items, key=attrgetter("path"))]
    pieces: list[list[pytest.Item]] = [[] for _ in range(processes)]
    for module in sorted(modules, key=_shortness):
        min(pieces, key=len).extend(module)
    for piece in pieces:
        yield from piece


def _shortness(module: Sequence[pytest.Item]) -> tuple[float, bool]:
    """Less the more time one of its tests was given, and most of units; tests of documents play whole pipelines."""
    given = [float(mark.args[0]) for item in module for mark in item.iter_markers("timeout")]
    path = module[0].path
    return -max(given, default=0.0), "unit" in path.parts and not path.name.startswith("test_docs")
