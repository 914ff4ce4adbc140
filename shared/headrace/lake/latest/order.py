"""Which of several events of one key counts: a pure rule over columns.

The later event time wins; then the later Kafka timestamp, the higher partition and the higher offset, so that no two
records are ever equal. A tombstone has no event time: it takes from the table what was read of its key before it, and
what comes after it counts again, however old.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import polars as pl
import pyarrow as pa

TIME, STAMP, PARTITION, OFFSET = "_time", "_kafka_timestamp", "_partition", "_offset"
RANK = (TIME, STAMP, PARTITION, OFFSET)
"""Columns that order the events of one key, the first one first."""

ROW = "_row"
"""The place of a row in what it came from."""

FILE = "_file"
"""The path of the file that a row of the table lies in."""


@dataclass(frozen=True, slots=True)
class Naming:
    """What names a row of a table, and which column says when an event happened."""

    key: tuple[str, ...]
    event_time: str

    @property
    def columns(self) -> list[str]:
        """All that decides which event counts."""
        return list(dict.fromkeys((*self.key, self.event_time, STAMP, PARTITION, OFFSET)))


def ranked(rows: pa.Table, naming: Naming) -> pl.DataFrame:
    """The key, the rank and the place of every event; `rows` have at least the columns of `naming`."""
    return (
        _frame(rows.select(naming.columns))
        .select(*map(pl.col, naming.key), pl.col(naming.event_time).alias(TIME), _stamp(), PARTITION, OFFSET)
        .with_row_index(ROW)
    )


def marked(tombstones: pa.Table, key: Sequence[str]) -> pl.DataFrame:
    """The key and the provenance of every tombstone."""
    return _frame(tombstones).select(*map(pl.col, key), _stamp(), PARTITION, OFFSET)


def _stamp() -> pl.Expr:
    # A record without a timestamp counts as older than any with one.
    return pl.col(STAMP).cast(pl.Int64).fill_null(-(2**63))


def _frame(rows: pa.Table) -> pl.DataFrame:
    return cast("pl.DataFrame", pl.from_arrow(rows))


def winners(events: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Of each key the event that counts, in the order of `events`."""
    return events.sort(RANK).unique(subset=list(key), keep="last", maintain_order=True).sort(ROW)


def beats(other: str) -> pl.Expr:
    """Whether the rank in the plain columns is above the one in the columns with suffix `other`."""
    above = pl.lit(value=False)
    for name in reversed(RANK):
        theirs = pl.col(name + other)
        above = (pl.col(name) > theirs) | ((pl.col(name) == theirs) & above)
    return above


def taken_back(events: pl.DataFrame, tombstones: pl.DataFrame, key: Sequence[str]) -> pl.Series:
    """The places of those of `events` that a tombstone of their key came after.

    Offsets say what came before within a partition. A key moves to another when partitions are added to the topic;
    then Kafka's timestamps say it.
    """
    if tombstones.is_empty():
        return events.clear()[ROW]
    pairs = events.join(tombstones, on=list(key), suffix="_mark")
    here = pl.col(PARTITION) == pl.col(PARTITION + "_mark")
    before = pl.when(here).then(pl.col(OFFSET) < pl.col(OFFSET + "_mark"))
    return pairs.filter(before.otherwise(pl.col(STAMP) <= pl.col(STAMP + "_mark")))[ROW].unique()
