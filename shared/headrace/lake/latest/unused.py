"""Deletion vectors that nobody can need any more."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from headrace.lake.latest.live import Action, LiveFiles, checkpoint_before, checkpointed, committed
from headrace.lake.latest.vectors import FOLDER, vector_of
from headrace.lake.store import Store


def unused_vectors(
    store: Store, table: str, version: int, *, before: datetime, versions: Iterable[int] = ()
) -> dict[str, int]:
    """Files of vectors that no version within the retention names: bytes by their paths.

    A checkpoint remembers what left the table for as long as files are kept, and no commit names a vector of an earlier
    one again. So what neither the checkpoint nor a later commit names has been left for that long.

    Args:
        store: where the table lies.
        table: its folder.
        version: its newest.
        before: aware; what was written later is left alone: the commit that names it may be yet to come.
        versions: older ones that stay readable.

    Raises:
        StoreError, AccessDeniedError: the table cannot be read.
    """
    lying = store.listing(f"{table}/{FOLDER}")
    old = {f"{FOLDER}/{name}": found.size for name, found in lying.items() if found.modified < before}
    if not old:
        return {}
    needed = set(_named(_actions(store, table, version)))
    for kept in versions:
        files = LiveFiles(store, table).at(kept)
        needed |= {file.vector.path for file in files if file.vector is not None}
    return {path: size for path, size in old.items() if path not in needed}


def _actions(store: Store, table: str, version: int) -> Iterator[Action]:
    newest = checkpoint_before(store, table, version)
    yield from checkpointed(store, table, newest, "add", "remove")
    for made in range(newest + 1, version + 1):
        yield from committed(store, table, made)


def _named(actions: Iterable[Action]) -> Iterator[str]:
    for action in actions:
        for kind in ("add", "remove"):
            vector = vector_of((action.get(kind) or {}).get("deletionVector"))
            if vector is not None:
                yield vector.path
