"""A batch into a table of latest rows: one commit that deletes the rows it replaces and adds its own.

Nothing is decided from memory: what a key's row is now is asked of the very version that the commit is made on top of,
and the commit is refused if anybody else has made the next one.
"""

import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl
import pyarrow as pa
from pyroaring import BitMap64

from headrace.errors import InvariantError
from headrace.lake.allocators import give_back
from headrace.lake.damage import telling_of
from headrace.lake.datafile import DataFile, FileLayout, by_partition, read_rows, write_file
from headrace.lake.latest.changes import NUMBER, Came, Changes
from headrace.lake.latest.keys import FewKeys, FileKeys, KeyIndex, Wanted
from headrace.lake.latest.live import Action, LiveFile, LiveFiles, addition
from headrace.lake.latest.merging import Piece, rewritten
from headrace.lake.latest.order import FILE, ROW, Naming, marked, ranked
from headrace.lake.latest.vectors import DeletionVector, read_vector, write_vectors
from headrace.lake.log import DeltaLog
from headrace.lake.store import Store

# Rows written between two times that freed memory is given back: some 100 ms of work.
_ROWS_BETWEEN = 16_384


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What a batch brings.

    Attributes:
        events: rows with their provenance; may be none, but the columns are there.
        tombstones: key and provenance of the records that delete; may be none.
    """

    events: pa.Table
    tombstones: pa.Table


@dataclass
class _Writing:
    """Durable files, and the actions that will name them.

    Attributes:
        at: milliseconds since the epoch.
        added: new data files and their keys; their rows may be the whole table.
        actions: for the log.
        masked: per path of a file that stays the numbers of all its deleted rows.
    """

    at: int
    added: list[tuple[DataFile, FileKeys | FewKeys]] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    masked: dict[str, BitMap64] = field(default_factory=dict)

    def add(self, file: DataFile, keys: FileKeys | FewKeys) -> None:
        """Takes a new file."""
        self.added.append((file, keys))
        self.actions.append(addition(file))


@dataclass
class Upserter:
    """Upserts into one table. One thread uses it.

    Attributes:
        store: where it lies.
        layout: of its files.
        naming: what names a row.
        memory: bytes that may be used to remember where keys lie.
    """

    store: Store
    layout: FileLayout
    naming: Naming
    memory: int
    _files: LiveFiles = field(init=False)
    _index: KeyIndex = field(init=False)
    _moved: int = field(default=0, init=False)
    _vectors: dict[str, tuple[DeletionVector | None, BitMap64]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._files = LiveFiles(self.store, self.layout.table)
        self._index = KeyIndex(self.store, self.layout.table, self.naming, limit=self.memory)

    def commit(
        self, log: DeltaLog, batch: Arrivals, txns: Mapping[str, int], note: Mapping[str, object]
    ) -> tuple[int, list[DataFile]]:
        """Makes the next version of the table.

        1. The rows of the batch's keys are looked up in the version that `log` holds.
        2. What becomes a row, and what goes, is decided.
        3. New files and deletion vectors become durable under names that no log knows yet.
        4. One commit says all of it, and the positions; a batch that changes nothing still moves the positions.

        Args:
            log: a handle on which the positions were checked.
            batch: what came.
            txns: `appId` to txn version.
            note: goes into commitInfo.

        Returns:
            The version, and the files that it added.

        Raises:
            InvariantError: a key has more than one row; nothing was written.
            CommitFailedError: somebody else made that version.
            Exception: any other exception leaves open whether the commit landed.
        """
        files = {file.path: file for file in self._files.at(log.version)}
        changes = self.changes(log.version, batch)
        incoming = batch.events
        if len(changes.incoming) < incoming.num_rows:
            incoming = incoming.take(pa.array(changes.incoming, pa.int64()))
        writing = self._write(files, incoming, changes.deleted)
        added = [file for file, _ in writing.added]
        digests = {file.path: {"sha256": file.sha256} for file in added}
        made = log.commit_next(writing.actions, txns, {**note, "upsert": changes.note(), "files": digests})
        # Files also leave by the commits of others.
        self._vectors = {path: known for path, known in self._vectors.items() if path in files}
        for file, keys in writing.added:
            self._index.learn(file.path, keys)
        return made, added

    def changes(self, version: int, batch: Arrivals) -> Changes:
        """What a batch would change.

        Args:
            version: of the table, not older than the last that was asked for.
            batch: what came.

        Raises:
            InvariantError: a key has more than one row.
            StoreError, AccessDeniedError: the table cannot be read.
        """
        key = self.naming.key
        events = ranked(batch.events, self.naming)
        came = Came.of(events, marked(batch.tombstones, key), key)
        nothing = events.clear().rename({ROW: NUMBER}).with_columns(pl.lit("").alias(FILE))
        return came.changes(self._current(self._files.at(version), Wanted(came.keys, key), nothing))

    def _current(self, files: Collection[LiveFile], wanted: Wanted, nothing: pl.DataFrame) -> pl.DataFrame:
        """The rows that the wanted keys have now, as `Came.changes` takes them; `nothing` has their columns.

        Raises:
            InvariantError: a key has more than one.
        """
        asked = {file.path: file for file in files if len(wanted.rows) and wanted.may_be_in(file)}
        found = [frame.rename({ROW: NUMBER}) for frame in self._index.find(asked.values(), wanted)]
        held = pl.concat([nothing, *found])
        deleted = {path: self._deleted(asked[path]) for path in held[FILE].unique()}
        places = zip(held[FILE], held[NUMBER], strict=True)
        live = pl.Series([number not in deleted[path] for path, number in places], dtype=pl.Boolean)
        now = held.filter(live).with_row_index(ROW)
        if now.select(wanted.key).is_duplicated().any():
            msg = f"{self.layout.table} has two rows of one key, and nothing was written: run headrace verify"
            raise InvariantError(msg)
        return now

    def _deleted(self, file: LiveFile) -> BitMap64:
        known = self._vectors.get(file.path)
        if known is None or known[0] != file.vector:
            known = file.vector, read_vector(self.store, self.layout.table, file.vector)
            self._vectors[file.path] = known
        return known[1]

    def _write(self, files: Mapping[str, LiveFile], incoming: pa.Table, deleted: Mapping[str, BitMap64]) -> _Writing:
        """Makes files and vectors durable, one data file per partition that changes."""
        column = self.layout.partition_column
        beside: dict[str | None, list[LiveFile]] = defaultdict(list)
        for file in files.values():
            beside[_value(file, column)].append(file)
        writing = _Writing(time.time_ns() // 1_000_000)
        left = dict.fromkeys(_value(files[path], column) for path in deleted)
        # One partition after another: all of them together may be the whole table.
        for value, rows in by_partition(incoming, column) if incoming.num_rows else ():
            self._write_partition(beside[value], value, rows, deleted, writing)
            left.pop(value, None)
        nothing = incoming.slice(0, 0) if column is None else incoming.slice(0, 0).drop_columns([column])
        for value in left:
            self._write_partition(beside[value], value, nothing, deleted, writing)
        vectors = write_vectors(self.store, self.layout.table, writing.masked)
        writing.actions += [files[path].masked(vector, writing.at) for path, vector in vectors.items()]
        return writing

    def _write_partition(
        self,
        files: Sequence[LiveFile],
        value: str | None,
        rows: pa.Table,
        deleted: Mapping[str, BitMap64],
        writing: _Writing,
    ) -> None:
        whole = self._rewrite(files, rows, deleted, writing)
        if whole.num_rows:
            file = write_file(self.store, self.layout, whole, value)
            writing.add(file, self._index.keys_of(file, whole))
        self._moved += whole.num_rows
        if self._moved >= _ROWS_BETWEEN:
            del whole
            give_back()
            self._moved = 0

    def _rewrite(
        self, files: Sequence[LiveFile], rows: pa.Table, deleted: Mapping[str, BitMap64], writing: _Writing
    ) -> pa.Table:
        """`rows`, and those of the files that they are worth being rewritten with; notes what becomes of the others."""
        pieces = [_piece(file, len(deleted.get(file.path, ()))) for file in files]
        chosen = rewritten(pieces, rows.num_rows)
        parts = [rows]
        for file, piece in zip(files, pieces, strict=True):
            if file.path not in chosen and not piece.touched:
                continue
            writing.actions.append(file.removal(writing.at))
            after = self._deleted(file) | deleted.get(file.path, BitMap64())
            if file.path in chosen:
                parts.append(self._read(file, after))
            elif piece.live:
                writing.masked[file.path] = after
            if file.path not in writing.masked:
                # Before the commit: beside the indices of what replaces them, both might be twice that of the table.
                # If the commit fails they are made again.
                self._index.forget(file.path)
        # Files from before a column was added lack it.
        return pa.concat_tables(parts, promote_options="default")

    def _read(self, file: LiveFile, deleted: BitMap64) -> pa.Table:
        path = f"{self.layout.table}/{file.path}"
        with telling_of(path), self.store.open(path) as source:
            rows = read_rows(source, use_threads=False)
        if rows.num_rows != file.rows:
            counts = f"holds {rows.num_rows} rows, the log says {file.rows}"
            msg = f"{self.layout.table}: {file.path} {counts}: run headrace verify"
            raise InvariantError(msg)
        if not deleted:
            return rows
        live = BitMap64(range(rows.num_rows)) - deleted
        return rows.take(pa.array(list(live), pa.int64()))


def _piece(file: LiveFile, newly: int) -> Piece:
    return Piece(file.path, file.live - newly, file.rows - file.live + newly, newly > 0, file.maskable)


def _value(file: LiveFile, column: str | None) -> str | None:
    return None if column is None else file.values[column]
