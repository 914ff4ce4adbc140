"""Rows merged into a table by their keys: those that are there are updated, the others come new.

Files that hold none of the keys stay as they are. Each of the others is read and written again by itself, so beside
the rows that are merged one file at a time is held in memory.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from headrace.lake.by_hand.committing import Change, check_same, make
from headrace.lake.by_hand.opening import opened_to_write
from headrace.lake.by_hand.pairing import Came, Keys, came_of
from headrace.lake.by_hand.rewriting import FileMerger, Rewritten
from headrace.lake.by_hand.rows import Rows, sources_of
from headrace.lake.by_hand.writing import changed, layout_of, write_piece
from headrace.lake.datafile import DataFile
from headrace.lake.latest.live import LiveFiles, addition
from headrace.lake.log import DeltaLog
from headrace.lake.store import Store

_MERGING = "merge rows"


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of a merge.

    Attributes:
        version: that was made, or the newest if nothing had to be changed.
        updated: rows of the table that took other values.
        inserted: rows that are new.
        files_rewritten: files that were written again.
    """

    version: int
    updated: int
    inserted: int
    files_rewritten: int


def merge(store: Store, table: str, rows: Rows, keys: Keys) -> Merged:
    """Updates rows of keys that are there, and adds the others; readers see all of it or nothing.

    Args:
        store: where the table lies.
        table: its folder.
        rows: a frame, or Parquet files; each key once. They are held in memory.
        keys: columns that name a row, and what is done.

    Raises:
        ConfigError: there is no such table, or the keys name no columns.
        WrongTableError: workers fill it, or another tool gave it what is not known here.
        RowsRefusedError: columns or values do not fit, or a key is null or there twice; nothing was changed.
        CommitTimeoutError: other commits kept coming first.
        StoreError, AccessDeniedError: the store failed; all of it is in the table, or nothing.
    """
    log = opened_to_write(store, table, _MERGING)
    merger = _Merger(log, came_of(log, sources_of(rows), keys))
    version = make(store, table, _MERGING, merger.plan)
    return Merged(version, merger.updated, merger.inserted, merger.files_rewritten)


class _Merger:
    """Plans one merge, on one version after another until the commit is the first.

    Data files never change, so what was found of one and written for it is right for every later version, too.
    """

    def __init__(self, log: DeltaLog, came: Came) -> None:
        self._log = log
        self._came = came
        self._files = FileMerger(log.store, layout_of(log), came)
        self._new: tuple[Sequence[int], list[DataFile]] = ((), [])
        self.updated = self.inserted = self.files_rewritten = 0

    def plan(self, newest: DeltaLog) -> Change | None:
        """What is to be committed on top of that version."""
        check_same(self._log, newest)
        live = LiveFiles(newest.store, newest.table, latest=False).at(newest.version)
        found = [self._files.merged(file) for file in live]
        rewritten = [each for each in found if each.files]
        new = self._came.without({index for each in found for index in each.matched})
        added = [*(file for each in rewritten for file in each.files), *self._written(new)]
        self._count(rewritten, len(new))
        if not added:
            return None
        now = time.time_ns() // 1_000_000
        gone = [each.old.removal(now) for each in rewritten]
        note = {**changed(added), "rows": self.updated + self.inserted}
        counts = {"updated": self.updated, "inserted": self.inserted}
        return Change("merge", "MERGE", [*gone, *map(addition, added)], note=note | {"merge": counts})

    def _count(self, rewritten: Sequence[Rewritten], inserted: int) -> None:
        self.updated = sum(each.updated for each in rewritten)
        self.inserted, self.files_rewritten = inserted, len(rewritten)

    def _written(self, new: Sequence[int]) -> list[DataFile]:
        """The files of new rows; those of the last plan if they are the same ones."""
        if self._new[0] != new:
            rows = self._came.rows.take(pa.array(new, pa.int64()))
            self._new = (new, write_piece(self._log.store, layout_of(self._log), rows) if new else [])
        return self._new[1]
