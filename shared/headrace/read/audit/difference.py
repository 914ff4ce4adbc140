"""Which rows two versions of a table do not share, as far as the log says it: files, and deletion vectors in them.

Rows that were only moved to another file are on both sides.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

import pyarrow as pa
from pyroaring import BitMap64

from headrace.lake.latest.live import LiveFiles
from headrace.lake.latest.vectors import DeletionVector, read_vector
from headrace.lake.log import open_table
from headrace.lake.protocols import masks_rows
from headrace.lake.store import Store


@dataclass(frozen=True)
class Part:
    """Rows of one data file.

    Attributes:
        path: relative to the table.
        values: of the partition columns, as texts.
        only: numbers of the rows that are meant; None for all of them.
        without: numbers of rows that are not.
    """

    path: str
    values: Mapping[str, str | None]
    only: BitMap64 | None = None
    without: BitMap64 = field(default_factory=BitMap64)


@dataclass(frozen=True)
class Difference:
    """What two versions do not share.

    Attributes:
        before: where rows of the one lie.
        after: where rows of the other lie.
    """

    before: tuple[Part, ...]
    after: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    values: Mapping[str, str | None]
    vector: DeletionVector | None = None


def difference(store: Store, table: str, before: int, after: int) -> Difference:
    """What versions `before` and `after` do not share; no data file is opened.

    Raises:
        FileNotFoundError: the log of one of them, or a deletion vector, is no longer there.
        StoreError, AccessDeniedError: it cannot be read.
    """
    old, new = _files(store, table, before), _files(store, table, after)
    vectors = _Vectors(store, table)
    gone = tuple(_parts(old, new, vectors))
    return Difference(gone, tuple(_parts(new, old, vectors)))


def _files(store: Store, table: str, version: int) -> dict[str, _File]:
    handle = open_table(store, table, version=version)
    if masks_rows(handle):
        live = LiveFiles(store, table).at(version)
        return {file.path: _File(file.path, file.values, file.vector) for file in live}
    columns = handle.metadata().partition_columns
    names = ["path", *(f"partition.{name}" for name in columns)]
    rows = pa.table(handle.get_add_actions(flatten=True)).select(names).to_pylist()
    found = {}
    for row in rows:
        values = {name: row[f"partition.{name}"] for name in columns}
        path = unquote(row["path"])
        found[path] = _File(path, {name: None if value is None else str(value) for name, value in values.items()})
    return found


class _Vectors:
    """Deletion vectors, each read once."""

    def __init__(self, store: Store, table: str) -> None:
        self._store = store
        self._table = table
        self._known: dict[DeletionVector | None, BitMap64] = {}

    def rows(self, file: _File) -> BitMap64:
        """Numbers of its deleted rows."""
        if file.vector not in self._known:
            self._known[file.vector] = read_vector(self._store, self._table, file.vector)
        return self._known[file.vector]


def _parts(here: Mapping[str, _File], there: Mapping[str, _File], vectors: _Vectors) -> Iterator[Part]:
    """What `here` has and `there` has not."""
    for path, file in here.items():
        other = there.get(path)
        if other is None:
            yield Part(path, file.values, without=vectors.rows(file))
        elif file.vector != other.vector:
            only = vectors.rows(other) - vectors.rows(file)
            if only:
                yield Part(path, file.values, only)
