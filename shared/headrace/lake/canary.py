"""A start-up proof, on the store itself, that a conflicting commit is refused.

Everything rests on two properties that some stores and some library versions lack: a conditional create lets exactly
one writer through, and deltalake refuses a commit whose `appId` was committed since the writer's snapshot.
"""

import math
import os
import shutil
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError

from headrace.clock import Clock
from headrace.errors import UnsafeStoreError
from headrace.lake.failures import store_failure
from headrace.lake.log import open_table
from headrace.lake.store import Store

_PREFIX = ".headrace-canary-"
_APP_ID = "headrace/canary"
_MEASURED = 5
_COARSE = timedelta(seconds=1)
_SCHEMA = Schema.from_arrow(pa.schema([pa.field("x", pa.int64())]))


def prove_conflicts(store: Store) -> None:
    """Creates a table beside the real ones, commits to it from two handles, and removes it.

    Raises:
        UnsafeStoreError: the second conditional create or the second commit was accepted.
        StoreError, AccessDeniedError: the store cannot be written.
    """
    table = new_trial()
    try:
        _prove_create(store, table)
        _prove_commit(store, table)
    except (DeltaError, OSError) as error:
        raise store_failure(error, f"writing a test table under {store.root}") from error
    finally:
        remove_trial(store, table)


@dataclass(frozen=True, slots=True)
class StoreMeasure:
    """What a few small objects told of a store.

    Attributes:
        write_seconds: what making one durable takes, the median of some.
        clock_seconds: by how much its clock is ahead of this machine's; 0 where the two cannot be told apart.
    """

    write_seconds: float
    clock_seconds: float


def measure_store(store: Store, clock: Clock) -> StoreMeasure:
    """Writes a few small objects beside the tables, and removes them.

    Raises:
        StoreError, AccessDeniedError: the store cannot be written.
    """
    folder = new_trial()
    took = []
    try:
        for number in range(_MEASURED):
            before, started = clock.now(), clock.monotonic()
            store.put(f"{folder}/{number}", b"x")
            took.append(clock.monotonic() - started)
        ahead = clock_difference(before, clock.now(), store.modified(f"{folder}/{_MEASURED - 1}"))
    finally:
        remove_trial(store, folder)
    return StoreMeasure(median(took), ahead)


def clock_difference(before: datetime, after: datetime, stamped: datetime) -> float:
    """Seconds by which a clock that stamped something between `before` and `after` is ahead of ours.

    Stores stamp in whole seconds, so what lies within one second of the two is no difference.
    """
    if before - _COARSE <= stamped <= after + _COARSE:
        return 0.0
    return (stamped - (after if stamped > after else before)).total_seconds()


def left_canaries(root: Path, older_than: datetime) -> tuple[Path, ...]:
    """Folders that a process which was killed while it tried the store could not remove."""
    before = older_than.timestamp()
    return tuple(sorted(Path(e.path) for e in os.scandir(root) if e.name.startswith(_PREFIX) and _mtime(e) < before))


def _mtime(entry: "os.DirEntry[str]") -> float:
    try:
        return entry.stat().st_mtime
    except FileNotFoundError:  # its process has just removed it
        return math.inf


def new_trial() -> str:
    """Name of a folder for a trial, which no listing of tables shows."""
    return f"{_PREFIX}{uuid.uuid4().hex}"


def _prove_create(store: Store, table: str) -> None:
    probe = f"{table}/conditional-create"
    if not store.create(probe, b"first") or store.create(probe, b"second"):
        msg = f"{store.root} lets two writers create one object: exactly once cannot be kept on this store"
        raise UnsafeStoreError(msg)


def _prove_commit(store: Store, table: str) -> None:
    first = DeltaTable.create(store.uri(table), _SCHEMA)
    second = open_table(store, table)
    _commit(first, 1)
    try:
        _commit(second, 2)
    except CommitFailedError:
        return
    msg = (
        f"deltalake accepted a commit on {store.root} although another with the same appId had landed: "
        "exactly once cannot be kept; use deltalake 1.6.3 and a store with conditional put"
    )
    raise UnsafeStoreError(msg)


def _commit(handle: DeltaTable, version: int) -> None:
    handle.create_write_transaction(
        [], "append", _SCHEMA, commit_properties=CommitProperties(app_transactions=[Transaction(_APP_ID, version)])
    )


def remove_trial(store: Store, table: str) -> None:
    """Removes the folder of a trial with all it holds."""
    if store.local is not None:
        shutil.rmtree(store.local / table, ignore_errors=True)
        return
    for name in store.sizes(table):
        store.delete(f"{table}/{name}")
