"""One version of a table, pinned."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from urllib.parse import unquote

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from headrace.errors import ConfigError
from headrace.lake.contents import ActiveFile, files_of
from headrace.lake.frames import telling
from headrace.lake.log import committed_at
from headrace.lake.store import Store
from headrace.lake.tables import positions_in


@dataclass(frozen=True)
class View:
    """What of a version is read.

    Attributes:
        rows: makes the rows that are meant of those of the version.
        positions: per Kafka partition where it stands, where that is not what the version says.
    """

    rows: Callable[[pl.LazyFrame], pl.LazyFrame] = lambda rows: rows
    positions: Mapping[int, int] = field(default_factory=dict)


WHOLE = View()


class Snapshot:
    """A table as it stood at one version. What is committed later changes nothing of it.

    Its files stay for as long as the table keeps what left it (docs/maintenance.md), so a frame that is collected days
    later may find them gone.

    Attributes:
        table: its name.
        version: that is read.
    """

    def __init__(self, store: Store, table: str, handle: DeltaTable, view: View = WHOLE) -> None:
        self.table = table
        self.version = handle.version()
        self._store = store
        self._handle = handle
        self._view = view
        self._kept: pl.DataFrame | None = None

    def __repr__(self) -> str:
        return f"Snapshot({self.table!r}, version={self.version})"

    @cached_property
    def committed_at(self) -> datetime | None:
        """When the version was made, by the clock of whoever made it; None if the log no longer tells.

        Raises:
            StoreError, AccessDeniedError: the log cannot be read.
        """
        return committed_at(self._store, self.table, self.version)

    @cached_property
    def positions(self) -> Mapping[int, int]:
        """Per Kafka partition the next offset that was to be read; none of a table that no worker fills."""
        return {**positions_in(self._handle), **self._view.positions}

    @property
    def is_whole(self) -> bool:
        """Whether it is all rows of the version."""
        return self._view is WHOLE

    def frame(self) -> pl.LazyFrame:
        """The rows; filters and columns that are asked of the frame decide which files are read, and what of them."""
        if self._kept is not None:
            return self._kept.lazy()
        rows = pl.scan_delta(self._handle)
        for name, others in self._misread.items():
            # Filters do not pass this: it is asked for only where a name needs it.
            rows = rows.with_columns(pl.col(name).replace(others))
        return self._view.rows(rows)

    @cached_property
    def _misread(self) -> Mapping[str, Mapping[str, str]]:
        return dict(_misread(self._handle))

    def keep(self) -> None:
        """Reads the rows into memory, from where `frame` gives them from now on.

        Raises:
            TableDamagedError: a file is not what the log says it is.
            StoreError, AccessDeniedError: a file cannot be read.
        """
        with telling(lambda: [self]):
            self._kept = self.frame().collect()

    @property
    def size(self) -> int:
        """Bytes of its data files."""
        return int(pc.sum(pa.table(self._handle.get_add_actions())["size_bytes"]).as_py() or 0)

    def files(self) -> Sequence[ActiveFile]:
        """The data files of the version.

        Raises:
            StoreError, AccessDeniedError: the log cannot be read.
        """
        return files_of(self._store, self.table, self._handle)

    def unlike_log(self) -> Iterator[tuple[str, str]]:
        """Data files that are not as long as the log says: the path from the root of the lake on, and what is wrong.

        Raises:
            StoreError, AccessDeniedError: the lake cannot be read.
        """
        for file in self.files():
            path = f"{self.table}/{file.path}"
            size = self._store.size(path)
            if size not in (None, file.size):
                yield path, f"it has {size} bytes, the log says {file.size}"


def chosen(rows: pl.LazyFrame, table: str, where: pl.Expr | None, columns: str | Sequence[str] | None) -> pl.LazyFrame:
    """Some rows and columns of a table; None of either for all.

    Raises:
        ConfigError: it has no such column.
    """
    if where is None and columns is None:
        return rows  # nothing to be refused: the schema need not be asked for
    rows = rows if where is None else rows.filter(where)
    rows = rows if columns is None else rows.select(columns)
    try:
        rows.collect_schema()
    except pl.exceptions.ColumnNotFoundError as error:
        msg = f"{table}: {str(error).partition(chr(10))[0]}"  # below it polars shows its plan
        raise ConfigError(msg) from None
    return rows


def _misread(handle: DeltaTable) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Partition columns of which polars, which takes texts from the names of folders, reads others than the log has."""
    columns = {field.name for field in handle.schema().fields if str(field.type) == 'PrimitiveType("string")'}
    names = [name for name in handle.metadata().partition_columns if name in columns]
    files = pl.DataFrame(handle.get_add_actions(flatten=True)) if names else pl.DataFrame()
    for name in names:
        folder = pl.col("path").str.extract(f"(?:^|/){pl.escape_regex(name)}=([^/]*)/")
        folders = files.select(folder, f"partition.{name}").unique()
        spelt = {unquote(unquote(folder)): value for folder, value in folders.iter_rows() if folder is not None}
        others = {read: value for read, value in spelt.items() if read != value}
        if others:
            yield name, others
