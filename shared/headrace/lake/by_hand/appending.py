"""Rows added to a table, or put in the place of all that it has."""

import time

from headrace.errors import CommitTimeoutError
from headrace.lake.by_hand.committing import Change, check_same, make
from headrace.lake.by_hand.opening import opened_to_write
from headrace.lake.by_hand.rows import Rows, fitted, sources_of
from headrace.lake.by_hand.writing import changed, columns_of, layout_of, write_rows
from headrace.lake.datafile import DataFile
from headrace.lake.latest.live import LiveFiles, addition
from headrace.lake.log import DeltaLog
from headrace.lake.store import Store

_APPENDING = "append rows"
_REPLACING = "replace rows"


def append(store: Store, table: str, rows: Rows, *, once: str | None = None) -> int:
    """Adds rows; readers see none of them, or all. Returns the version that has them.

    Args:
        store: where the table lies.
        table: its folder.
        rows: a frame, or Parquet files. A column that they lack is null.
        once: name of these rows: where rows of that name were appended before, nothing is done. For jobs that are
            tried again.

    Raises:
        ConfigError: there is no such table, or no rows to be had.
        WrongTableError: workers fill it, or another tool gave it what is not known here.
        RowsRefusedError: columns or values do not fit; nothing was written.
        CommitTimeoutError: other commits kept coming first.
        StoreError, AccessDeniedError: the store failed; the rows are in the table, all of them, or none.
    """
    log = opened_to_write(store, table, _APPENDING)
    txns = {} if once is None else {once_id(once): 1}
    if _has(log, txns):
        return log.version
    files = _written(log, rows)

    def plan(newest: DeltaLog) -> Change | None:
        if _has(newest, txns) or not (files or txns):
            return None
        check_same(log, newest)
        return Change("append", "WRITE", list(map(addition, files)), txns, changed(files))

    return make(store, table, _APPENDING, plan)


def replace_rows(store: Store, table: str, rows: Rows, *, if_version: int | None = None) -> int:
    """Puts rows in the place of all that are there; older versions still have those. Returns the version.

    Args:
        store: where the table lies.
        table: its folder.
        rows: a frame, or Parquet files. A column that they lack is null.
        if_version: only while this is the newest version: of rows that were made of it, nothing is lost then that came
            meanwhile.

    Raises:
        ConfigError: there is no such table, or no rows to be had.
        WrongTableError: workers fill it, or another tool gave it what is not known here.
        RowsRefusedError: columns or values do not fit; nothing was written.
        CommitTimeoutError: other commits kept coming first, or `if_version` is not the newest.
        StoreError, AccessDeniedError: the store failed; all rows were replaced, or none.
    """
    log = opened_to_write(store, table, _REPLACING)
    _check_version(log, if_version)
    files = _written(log, rows)

    def plan(newest: DeltaLog) -> Change:
        check_same(log, newest)
        _check_version(newest, if_version)
        now = time.time_ns() // 1_000_000
        gone = [file.removal(now) for file in LiveFiles(store, table, latest=False).at(newest.version)]
        return Change("replace", "WRITE", [*gone, *map(addition, files)], note=changed(files))

    return make(store, table, _REPLACING, plan)


def _check_version(log: DeltaLog, wanted: int | None) -> None:
    if wanted is not None and log.version != wanted:
        msg = f"{log.table} is at version {log.version} and no longer at {wanted}: nothing was replaced, read it again"
        raise CommitTimeoutError(msg)


def once_id(name: str) -> str:
    """The `appId` under which it is noted that rows of a name were appended: 1, or 0 if they were taken back."""
    return f"headrace/once/{name}"


def _has(log: DeltaLog, txns: dict[str, int]) -> bool:
    return any(log.txn(app_id) == 1 for app_id in txns)


def _written(log: DeltaLog, rows: Rows) -> list[DataFile]:
    batches = fitted(sources_of(rows), columns_of(log))
    return write_rows(log.store, layout_of(log), batches)
