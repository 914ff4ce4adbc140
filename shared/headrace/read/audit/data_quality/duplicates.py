"""Events that are in a table more than once: counted exactly, a share of the keys at a time."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil

import polars as pl

from headrace.read.audit.data_quality.report import Duplicate, Duplicates, Scope

# Keys that are looked through at once: of texts like ids some 600 MB.
KEYS_AT_ONCE = 4_000_000
_EXAMPLES = 10
_ORDER = ("_ingested_at", "_partition", "_offset")


@dataclass(frozen=True)
class Copies:
    """What was found.

    Attributes:
        told: as the report says it.
        rows: rows beyond the first of each event, by the beginning of the window that they landed in.
    """

    told: Duplicates
    rows: Mapping[datetime, int]


def find_copies(
    rows: pl.LazyFrame, key: Sequence[str], scope: Scope, *, count: int, at_once: int = KEYS_AT_ONCE
) -> Copies:
    """Rows that landed within the scope, of events of which a row landed before, whenever that was.

    Args:
        rows: of the whole table.
        key: columns that name an event.
        scope: of the report.
        count: of the rows that landed within it.
        at_once: how many keys to hold in memory.
    """
    keys, beyond, examples = 0, Counter[datetime](), list[Duplicate]()
    columns = rows.select(*key, *(name for name in _ORDER if name not in key))
    for share in _shares(columns, key, ceil(count / at_once)):
        again = _again(share, key, scope)
        beyond.update(again.select(scope.window("_ingested_at"))["start"].to_list())
        twice = again.select(key).unique(maintain_order=True)
        keys += len(twice)
        wanted = twice.head(_EXAMPLES - len(examples))
        if len(wanted):
            examples += _examples(share, wanted)
    return Copies(Duplicates(tuple(key), keys, beyond.total(), tuple(examples)), beyond)


def _shares(rows: pl.LazyFrame, key: Sequence[str], shares: int) -> Iterator[pl.LazyFrame]:
    """The rows, those of one key always together."""
    if shares <= 1:
        yield rows
        return
    share = pl.struct(key).hash() % shares
    for number in range(shares):
        yield rows.filter(share == number)


def _again(rows: pl.LazyFrame, key: Sequence[str], scope: Scope) -> pl.DataFrame:
    """Those rows within the scope of whose event a row landed before."""
    bounds = scope.holds("_ingested_at")
    among = _among(rows, rows.filter(*bounds).select(key).unique()) if bounds else rows
    twice = among.group_by(key).len().filter(pl.col("len") > 1).select(key)
    found = _among(rows, twice).collect(engine="streaming")
    return found.sort(_ORDER).filter(~pl.struct(key).is_first_distinct()).filter(*bounds)


def _among(rows: pl.LazyFrame, keys: pl.LazyFrame) -> pl.LazyFrame:
    """Those rows that have one of the keys, which are held: a join of two frames to come would hold either."""
    held = keys.collect(engine="streaming")
    return rows.join(held.lazy(), on=held.columns, how="semi", nulls_equal=True)


def _examples(rows: pl.LazyFrame, keys: pl.DataFrame) -> list[Duplicate]:
    names = keys.columns
    found = _among(rows, keys.lazy()).collect(engine="streaming")
    return [
        Duplicate(dict(zip(names, values, strict=True)), tuple(part.select("_partition", "_offset").rows()))
        for values, part in found.sort(_ORDER).group_by(names, maintain_order=True)
    ]
