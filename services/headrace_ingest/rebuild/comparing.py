"""Two tables of latest rows beside each other, key by key: in shares by keys, so that memory is bounded."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import polars as pl
import pyarrow as pa

from headrace.lake.latest.order import OFFSET, PARTITION
from headrace_ingest.rebuild.report import EXAMPLES, Comparison, Example, Kind

SHARE_ROWS = 250_000
"""Rows of one side that are held at a time."""

_SHARE = "_share"
_OURS = "_rebuilt"
# When a row was written is no part of what it says.
_APART = "_ingested_at"


class Comparer:
    """Compares once.

    Args:
        key: columns that name a row.
        rows: about how many there are on a side.
        scratch: a folder for what does not fit into memory.
    """

    def __init__(self, key: Sequence[str], rows: int, scratch: Path) -> None:
        self._key = list(key)
        self._shares = rows // SHARE_ROWS + 1
        self._scratch = scratch

    def compare(self, table: Iterable[pa.Table], rebuilt: Iterable[pa.Table]) -> Comparison:
        """What is different; both sides have the same columns and are read once, the table first."""
        self._spill("table", table)
        self._spill("rebuilt", rebuilt)
        comparison = Comparison()
        for share in range(self._shares):
            theirs, ours = self._read("table", share), self._read("rebuilt", share)
            if theirs is None and ours is None:
                continue
            theirs = cast("pl.DataFrame", ours).clear() if theirs is None else theirs
            self._compare(theirs, theirs.clear() if ours is None else ours, comparison)
        return comparison

    def _spill(self, side: str, tables: Iterable[pa.Table]) -> None:
        with ExitStack() as stack:
            writers: dict[int, pa.RecordBatchStreamWriter] = {}
            for rows in tables:
                frame = cast("pl.DataFrame", pl.from_arrow(rows.drop_columns([_APART])))
                frame = frame.with_columns((frame.select(self._key).hash_rows() % self._shares).alias(_SHARE))
                for (share,), part in frame.partition_by(_SHARE, as_dict=True, include_key=False).items():
                    data = part.to_arrow()
                    if share not in writers:
                        sink = stack.enter_context(pa.OSFile(str(self._path(side, share)), "wb"))
                        writers[share] = stack.enter_context(pa.ipc.new_stream(sink, data.schema))
                    writers[share].write_table(data)

    def _read(self, side: str, share: int) -> pl.DataFrame | None:
        path = self._path(side, share)
        if not path.exists():
            return None
        with pa.OSFile(str(path), "rb") as source, pa.ipc.open_stream(source) as reader:
            return cast("pl.DataFrame", pl.from_arrow(reader.read_all()))

    def _path(self, side: str, share: object) -> Path:
        return self._scratch / f"{side}-{share}.arrow"

    def _compare(self, theirs: pl.DataFrame, ours: pl.DataFrame, told: Comparison) -> None:
        once = theirs.unique(subset=self._key, keep="first")
        told.duplicate += len(theirs) - len(once)
        if len(once) < len(theirs):
            self._name("duplicate", theirs.filter(theirs.select(self._key).is_duplicated()), told)
        missing, surplus = ours.join(once, on=self._key, how="anti"), once.join(ours, on=self._key, how="anti")
        told.missing += len(missing)
        told.surplus += len(surplus)
        self._name("missing", missing.rename({PARTITION: PARTITION + _OURS, OFFSET: OFFSET + _OURS}), told)
        self._name("surplus", surplus, told)
        both = once.join(ours, on=self._key, how="inner", suffix=_OURS)
        here = (pl.col(PARTITION) == pl.col(PARTITION + _OURS)) & (pl.col(OFFSET) == pl.col(OFFSET + _OURS))
        same_event = both.filter(here)
        told.other_event += len(both) - len(same_event)
        self._name("other_event", both.filter(~here), told)
        values = [name for name in once.columns if name not in self._key]
        unlike = [pl.col(name).ne_missing(pl.col(name + _OURS)).alias(f"{name}?") for name in values]
        differing = same_event.with_columns(unlike).filter(pl.any_horizontal(f"{name}?" for name in values))
        told.other_value += len(differing)
        told.same += len(same_event) - len(differing)
        self._name("other_value", differing, told)

    def _name(self, kind: Kind, rows: pl.DataFrame, told: Comparison) -> None:
        for row in _first(rows, EXAMPLES - len(told.examples)):
            told.examples.append(
                Example(
                    kind,
                    {name: str(row[name]) for name in self._key},
                    (row[PARTITION], row[OFFSET]) if PARTITION in row else None,
                    (row[PARTITION + _OURS], row[OFFSET + _OURS]) if PARTITION + _OURS in row else None,
                    tuple(name[:-1] for name, value in row.items() if name.endswith("?") and value),
                )
            )


def _first(rows: pl.DataFrame, count: int) -> Iterator[dict[str, Any]]:
    yield from rows.head(max(0, count)).iter_rows(named=True)
