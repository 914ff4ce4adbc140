"""Finding one record's row among the data files of a table: first where it should be, then wherever it can be."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow.compute as pc
import pyarrow.parquet as pq

from headrace.errors import TableDamagedError
from headrace.lake.contents import ActiveFile, active_files
from headrace.lake.damage import telling_of
from headrace.lake.frames import collected
from headrace.lake.resolving import Resolver
from headrace.lake.store import Store
from headrace.read.proof.files import ADDRESS


@dataclass(frozen=True, slots=True)
class FoundRow:
    """The row of a record: the file that holds it, relative to the table, and the columns that were asked for."""

    path: str
    columns: dict[str, Any]


class FileGoneError(TableDamagedError):
    """No file that is there has the row, and one that may have had it is gone."""


class RowFinder:
    """Looks for rows in the newest version of one table.

    Args:
        store: the lake.
        table: folder of the table, which exists.

    Raises:
        StoreError, AccessDeniedError: the table cannot be read.
    """

    def __init__(self, store: Store, table: str) -> None:
        self._store = store
        self._table = table
        self._files = active_files(store, table)

    def find(
        self, partition: int, offset: int, *, columns: Sequence[str] = (), likely: Collection[str] = ()
    ) -> FoundRow | None:
        """The row of a record, or None.

        Args:
            partition: of the topic.
            offset: of the record.
            columns: those to read beside its address.
            likely: paths of the files to look at first. The others follow, those with the fewest offsets first.

        Raises:
            FileGoneError: no file has it, and one that may hold it is gone.
            TableDamagedError: a file of the table is not what the log says it is.
            StoreError, AccessDeniedError: a file cannot be read.
        """
        candidates = [file for file in self._files if file.may_hold(partition, [offset])]
        gone: list[str] = []
        for file in sorted(candidates, key=lambda file: (file.path not in likely, _breadth(file))):
            try:
                found = self._look(file.path, partition, offset, columns)
            except FileNotFoundError:
                gone.append(f"{self._table}/{file.path}")
                continue
            if found is not None:
                return found
        if gone:
            msg = f"{', '.join(gone)} may hold the record and is gone: run headrace verify"
            raise FileGoneError(msg)
        return None

    def _look(self, path: str, partition: int, offset: int, columns: Iterable[str]) -> FoundRow | None:
        name = f"{self._table}/{path}"
        here = (pc.field("_partition") == partition) & (pc.field("_offset") == offset)
        with self._store.open(name) as source, telling_of(name):
            found = pq.read_table(source, columns=[*ADDRESS, *columns], filters=here).to_pylist()
        return FoundRow(path, found[0]) if found else None


def is_row(store: Store, table: str, partition: int, offset: int) -> bool:
    """Whether a record that a file holds is a row of the newest version: deletion vectors may have taken it.

    Raises:
        TableDamagedError: a file is not what the log says it is.
        StoreError, AccessDeniedError: the table cannot be read.
    """
    here = (pl.col("_partition") == partition) & (pl.col("_offset") == offset)
    snapshot = Resolver(store, table).resolve(None)
    return bool(collected(snapshot.frame().filter(here).select(pl.len()), snapshot).item())


def _breadth(file: ActiveFile) -> int:
    return 2**63 if file.offsets is None else file.offsets.high - file.offsets.low
