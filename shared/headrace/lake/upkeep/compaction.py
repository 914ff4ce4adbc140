"""Many files of one partition become one, and not a row changes on the way.

The new file is read back and its rows are counted and summed before any log names it; only then one commit exchanges
it for the old ones. deltalake has an OPTIMIZE; its commit is visible before its files are durable, and a worker that
commits on top of it would make durable a table whose rows are not.
"""

import hashlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.exceptions import CommitFailedError

from headrace.errors import HeadraceError, InvariantError
from headrace.lake.damage import telling_of
from headrace.lake.datafile import Arrangement, DataFile, FileLayout, read_rows, write_file
from headrace.lake.log import DeltaLog
from headrace.lake.racing import until_first
from headrace.lake.rewrite import Exchange, replace_files
from headrace.lake.store import Store
from headrace.lake.upkeep.curve import curve_order
from headrace.lake.upkeep.exchanges import check_exchange, take_snapshot
from headrace.lake.upkeep.stats import SEALED, TableFile

_ADDRESS = ("_partition", "_offset")
_BATCH_ROWS = 65_536
_MASK = (1 << 128) - 1

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


@dataclass(slots=True)
class AddressSum:
    """A digest of places in a topic that does not depend on their order: count, and sum modulo 2**128.

    Rows that were written by hand have no places; of them the values count.
    """

    count: int = 0
    total: int = 0

    def add(self, rows: pa.RecordBatch) -> None:
        """Takes the places of some rows."""
        if not has_places(rows.schema):
            self.total = (self.total + _value_sum(rows)) & _MASK
            self.count += rows.num_rows
            return
        pairs = zip(*(rows.column(name).to_pylist() for name in _ADDRESS), strict=True)
        for partition, offset in pairs:
            place = hashlib.blake2b(b"%d/%d" % (partition, offset), digest_size=16).digest()
            self.total = (self.total + int.from_bytes(place, "big")) & _MASK
        self.count += rows.num_rows

    def add_all(self, rows: pa.Table) -> "AddressSum":
        """Takes all rows of a table; returns itself."""
        placed = rows.select(_ADDRESS) if has_places(rows.schema) else rows
        for batch in placed.to_batches(_BATCH_ROWS):
            self.add(batch)
        return self


def has_places(columns: pa.Schema) -> bool:
    """Whether rows say where in a topic they came from."""
    return set(_ADDRESS) <= set(columns.names)


def _value_sum(rows: pa.RecordBatch) -> int:
    """Of all values, whatever the order of the rows."""
    import polars as pl  # noqa: PLC0415  # tables of workers do without its 20 MiB

    frame = cast("pl.DataFrame", pl.from_arrow(rows))
    return sum(sum(frame.hash_rows(seed).to_list()) << 64 * seed for seed in range(2))


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A durable file with the rows of others; no log names it yet.

    Attributes:
        file: that file.
        places: digest of where its rows came from, the same as of the files it was made of.
    """

    file: DataFile
    places: AddressSum


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of an exchange.

    Attributes:
        version: that was made; None where another writer had replaced one of the files meanwhile.
        conflicts: tries that lost against other commits.
    """

    version: int | None
    conflicts: int


def rewrite_files(store: Store, layout: FileLayout, merge: Merge) -> Rewritten:
    """Writes one file with the rows of several. This is what takes memory and time; the table is as it was.

    1. The rows are read, and their places summed.
    2. The new file becomes durable.
    3. It is read back, and its rows have to sum up to the same.

    Raises:
        InvariantError: the rows are not the same before and after.
        TableDamagedError: a file is not what the log says it is.
        StoreError, AccessDeniedError: the store failed.
    """
    ordered = merge.seal and bool(merge.cluster_by)
    rows = _read(store, layout.table, merge.files, in_one_chunk=ordered)  # else each row would be looked for in all
    before = AddressSum().add_all(rows)
    _check_counts(layout.table, merge.files, before)
    cluster_by = [name for name in merge.cluster_by if name in rows.column_names]  # others are younger than the files
    arranged = Arrangement(SEALED, curve_order(rows, cluster_by)) if merge.seal else Arrangement()
    file = write_file(store, layout, rows, merge.files[0].value, arranged=arranged)
    _prove(store, layout.table, file, before)
    return Rewritten(file, before)


def _read(store: Store, table: str, files: Sequence[TableFile], *, in_one_chunk: bool) -> pa.Table:
    parts = []
    for file in files:
        path = f"{table}/{file.path}"
        with telling_of(path), store.open(path) as source:
            parts.append(read_rows(source))
    # Files from before a column was added lack it.
    rows = pa.concat_tables(parts, promote_options="default")
    if in_one_chunk:
        # A column at a time: all of them at once would be there twice, with what they are made of.
        parts.clear()
        for at, name in enumerate(rows.column_names):
            rows = rows.set_column(at, name, rows.select([name]).combine_chunks().column(0))
    return rows


def _check_counts(table: str, files: Sequence[TableFile], found: AddressSum) -> None:
    told = sum(file.rows for file in files if file.rows is not None)
    if None not in (file.rows for file in files) and told != found.count:
        msg = f"{table}: {len(files)} files hold {found.count} rows, the log says {told}: run headrace verify"
        raise InvariantError(msg)


def _prove(store: Store, table: str, file: DataFile, before: AddressSum) -> None:
    after = AddressSum()
    with store.open(f"{table}/{file.path}") as source:
        parquet = pq.ParquetFile(source)
        columns = list(_ADDRESS) if has_places(parquet.schema_arrow) else None
        for batch in parquet.iter_batches(_BATCH_ROWS, columns=columns):
            after.add(batch)
    if after != before:
        msg = (
            f"{table}: the rewritten file {file.path} does not hold the rows it was made of "
            f"({before.count} before, {after.count} after); it was not committed and the table is as it was"
        )
        raise InvariantError(msg)


@dataclass(frozen=True)
class Exchanger:
    """Puts rewritten files in the place of others of one table.

    Args:
        store: where it lies.
        table: its folder.
        note: what every commit says of itself beside its kind, such as the epoch of the lease.
        pause: waits that many seconds.
    """

    store: Store
    table: str
    note: Mapping[str, object]
    pause: Callable[[float], object]

    def exchange(self, merge: Merge, made: Rewritten) -> Merged:
        """Commits `made` in the place of the files of `merge`.

        1. One commit exchanges the files, refused if one of them is no longer part of the table.
        2. Where it is not known whether that went through, or it seems to have been overtaken, the log is asked: a
           store may have lost the answer.
        3. The log is read afresh and replayed: beside other commits, the exchange is all that has changed.

        Raises:
            InvariantError: more has changed than may.
            CommitTimeoutError: other commits kept coming first.
            StoreError, AccessDeniedError: the store failed; the table is as it was, or the exchange is in it.
        """
        snapshot = take_snapshot(self.store, self.table)
        batch = uuid.uuid4().hex
        try:
            merged = self._commit(merge, made, batch)
        except HeadraceError:
            merged = Merged(self._landed(batch, snapshot.version), 0)
            if merged.version is None:
                raise
        if merged.version is None:
            merged = replace(merged, version=self._landed(batch, snapshot.version))
        if merged.version is not None:
            check_exchange(self.store, snapshot, merged.version)
        return merged

    def _landed(self, batch: str, after: int) -> int | None:
        return DeltaLog(self.store, self.table).landed(batch, after)

    def _commit(self, merge: Merge, made: Rewritten, batch: str) -> Merged:
        note = {
            "kind": KIND,
            "batch": batch,
            **self.note,
            "rows": made.places.count,
            "places": f"{made.places.total:032x}",
            "files": {made.file.path: {"sha256": made.file.sha256}},
        }
        exchange = Exchange([old.path for old in merge.files], [made.file], note, changes=False)
        lost = 0

        def attempt() -> Merged | None:
            nonlocal lost
            try:
                return Merged(replace_files(self.store, self.table, exchange), lost)
            except CommitFailedError:
                # The same exchange is right again as long as all its files are active, and that is looked up anew.
                lost += 1
                return None

        return until_first(self.table, attempt, self.pause)
