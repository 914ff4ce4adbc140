"""After an exchange of files: whether the log says that, and only that.

deltalake 1.6.4 to 1.6.6 let two overlapping rewrites both commit, and every row was there twice. So the commits since
the snapshot that an exchange was planned on are replayed here in plain Python: the library's state has to be theirs.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable

from headrace.errors import InvariantError
from headrace.lake.log import commit_path, open_table
from headrace.lake.store import Store


@dataclass(frozen=True, slots=True)
class FileSnapshot:
    """The active files of a table at one version, and how many rows the log says each has."""

    table: str
    version: int
    rows: Mapping[str, int | None]


def take_snapshot(store: Store, table: str) -> FileSnapshot:
    """The newest.

    Raises:
        StoreError, AccessDeniedError: the log cannot be read.
    """
    handle = open_table(store, table)
    return FileSnapshot(table, handle.version(), _rows(handle))


def check_exchange(store: Store, before: FileSnapshot, made: int) -> None:
    """Replays what came after `before`, the exchange of version `made` among it.

    1. What the exchange removed was active until then: nobody else had replaced it.
    2. It added as many rows as it removed.
    3. The files and rows that the library sees now are those of `before` with every commit since.

    Raises:
        InvariantError: one of these is not so.
        StoreError, AccessDeniedError: the log cannot be read.
    """
    handle = open_table(store, before.table)
    rows = dict(before.rows)
    for version in range(before.version + 1, handle.version() + 1):
        added, removed = changes_of(store, before.table, version)
        if version == made:
            _check_counts(before.table, version, {path: rows.get(path, -1) for path in removed}, added)
        for path in removed:
            rows.pop(path, None)
        rows |= added
    seen = _rows(handle)
    if rows != seen:
        differing = sorted(path for path in rows.keys() | seen.keys() if rows.get(path, -1) != seen.get(path, -1))
        _violated(before.table, made, f"the library and the commits disagree on {len(differing)} files: {differing[0]}")


def _check_counts(table: str, version: int, removed: Mapping[str, int | None], added: Mapping[str, int | None]) -> None:
    gone = [path for path, count in removed.items() if count == -1]
    if gone:
        _violated(table, version, f"it replaced {gone[0]}, which another commit had replaced before")
    was, now = ([count for count in side.values() if count is not None] for side in (removed, added))
    if len(was) == len(removed) and len(now) == len(added) and sum(was) != sum(now):
        _violated(table, version, f"it turned {sum(was)} rows into {sum(now)}")


def _violated(table: str, version: int, what: str) -> None:
    msg = (
        f"{table}: version {version} of maintenance changed more than it may: {what}. Nothing more is done to this "
        "table; run headrace verify, and restore the version before if it fails"
    )
    raise InvariantError(msg)


def changes_of(store: Store, table: str, version: int) -> tuple[dict[str, int | None], list[str]]:
    """Paths of the files that a commit added, with their number of rows if it says, and of those that it removed.

    Raises:
        FileNotFoundError: it is no longer there.
        StoreError, AccessDeniedError: it cannot be read.
    """
    added: dict[str, int | None] = {}
    removed: list[str] = []
    for line in store.read(commit_path(table, version)).splitlines():
        action: dict[str, Any] = json.loads(line)
        if add := action.get("add"):
            added[unquote(add["path"])] = json.loads(add.get("stats") or "{}").get("numRecords")
        elif remove := action.get("remove"):
            removed.append(unquote(remove["path"]))
    return added, removed


def _rows(handle: DeltaTable) -> dict[str, int | None]:
    actions = pa.table(handle.get_add_actions(flatten=True)).to_pydict()
    paths: list[str] = actions["path"]
    return dict(zip(map(unquote, paths), actions.get("num_records", [None] * len(paths)), strict=True))
