"""Which versions of a table can still be read, and what is missing of the others.

A version needs its part of the log, and every data file and deletion vector that it names. What the newest version
has, too, is never deleted, so only what it no longer has is looked for.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable

from headrace.errors import HeadraceError
from headrace.lake.latest.live import LiveFiles
from headrace.lake.log import committed_at, open_table
from headrace.lake.protocols import masks_rows
from headrace.lake.retention import FILES_PROPERTY, LOG_PROPERTY, TIME_TRAVEL, Retention, retention_of
from headrace.lake.store import Store
from headrace.lake.tables import properties_in
from headrace.lake.upkeep.daily import daily_versions
from headrace.lake.upkeep.logfiles import LogFiles

_AT_ONCE = 16
"""Questions to the store: an object store answers one in some 20 ms."""


def what_is_gone(store: Store, table: str, handle: DeltaTable, newest: DeltaTable) -> str | None:
    """A file that the version of `handle` needs and that is no longer there; None if all are.

    Args:
        store: where the table lies.
        table: its folder.
        handle: on an older version.
        newest: on the newest.

    Raises:
        StoreError, AccessDeniedError: the store cannot be asked.
    """
    left = sorted(_named(store, table, handle) - _named(store, table, newest))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        sizes = pool.map(lambda path: store.size(f"{table}/{path}"), left)
        return next((path for path, size in zip(left, sizes, strict=True) if size is None), None)


def still_readable(store: Store, table: str, newest: DeltaTable, now: datetime, *, asked: int | None = None) -> str:
    """What to say to whoever asked for more: the oldest version that can be read, and what decides that.

    Args:
        store: where the table lies.
        table: its folder.
        newest: a handle on its newest version.
        now: aware.
        asked: the version that cannot be; the last one before it that can is told as well.

    Raises:
        WrongTableError: the table says in words that nobody understands how long it keeps what.
        StoreError, AccessDeniedError: the store cannot be asked.
    """
    kept = retention_of(properties_in(newest), store.uri(table))
    promised = _promised(store, table, kept, now)

    def first(versions: Iterable[int]) -> int | None:
        return next((version for version in versions if _is_readable(store, table, newest, version)), None)

    oldest = first(promised)
    before = None if asked is None else first(version for version in reversed(promised) if version < asked)
    nearest = "" if before is None or before == oldest else f", the last before it {_dated(store, table, before)}"
    daily = "" if kept.daily is None else f"; the last version of each day for {_days(kept.daily)} ({TIME_TRAVEL})"
    return (
        f"The oldest that can be read is version {_dated(store, table, newest.version() if oldest is None else oldest)}"
        f"{nearest}: the log is kept for {_days(kept.log)} ({LOG_PROPERTY}), files that left the table for "
        f"{_days(kept.files)} ({FILES_PROPERTY}){daily}"
    )


def _dated(store: Store, table: str, version: int) -> str:
    made = committed_at(store, table, version)
    return str(version) if made is None else f"{version}, of {made:%Y-%m-%d %H:%M:%S} UTC"


def _days(span: timedelta) -> str:
    return f"{span / timedelta(days=1):g} days"


def _promised(store: Store, table: str, kept: Retention, now: datetime) -> Sequence[int]:
    """Versions that something promises to keep, and the oldest at all; rising."""
    log = LogFiles.of(store.listing(f"{table}/_delta_log"))
    retained = [version for version in sorted(log.commits) if version >= log.readable_from]
    daily = () if kept.daily is None else daily_versions(log, now, kept.daily)
    # Nothing of the version that stood when the retention began, or of a later one, may have been deleted since.
    standing = [version for version in retained if now - log.written(version) >= kept.files]
    return sorted({*retained[:1], *daily, *standing[-1:]})


def _is_readable(store: Store, table: str, newest: DeltaTable, version: int) -> bool:
    try:
        return what_is_gone(store, table, open_table(store, table, version=version), newest) is None
    except (FileNotFoundError, HeadraceError):
        return False


def _named(store: Store, table: str, handle: DeltaTable) -> frozenset[str]:
    """Paths of the data files and deletion vectors of a version."""
    if masks_rows(handle):
        live = LiveFiles(store, table).at(handle.version())
        vectors = {file.vector.path for file in live if file.vector is not None}
        return frozenset({file.path for file in live} | vectors)
    actions = pa.table(handle.get_add_actions()).to_pydict()
    return frozenset(map(unquote, actions["path"]))
