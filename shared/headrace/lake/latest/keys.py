"""Where the rows of some keys lie: an index of each data file, made when it is first asked and kept in bounded memory.

Data files never change, so an index of one is right for ever: which of its rows are still in the table is said by its
deletion vector alone. A search costs what the batch costs; only making an index reads a file. Small files have none,
and are looked through together.
"""

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import accumulate
from typing import Any

import polars as pl
import pyarrow as pa

from headrace.lake.datafile import DataFile, read_rows
from headrace.lake.latest.live import LiveFile
from headrace.lake.latest.order import FILE, ROW, Naming, ranked
from headrace.lake.store import Store

FEW = 4_096
"""Rows of a file that are looked through as fast as an index is searched."""

_TOGETHER = 131_072
_CUT = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Wanted:
    """Keys to look for.

    Attributes:
        rows: one row per key, with the columns `key`.
        key: columns that name a row.
    """

    rows: pl.DataFrame
    key: Sequence[str]

    @cached_property
    def hashes(self) -> pl.Series:
        """One per key, by chance the same for two."""
        return self.rows.select(self.key).hash_rows()

    @cached_property
    def _values(self) -> Mapping[str, list[Any]]:
        return {name: self.rows[name].unique().sort().to_list() for name in self.key}

    def may_be_in(self, file: LiveFile) -> bool:
        """Whether one of the keys may be in `file`: False only if its statistics rule it out."""
        low, high = file.stats.get("minValues") or {}, file.stats.get("maxValues") or {}
        for name, values in self._values.items():
            bounds = _typed(low.get(name), values[0]), _highest(_typed(high.get(name), values[0]))
            if name in file.values:
                bounds = (file.values[name],) * 2
            if None in bounds:
                continue
            at = bisect_left(values, bounds[0])
            if at == len(values) or values[at] > bounds[1]:
                return False
        return True


def _typed(bound: object, like: object) -> Any:
    """A bound of the log as a value of the column; None where it is not known how to compare them."""
    match bound, like:
        case (str(), str()) | (int(), int()):
            return bound
        case str(), datetime():
            return datetime.fromisoformat(bound).astimezone(UTC)
        case str(), date():
            return date.fromisoformat(bound)
    return None


def _highest(bound: Any) -> Any:
    """What the highest value may be: Delta lets writers cut instants to milliseconds, and Spark does."""
    return bound + _CUT if isinstance(bound, datetime) else bound


class FileKeys:
    """The keys of one data file.

    Args:
        rows: all of them, with the columns of `naming` at least.
        naming: what names a row.

    Attributes:
        size: bytes in memory.
    """

    def __init__(self, rows: pa.Table, naming: Naming) -> None:
        self._key = naming.key
        self._rows = ranked(rows, naming)
        index = self._rows.select(pl.col(ROW), hash=self._rows.select(naming.key).hash_rows()).sort("hash")
        self._hashes, self._places = index["hash"], index[ROW]
        self.size = int(sum(part.estimated_size() for part in (self._rows, self._hashes, self._places)))

    def find(self, wanted: Wanted) -> pl.DataFrame:
        """The rows of the wanted keys; columns of `ranked`."""
        first = self._hashes.search_sorted(wanted.hashes, side="left")
        behind = self._hashes.search_sorted(wanted.hashes, side="right")
        hits = (
            pl.DataFrame({"first": first, "behind": behind})
            .with_row_index("wanted")
            .filter(pl.col("first") < pl.col("behind"))
            .with_columns(at=pl.int_ranges("first", "behind"))
            .explode("at")
        )
        found = self._rows[self._places.gather(hits["at"])]
        asked = wanted.rows[hits["wanted"]]
        # Two keys may have one hash. What is given names the keys by the texts that were asked for: others would hold
        # the memory of the whole file.
        same = [found[name] == asked[name] for name in self._key]
        return found.with_columns(asked.get_columns()).filter(*same)


class FewKeys:
    """The keys of one small data file: an index of them would cost more than to look through them.

    Args:
        rows: all of them, with the columns of `naming` at least.
        naming: what names a row.

    Attributes:
        rows: what is looked through.
        size: bytes in memory.
    """

    def __init__(self, rows: pa.Table, naming: Naming) -> None:
        self.rows = rows.select(naming.columns)
        self.size = self.rows.nbytes


def _among(few: Sequence[tuple[str, FewKeys]], wanted: Wanted, naming: Naming) -> pl.DataFrame:
    """The rows of the wanted keys in several small files, by their paths; as `KeyIndex.find` gives them."""
    # Files of other tools may declare columns nullable.
    rows = ranked(pa.concat_tables([keys.rows for _, keys in few], promote_options="default"), naming)
    found = wanted.rows.join(rows, on=list(wanted.key)).select(rows.columns)
    begins = list(accumulate((keys.rows.num_rows for _, keys in few), initial=0))
    places = found[ROW].to_list()
    files = [bisect_right(begins, place) - 1 for place in places]
    return found.with_columns(
        pl.Series(ROW, [place - begins[file] for place, file in zip(places, files, strict=True)], found[ROW].dtype),
        pl.Series(FILE, [few[file][0] for file in files], pl.String),
    )


class KeyIndex:
    """Indices of the data files of one table, those asked for last. One thread uses it.

    Args:
        store: where the table lies.
        table: its folder.
        naming: what names a row.
        limit: bytes that the indices may take.
    """

    def __init__(self, store: Store, table: str, naming: Naming, *, limit: int) -> None:
        self._store = store
        self._table = table
        self._naming = naming
        self._limit = limit
        self._known: OrderedDict[str, FileKeys | FewKeys] = OrderedDict()

    def find(self, files: Iterable[LiveFile], wanted: Wanted) -> Iterator[pl.DataFrame]:
        """The rows of `files` with one of the wanted keys, deleted ones among them; columns of `ranked`, and FILE.

        Raises:
            FileNotFoundError: a file is not there.
            StoreError, AccessDeniedError: it cannot be read.
        """
        few: list[tuple[str, FewKeys]] = []
        for file in files:
            keys = self._keys(file)
            if isinstance(keys, FileKeys):
                yield keys.find(wanted).with_columns(pl.lit(file.path).alias(FILE))
                continue
            few.append((file.path, keys))
            if sum(each.rows.num_rows for _, each in few) >= _TOGETHER:
                yield _among(few, wanted, self._naming)
                few = []
        if few:
            yield _among(few, wanted, self._naming)

    def _keys(self, file: LiveFile) -> FileKeys | FewKeys:
        keys = self._known.get(file.path) or self._keep(file.path, self._read(file))
        self._known.move_to_end(file.path)
        return keys

    def keys_of(self, file: DataFile, rows: pa.Table) -> FileKeys | FewKeys:
        """Those of a file that was just written: it need not be read. `learn` is for when it is in the table."""
        return self._of(self._whole(rows, file.partition_values))

    def learn(self, path: str, keys: FileKeys | FewKeys) -> None:
        """Takes the keys of a file."""
        self._keep(path, keys)

    def forget(self, path: str) -> None:
        """Lets go of a file that is no longer in the table."""
        self._known.pop(path, None)

    def _keep(self, path: str, keys: FileKeys | FewKeys) -> FileKeys | FewKeys:
        self._known[path] = keys
        while len(self._known) > 1 and sum(known.size for known in self._known.values()) > self._limit:
            self._known.popitem(last=False)
        return keys

    def _read(self, file: LiveFile) -> FileKeys | FewKeys:
        with self._store.open(f"{self._table}/{file.path}") as source:
            rows = read_rows(source, self._naming.columns)
        return self._of(self._whole(rows, file.values))

    def _of(self, rows: pa.Table) -> FileKeys | FewKeys:
        return (FewKeys if rows.num_rows <= FEW else FileKeys)(rows, self._naming)

    def _whole(self, rows: pa.Table, values: Mapping[str, str | None]) -> pa.Table:
        """`rows` with the partition column, where it is part of the key: files do not hold it."""
        for name in self._naming.columns:
            if name not in rows.column_names:
                rows = rows.append_column(name, pa.repeat(pa.scalar(values[name], pa.string()), rows.num_rows))
        return rows
