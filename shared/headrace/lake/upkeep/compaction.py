"""Many files of one partition become one, and not a row changes on the way.

The new file is read back and its rows are counted and summed before any log names it; only then one commit exchanges
it for the old ones. deltalake has an OPTIMIZE; its commit is visible before its files are durable, and a worker that
commits on top of it would make durable a table whose rows are not.
"""

import hashlib
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.exceptions import CommitFailedError

from headrace.errors import CommitTimeoutError, InvariantError, StoreError
from headrace.lake.datafile import DataFile, FileLayout, write_file
from headrace.lake.failures import said
from headrace.lake.log import retry_pause
from headrace.lake.rewrite import Exchange, replace_files
from headrace.lake.store import Store
from headrace.lake.upkeep.curve import along_curve
from headrace.lake.upkeep.exchanges import check_exchange, take_snapshot
from headrace.lake.upkeep.stats import SEALED, TableFile

_ADDRESS = ("_partition", "_offset")
_BATCH_ROWS = 65_536
_MASK = (1 << 128) - 1
TRIES = 20
"""How often one exchange is tried against other commits."""

KIND = "compact"
"""Of a commit that moves rows between files, in what it says of itself."""


@dataclass(frozen=True, slots=True)
class Merge:
    """Files that shall become one.

    Attributes:
        files: at least one; all of one partition.
        seal: whether the rows are ordered along a curve through `cluster_by`, for good.
        cluster_by: columns.
    """

    files: tuple[TableFile, ...]
    seal: bool
    cluster_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of it.

    Attributes:
        version: that was made; None where another writer had replaced one of the files meanwhile.
        file: the new one.
        conflicts: tries that lost against other commits.
        seconds: how long it took.
    """

    version: int | None
    file: DataFile
    conflicts: int
    seconds: float


@dataclass(slots=True)
class AddressSum:
    """A digest of places in a topic that does not depend on their order: count, and sum modulo 2**128."""

    count: int = 0
    total: int = 0

    def add(self, rows: pa.RecordBatch) -> None:
        """Takes the places of some rows."""
        pairs = zip(*(rows.column(name).to_pylist() for name in _ADDRESS), strict=True)
        for partition, offset in pairs:
            place = hashlib.blake2b(b"%d/%d" % (partition, offset), digest_size=16).digest()
            self.total = (self.total + int.from_bytes(place, "big")) & _MASK
        self.count += rows.num_rows

    def add_all(self, rows: pa.Table) -> "AddressSum":
        """Takes all rows of a table; returns itself."""
        for batch in rows.select(_ADDRESS).to_batches(_BATCH_ROWS):
            self.add(batch)
        return self


@dataclass
class Compactor:
    """Merges files of one table.

    Args:
        store: where it lies.
        layout: of its files.
        note: what every commit says of itself beside its kind, such as the epoch of the lease.
        pause: waits that many seconds.
    """

    store: Store
    layout: FileLayout
    note: Mapping[str, object]
    pause: Callable[[float], object]
    _table: str = field(init=False)

    def __post_init__(self) -> None:
        self._table = self.layout.table

    def merge(self, merge: Merge) -> Merged:
        """Puts one file in the place of several.

        1. The rows are read, and their places summed.
        2. The new file becomes durable; it is read back, and its rows have to sum up to the same.
        3. One commit exchanges the files, refused if one of them is no longer part of the table.
        4. The log is read afresh and replayed: beside other commits, the exchange is all that has changed.

        Raises:
            InvariantError: the rows are not the same before and after; where that is found in step 2, nothing changed.
            CommitTimeoutError: other commits kept coming first.
            StoreError, AccessDeniedError: the store failed; the table is as it was, or the exchange is in it.
        """
        began = time.perf_counter()
        snapshot = take_snapshot(self.store, self._table)
        rows = self._read(merge.files)
        before = AddressSum().add_all(rows)
        self._check_counts(merge.files, before)
        ordered = along_curve(rows, merge.cluster_by) if merge.seal else rows
        prefix = SEALED if merge.seal else ""
        file = write_file(self.store, self.layout, ordered, merge.files[0].value, prefix=prefix)
        self._prove(file, before)
        version, conflicts = self._exchange(merge, file, before)
        if version is not None:
            check_exchange(self.store, snapshot, version)
        return Merged(version, file, conflicts, time.perf_counter() - began)

    def _read(self, files: Sequence[TableFile]) -> pa.Table:
        parts = []
        for file in files:
            try:
                with self.store.open(f"{self._table}/{file.path}") as source:
                    parts.append(pq.ParquetFile(source).read())
            except (FileNotFoundError, pa.ArrowException) as error:
                msg = f"{self._table}: {file.path} cannot be read ({said(error)}): run headrace verify"
                raise StoreError(msg) from error
        # Files from before a column was added lack it.
        return pa.concat_tables(parts, promote_options="default").combine_chunks()

    def _check_counts(self, files: Sequence[TableFile], found: AddressSum) -> None:
        told = sum(file.rows for file in files if file.rows is not None)
        if None not in (file.rows for file in files) and told != found.count:
            msg = f"{self._table}: {len(files)} files hold {found.count} rows, the log says {told}: run headrace verify"
            raise InvariantError(msg)

    def _prove(self, file: DataFile, before: AddressSum) -> None:
        after = AddressSum()
        with self.store.open(f"{self._table}/{file.path}") as source:
            for batch in pq.ParquetFile(source).iter_batches(_BATCH_ROWS, columns=list(_ADDRESS)):
                after.add(batch)
        if after != before:
            msg = (
                f"{self._table}: the rewritten file {file.path} does not hold the rows it was made of "
                f"({before.count} before, {after.count} after); it was not committed and the table is as it was"
            )
            raise InvariantError(msg)

    def _exchange(self, merge: Merge, file: DataFile, places: AddressSum) -> tuple[int | None, int]:
        note = {
            "kind": KIND,
            "batch": uuid.uuid4().hex,
            **self.note,
            "rows": places.count,
            "places": f"{places.total:032x}",
            "files": {file.path: {"sha256": file.sha256}},
        }
        exchange = Exchange([old.path for old in merge.files], [file], note, changes=False)
        for lost in range(TRIES):
            try:
                return replace_files(self.store, self._table, exchange), lost
            except CommitFailedError:
                # The same exchange is right again as long as all its files are active, and that is looked up anew.
                self.pause(retry_pause(lost))
        msg = f"{self._table}: {TRIES} times another commit came first; nothing changed, the next run tries again"
        raise CommitTimeoutError(msg)
