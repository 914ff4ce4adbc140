"""The data files of a table with their deletion vectors, followed from version to version.

deltalake does not say where a file's vector lies, so the log is read here: a checkpoint once, then the commits.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote

import pyarrow.parquet as pq

from headrace.errors import WrongTableError
from headrace.lake.datafile import DataFile
from headrace.lake.latest.vectors import DeletionVector, vector_of
from headrace.lake.log import commit_path
from headrace.lake.protocols import of_latest_rows
from headrace.lake.store import Store

_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\.parquet")
Action = Mapping[str, Any]


@dataclass(frozen=True)
class LiveFile:
    """A data file of the table.

    Attributes:
        path: relative to the table.
        size: bytes.
        values: Delta partition values.
        stats: Delta statistics as JSON.
        vector: which of its rows are deleted.
        spelled: the path as the log has it, where that is not how it is spelled here: who leaves a file out has to
            name it letter by letter as it was named.
    """

    path: str
    size: int
    values: Mapping[str, str | None]
    stats: Mapping[str, Any]
    vector: DeletionVector | None = None
    spelled: str | None = None

    @property
    def maskable(self) -> bool:
        """Whether readers see its deletion vector: polars 2.1 passes it by where the log escapes the path."""
        return self._spelling == self.path

    @property
    def _spelling(self) -> str:
        return self.spelled or escaped(self.path)

    @property
    def rows(self) -> int:
        """Rows in the file."""
        return int(self.stats["numRecords"])

    @property
    def live(self) -> int:
        """Rows in the table."""
        return self.rows - (self.vector.deleted if self.vector else 0)

    def removal(self, at: int) -> Action:
        """The action that takes it from the table; `at` in milliseconds since the epoch."""
        return {"remove": {**self._named(), "deletionTimestamp": at, "extendedFileMetadata": True}}

    def masked(self, vector: DeletionVector, at: int) -> Action:
        """The action that brings it back with another vector; `at` in milliseconds since the epoch."""
        # Of the deleted rows, one may have been the lowest or the highest.
        stats = json.dumps({**self.stats, "tightBounds": False})
        return {"add": {**replace(self, vector=vector)._named(), "modificationTime": at, "stats": stats}}

    def brought(self, vector: DeletionVector | None, at: int) -> Action:
        """The action that adds it as a new file of another table; `at` in milliseconds since the epoch."""
        if vector is not None:
            return self.masked(vector, at)
        stats = json.dumps(self.stats)
        return {"add": {**replace(self, vector=None)._named(), "modificationTime": at, "stats": stats}}

    def _named(self) -> dict[str, object]:
        named: dict[str, object] = {
            "path": self._spelling,
            "partitionValues": self.values,
            "size": self.size,
            "dataChange": True,
        }
        return named if self.vector is None else {**named, "deletionVector": self.vector.action()}


def escaped(path: str) -> str:
    """A path as it is spelled in the log."""
    return quote(path, safe="/=!")


def addition(file: DataFile) -> Action:
    """The action that adds a new file."""
    return {
        "add": {
            "path": escaped(file.path),
            "partitionValues": file.partition_values,
            "size": file.size,
            "modificationTime": file.modified_ms,
            "dataChange": True,
            "stats": file.stats,
        }
    }


class LiveFiles:
    """The data files of one table at one version. One thread uses it.

    Args:
        store: where the table lies.
        table: its folder.
        latest: whether it is a table of latest rows; all others ask for no feature of readers and writers.

    Attributes:
        txns: `appId` to txn version, at the version that was asked for last.
    """

    def __init__(self, store: Store, table: str, *, latest: bool = True) -> None:
        self.txns: dict[str, int] = {}
        self._store = store
        self._table = table
        self._latest = latest
        self._version: int | None = None
        self._files: dict[str, LiveFile] = {}

    def at(self, version: int) -> Sequence[LiveFile]:
        """The files of `version`, which must not be older than the last that was asked for.

        Raises:
            FileNotFoundError: a commit that no checkpoint stands for is not there.
            WrongTableError: another tool has changed what a commit to the table must hold.
            StoreError, AccessDeniedError: the log cannot be read.
        """
        if self._version is None:
            self._version = self._start(version)
        for made in range(self._version + 1, version + 1):
            # A file that changes its vector is removed and added in one commit, in any order.
            for action in sorted(committed(self._store, self._table, made), key=lambda action: "remove" not in action):
                self._apply(action)
            self._version = made
        return list(self._files.values())

    def _start(self, version: int) -> int:
        """Takes the newest checkpoint up to `version`; returns its version, -1 if there is none."""
        newest = checkpoint_before(self._store, self._table, version)
        for action in checkpointed(self._store, self._table, newest, "add", "protocol", "txn"):
            self._apply(action)
        return newest

    def _apply(self, action: Action) -> None:
        if removed := action.get("remove"):
            self._files.pop(unquote(removed["path"]), None)
        elif added := action.get("add"):
            path = unquote(added["path"])
            stats = json.loads(added.get("stats") or "{}")
            if "numRecords" not in stats:
                msg = f"{self._store.uri(self._table)}: {path} was added by another tool, without a count of its rows"
                raise WrongTableError(msg)
            vector = vector_of(added.get("deletionVector"))
            spelled = None if added["path"] == escaped(path) else added["path"]
            self._files[path] = LiveFile(path, added["size"], added["partitionValues"], stats, vector, spelled)
        elif txn := action.get("txn"):
            self.txns[txn["appId"]] = int(txn["version"])
        elif protocol := action.get("protocol"):
            self._check(protocol)

    def _check(self, protocol: Action) -> None:
        reader, writer = protocol.get("readerFeatures"), protocol.get("writerFeatures")
        if not (of_latest_rows(reader, writer) if self._latest else not reader and not writer):
            told = ", ".join(sorted(writer or ())) or f"writer version {protocol.get('minWriterVersion')}"
            msg = f"{self._store.uri(self._table)} was given {told} by another tool: nothing was written"
            raise WrongTableError(msg)


def checkpoint_before(store: Store, table: str, version: int) -> int:
    """The newest version up to `version` that has a checkpoint; -1 if none has.

    Raises:
        StoreError, AccessDeniedError: the log cannot be listed.
    """
    named = filter(None, map(_CHECKPOINT.fullmatch, store.sizes(f"{table}/_delta_log")))
    return max((made for found in named if (made := int(found[1])) <= version), default=-1)


def checkpointed(store: Store, table: str, version: int, *kinds: str) -> Iterator[Action]:
    """The actions of those kinds in the checkpoint of `version`; none of -1.

    Raises:
        StoreError, AccessDeniedError: it cannot be read.
    """
    if version < 0:
        return
    with store.open(f"{table}/_delta_log/{version:020d}.checkpoint.parquet") as source:
        for batch in pq.ParquetFile(source).iter_batches(4_096, columns=list(kinds)):
            for row in batch.to_pylist():
                found = {kind: body for kind, body in row.items() if body}
                if "add" in found:
                    found["add"]["partitionValues"] = dict(found["add"]["partitionValues"])
                yield found


def committed(store: Store, table: str, version: int) -> list[Action]:
    """The actions of commit `version`.

    Raises:
        FileNotFoundError: it is not there.
        StoreError, AccessDeniedError: it cannot be read.
    """
    return [json.loads(line) for line in store.read(commit_path(table, version)).splitlines()]
