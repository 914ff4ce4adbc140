"""A start-up proof, on the store itself, that a conflicting commit is refused.

Everything rests on two properties that some stores and some library versions lack: a conditional create lets exactly
one writer through, and deltalake refuses a commit whose `appId` was committed since the writer's snapshot.
"""

import shutil
import uuid

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError

from headrace.errors import UnsafeStoreError
from headrace.lake.failures import store_failure
from headrace.lake.log import open_table
from headrace.lake.store import Store

_APP_ID = "headrace/canary"
_SCHEMA = Schema.from_arrow(pa.schema([pa.field("x", pa.int64())]))


def prove_conflicts(store: Store) -> None:
    """Creates a table beside the real ones, commits to it from two handles, and removes it.

    Raises:
        UnsafeStoreError: the second conditional create or the second commit was accepted.
        StoreError, AccessDeniedError: the store cannot be written.
    """
    table = f".headrace-canary-{uuid.uuid4().hex}"
    try:
        _prove_create(store, table)
        _prove_commit(store, table)
    except (DeltaError, OSError) as error:
        raise store_failure(error, f"writing a test table under {store.root}") from error
    finally:
        _remove(store, table)


def _prove_create(store: Store, table: str) -> None:
    probe = f"{table}/conditional-create"
    if not store.create(probe, b"first") or store.create(probe, b"second"):
        msg = f"{store.root} lets two writers create one object: exactly once cannot be kept on this store"
        raise UnsafeStoreError(msg)


def _prove_commit(store: Store, table: str) -> None:
    DeltaTable.create(store.uri(table), _SCHEMA)
    first, second = open_table(store, table), open_table(store, table)
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


def _remove(store: Store, table: str) -> None:
    if store.local is not None:
        shutil.rmtree(store.local / table, ignore_errors=True)
        return
    for name in store.sizes(table):
        store.delete(f"{table}/{name}")
