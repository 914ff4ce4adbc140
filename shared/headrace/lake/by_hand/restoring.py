"""An earlier version of a table as its newest one: a commit like any other, and what is undone stays readable."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from headrace.clock import SystemClock
from headrace.errors import ConfigError, HeadraceError, InvariantError
from headrace.lake.by_hand.appending import once_id
from headrace.lake.by_hand.committing import Change, make
from headrace.lake.by_hand.opening import by_whom, opened_to_write
from headrace.lake.latest.live import Action, LiveFile, LiveFiles
from headrace.lake.log import DeltaLog
from headrace.lake.metadata import actions_up_to, metadata_at
from headrace.lake.store import Store
from headrace.lake.upkeep.lease import take_lease

_RESTORING = "restore an older version"
_ONCE = once_id("")


def restore(store: Store, table: str, version: int) -> int:
    """Makes the table say what it said at `version`: rows, columns, and which named appends it has.

    Returns:
        The version that was made; the newest if that says the same already.

    Raises:
        ConfigError: there is no such table or version, or files of it were deleted since.
        WrongTableError: workers fill it, or another tool gave it what is not known here.
        MaintenanceHeldError: a process maintains it now.
        CommitTimeoutError: other commits kept coming first.
        StoreError, AccessDeniedError: the store failed; the table is as it was, or restored.
    """

    def plan(newest: DeltaLog) -> Change | None:
        if not 0 <= version <= newest.version:
            msg = f"{table} has no version {version}: it has 0 to {newest.version}"
            raise ConfigError(msg)
        now = time.time_ns() // 1_000_000
        files = {file.path: file for file in LiveFiles(store, table, latest=False).at(newest.version)}
        then = {file.path: file for file in _files_at(store, table, version)}
        _check_there(store, table, version, [path for path in then if path not in files])
        actions = [
            *_metadata(store, table, version, newest.version),
            *(file.removal(now) for path, file in files.items() if path not in then),
            *(_again(file, now) for path, file in then.items() if path not in files),
        ]
        txns = _named_appends(store, table, version, newest.version)
        return Change("restore", "RESTORE", actions, txns, {"restored": version}) if actions or txns else None

    opened_to_write(store, table, _RESTORING)
    with _undeleted(store, table):
        return make(store, table, _RESTORING, plan)


@contextmanager
def _undeleted(store: Store, table: str) -> Iterator[None]:
    """Files that were found stay until they are part of the table again: who deletes any holds the lease."""
    try:
        lease = take_lease(store, table, by_whom(), SystemClock())
    except InvariantError:
        lease = None  # nobody deletes anything until a person has looked
    try:
        yield
    finally:
        if lease is not None:
            with suppress(HeadraceError):  # the table is restored; the lease lapses
                lease.release()


def _files_at(store: Store, table: str, version: int) -> list[LiveFile]:
    try:
        return list(LiveFiles(store, table, latest=False).at(version))
    except FileNotFoundError:
        msg = f"version {version} of {table} cannot be read any more: its log was cleaned up since"
        raise ConfigError(msg) from None


def _check_there(store: Store, table: str, version: int, paths: list[str]) -> None:
    gone = [path for path in paths if store.size(f"{table}/{path}") is None]
    if gone:
        msg = (
            f"version {version} of {table} cannot be restored: {len(gone)} of its files were deleted, such as {gone[0]}"
        )
        raise ConfigError(msg)


def _again(file: LiveFile, now: int) -> Action:
    action = {
        "path": file.removal(now)["remove"]["path"],
        "partitionValues": file.values,
        "size": file.size,
        "modificationTime": now,
        "dataChange": True,
        "stats": json.dumps(file.stats),
    }
    return {"add": action}


def _metadata(store: Store, table: str, version: int, newest: int) -> Iterator[Action]:
    """The columns of then, where they are others; properties stay."""
    then, now = (metadata_at(store, table, at) for at in (version, newest))
    if then["schemaString"] != now["schemaString"]:
        yield {"metaData": {**now, "schemaString": then["schemaString"]}}


def _named_appends(store: Store, table: str, version: int, newest: int) -> Mapping[str, int]:
    """What is to be noted of named appends, so that those which are undone can be made again, and no others."""
    then, now = (_once(store, table, at) for at in (version, newest))
    return {app_id: then.get(app_id, 0) for app_id, landed in now.items() if landed != then.get(app_id, 0)}


def _once(store: Store, table: str, version: int) -> dict[str, int]:
    told = (action["txn"] for action in actions_up_to(store, table, version, "txn"))
    return {txn["appId"]: txn["version"] for txn in told if txn["appId"].startswith(_ONCE)}
