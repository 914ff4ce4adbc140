"""Standard output for people."""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from headrace.kafka.client import client_log

# Wider than any table: where the terminal is narrower it wraps the lines, and rich would cut numbers and words.
_COLUMNS = 10_000
# A cell that is wrapped into fewer would be a pile of words.
_LEAST_WRAPPED = 30


def wide_console() -> Console:
    """Never so narrow that a line is cut: the terminal wraps it."""
    return Console(highlight=False, soft_wrap=True, width=_COLUMNS)


def print_json(value: object) -> None:
    """A report of dataclasses as JSON: times in RFC 3339, sequences as arrays."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def print_table(
    console: Console,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    left: Collection[str],
    wrapped: str | None = None,
) -> None:
    """Rows under their columns' names; None is a dash, a number is told in groups of digits, a Text keeps its colour.

    Args:
        console: where to.
        columns: names.
        rows: of as many cells.
        left: columns that begin on the left; the others end on the right.
        wrapped: the column whose cells take several lines where the terminal is too narrow for them.
    """
    shown = Table(box=None, pad_edge=False)
    for name in columns:
        shown.add_column(name, justify="left" if name in left else "right", no_wrap=True)
    for row in rows:
        shown.add_row(*(value if isinstance(value, Text) else cell(value) for value in row))
    if wrapped is not None and console.file.isatty():
        _wrap(console, shown, shown.columns[columns.index(wrapped)])
    console.print(shown)


def show_named(console: Console, named: Mapping[str, object]) -> None:
    """A line for each value that is known."""
    for name, value in named.items():
        if value is not None:
            console.print(f"  {name:<13} {escape(str(value))}")


def _wrap(console: Console, shown: Table, column: Column) -> None:
    column.no_wrap, column.max_width = False, _LEAST_WRAPPED
    beside = console.measure(shown).maximum - _LEAST_WRAPPED
    column.max_width = max(_LEAST_WRAPPED, Console().width - beside)


def cell(value: object) -> str:
    """A value as a cell of a table or a word of a sentence."""
    match value:
        case None:
            return "-"
        case int():
            return f"{value:,}"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case _:
            return escape(str(value))


@contextmanager
def without_client_log() -> Iterator[None]:
    """For commands that ask once: librdkafka would log every attempt to connect beside the failure they end with."""
    level = client_log.level
    client_log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        client_log.setLevel(level)
