"""What a batch changes in a table, given the rows that its keys have now: a pure decision over columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from pyroaring import BitMap64

from headrace.lake.latest.order import FILE, ROW, beats, taken_back, winners

NUMBER = "_number"
"""The number of a row in its file."""

_NOW = "_now"


@dataclass(frozen=True, slots=True)
class Changes:
    """What becomes of a batch.

    Attributes:
        incoming: places of the events that become rows, rising.
        deleted: per path the numbers of the rows that go.
        inserted: keys that had no row.
        replaced: keys whose row was replaced.
        outdated: keys whose row is newer than all that came.
        removed: keys whose row a tombstone took.
    """

    incoming: Sequence[int]
    deleted: Mapping[str, BitMap64]
    inserted: int
    replaced: int
    outdated: int
    removed: int

    def note(self) -> dict[str, int]:
        """The counts, for the commit to say."""
        return {
            "inserted": self.inserted,
            "replaced": self.replaced,
            "outdated": self.outdated,
            "removed": self.removed,
        }


@dataclass(frozen=True)
class Came:
    """A batch, as far as it decides what becomes of it.

    Attributes:
        best: of each key the event that counts, as `ranked` says it.
        marks: tombstones, as `marked` says them.
        key: columns that name a row.
    """

    best: pl.DataFrame
    marks: pl.DataFrame
    key: Sequence[str]

    @classmethod
    def of(cls, events: pl.DataFrame, marks: pl.DataFrame, key: Sequence[str]) -> "Came":
        """The batch of those events and tombstones."""
        taken = taken_back(events, marks, key)
        return cls(winners(events.filter(~pl.col(ROW).is_in(taken.implode())), key), marks, key)

    @property
    def keys(self) -> pl.DataFrame:
        """All keys that it says something of, each once."""
        key = list(self.key)
        return pl.concat([self.best.select(key), self.marks.select(key)]).unique(maintain_order=True)

    def changes(self, now: pl.DataFrame) -> Changes:
        """What it changes.

        Args:
            now: the rows of its keys: key and rank, and ROW, NUMBER and FILE of each.
        """
        key = list(self.key)
        taken = pl.col(ROW).is_in(taken_back(now, self.marks, key).implode())
        pairs = self.best.join(now.filter(~taken), on=key, how="left", suffix=_NOW)
        landing = pairs.filter(pl.col(FILE).is_null() | beats(_NOW))
        going = now.filter(taken | pl.col(ROW).is_in(landing[ROW + _NOW].drop_nulls().implode()))
        replaced = len(going.join(landing, on=key, how="semi"))
        return Changes(
            incoming=landing[ROW].sort().to_list(),
            deleted={str(path): BitMap64(part[NUMBER].to_list()) for (path,), part in going.group_by(FILE)},
            inserted=len(landing) - replaced,
            replaced=replaced,
            outdated=len(self.best) - len(landing),
            removed=len(going) - replaced,
        )
