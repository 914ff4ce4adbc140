"""Data files replaced by rewritten ones, in a commit of our own making.

deltalake rewrites rows too, but neither its files nor its commit are fsynced in the order in which they must be, and
what it rewrites here is the only copy of a record. So the file is written like any other, and the commit is published
as version 0 is: by a conditional create of the very next version, which nobody else can then have made.
"""

import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from headrace.errors import WrongTableError
from headrace.lake.datafile import DataFile
from headrace.lake.latest.live import escaped
from headrace.lake.log import NOTE, commit_path, open_table
from headrace.lake.store import Store

# What `create_table` makes. A later protocol may demand more of a commit than this module knows of.
_WRITER_VERSION = 2


@dataclass(frozen=True, slots=True)
class Exchange:
    """Files that take the place of others, of one partition of the table.

    Attributes:
        removed: paths of active files.
        added: durable files.
        note: goes into commitInfo.
        changes: whether a row says something else than before; False where rows only moved between files.
        unless: an `appId` and its txn version: nothing is exchanged if that has become another one.
    """

    removed: Collection[str]
    added: Sequence[DataFile]
    note: Mapping[str, object]
    changes: bool
    unless: tuple[str, int | None] | None = None


def replace_files(store: Store, table: str, exchange: Exchange) -> int | None:
    """Commits an exchange; readers see what was before it or what is after it.

    Returns:
        The version that was made, durable; None if one of the removed files is no longer active, or by `unless`.

    Raises:
        CommitFailedError: somebody else made that version; try again.
        WrongTableError: another tool has changed what a commit to the table must hold.
        StoreError, AccessDeniedError: it is not known whether it was committed.
    """
    handle = open_table(store, table)
    _check_protocol(handle, store.uri(table))
    active = _active(handle)
    if not active.keys() >= set(exchange.removed):
        return None
    if exchange.unless is not None and handle.transaction_version(exchange.unless[0]) != exchange.unless[1]:
        return None
    # Whoever made the version before may have died before it was durable; from here on this one rests on it.
    store.sync(commit_path(table, handle.version()))
    made = handle.version() + 1
    data = b"".join(json.dumps(action, separators=(",", ":")).encode() + b"\n" for action in _actions(exchange, active))
    if not store.create(commit_path(table, made), data):
        msg = f"version {made} of {table} was made by somebody else"
        raise CommitFailedError(msg)
    return made


def _actions(exchange: Exchange, active: Mapping[str, tuple[str, int]]) -> Iterator[Mapping[str, object]]:
    now = time.time_ns() // 1_000_000
    operation = "UPDATE" if exchange.changes else "OPTIMIZE"
    yield {"commitInfo": {"timestamp": now, "operation": operation, "operationParameters": {}, NOTE: exchange.note}}
    values = exchange.added[0].partition_values
    for spelled, size in (active[path] for path in exchange.removed):
        yield {
            "remove": {
                "path": spelled,
                "deletionTimestamp": now,
                "dataChange": exchange.changes,
                "extendedFileMetadata": True,
                "partitionValues": values,
                "size": size,
            }
        }
    for file in exchange.added:
        yield {
            "add": {
                "path": escaped(file.path),
                "partitionValues": file.partition_values,
                "size": file.size,
                "modificationTime": file.modified_ms,
                "dataChange": exchange.changes,
                "stats": file.stats,
            }
        }


def _check_protocol(handle: DeltaTable, where: str) -> None:
    found = handle.protocol()
    append_only = handle.metadata().configuration.get("delta.appendOnly") == "true"
    if found.min_writer_version != _WRITER_VERSION or append_only:
        told = "delta.appendOnly" if append_only else f"writer version {found.min_writer_version}"
        msg = f"{where} was given {told} by another tool, and no row of it can be changed: nothing was written"
        raise WrongTableError(msg)


def _active(handle: DeltaTable) -> dict[str, tuple[str, int]]:
    """Per path of an active file how the log spells it, which a commit that removes it has to repeat, and its bytes."""
    actions = pa.table(handle.get_add_actions()).select(["path", "size_bytes"]).to_pydict()
    named = zip(actions["path"], actions["size_bytes"], strict=True)
    return {unquote(spelled): (spelled, size) for spelled, size in named}
