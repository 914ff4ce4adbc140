"""What a table consists of, by the statistics in its log: no data file is opened."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable

from headrace.lake.latest.live import LiveFiles
from headrace.lake.log import open_table
from headrace.lake.protocols import masks_rows
from headrace.lake.store import Store

_READ = ("path", "size_bytes", "num_records", "min._partition", "max._partition", "min._offset", "max._offset")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Lowest and highest value of a column in one file."""

    low: int
    high: int

    def __contains__(self, value: int) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class ActiveFile:
    """A data file of a version; what its writer did not note is None.

    Attributes:
        path: relative to the table.
        size: bytes.
        rows: number of rows that are part of the table.
        partitions: Kafka partitions of its rows.
        offsets: offsets of its rows, over all of these partitions.
    """

    path: str
    size: int
    rows: int | None
    partitions: Bounds | None
    offsets: Bounds | None

    def may_hold(self, partition: int, offsets: Sequence[int]) -> bool:
        """Whether the row of one of those records may be in it: False only if the statistics rule it out.

        Args:
            partition: of the topic.
            offsets: rising.
        """
        if self.partitions is not None and partition not in self.partitions:
            return False
        if self.offsets is None:
            return True
        at = bisect_left(offsets, self.offsets.low)
        return at < len(offsets) and offsets[at] in self.offsets


def active_files(store: Store, table: str) -> list[ActiveFile]:
    """The data files of the newest version.

    Raises:
        FileNotFoundError: no table is there.
        StoreError, AccessDeniedError: its log cannot be read.
    """
    return files_of(store, table, open_table(store, table))


def files_of(store: Store, table: str, handle: DeltaTable) -> list[ActiveFile]:
    """The data files of the version that a handle holds.

    Raises:
        StoreError, AccessDeniedError: its log cannot be read.
    """
    actions = pa.table(handle.get_add_actions(flatten=True))
    masked = masks_rows(handle)
    live = {file.path: file.live for file in LiveFiles(store, table).at(handle.version())} if masked else {}
    noted = actions.select([name for name in _READ if name in actions.column_names])
    return [
        ActiveFile(
            unquote(file["path"]),
            file["size_bytes"],
            live.get(unquote(file["path"]), file.get("num_records")),
            _bounds(file.get("min._partition"), file.get("max._partition")),
            _bounds(file.get("min._offset"), file.get("max._offset")),
        )
        for file in noted.to_pylist()
    ]


def _bounds(low: int | None, high: int | None) -> Bounds | None:
    return None if low is None or high is None else Bounds(low, high)
