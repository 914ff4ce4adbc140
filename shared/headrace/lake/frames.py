"""Frames of snapshots read now, with failures that a caller of Headrace knows."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from headrace.errors import HeadraceError, StoreError
from headrace.lake.damage import damage
from headrace.lake.failures import said, store_failure

if TYPE_CHECKING:
    from headrace.lake.snapshot import Snapshot


def collected(frame: pl.LazyFrame, *read: "Snapshot") -> pl.DataFrame:
    """What a frame holds, in bounded memory.

    Args:
        frame: of tables.
        read: what it reads.

    Raises:
        TableDamagedError: a file is not what the log says it is.
        StoreError, AccessDeniedError: a file is gone or cannot be read.
    """
    return all_collected([frame], *read)[0]


def all_collected(frames: Sequence[pl.LazyFrame], *read: "Snapshot") -> list[pl.DataFrame]:
    """Likewise of several frames; what they share is read once.

    Raises:
        TableDamagedError: a file is not what the log says it is.
        StoreError, AccessDeniedError: a file is gone or cannot be read.
    """
    with telling(lambda: read):
        return pl.collect_all(frames, engine="streaming")


def written(frame: pl.LazyFrame, path: Path, *read: "Snapshot") -> None:
    """Writes what a frame holds to a Parquet file, as it is read.

    Raises:
        TableDamagedError: a file is not what the log says it is.
        StoreError, AccessDeniedError: a file is gone, or one cannot be read or written.
    """
    with telling(lambda: read, f"writing {path}"):
        frame.sink_parquet(path)


@contextmanager
def telling(read: Callable[[], Sequence["Snapshot"]], doing: str | None = None) -> Iterator[None]:
    """Around what collects a frame.

    Args:
        read: what the frame reads; called after a failure only.
        doing: in words; by default that it is read.

    Raises:
        TableDamagedError: a file is not what the log says it is.
        StoreError, AccessDeniedError: one is gone, or cannot be read.
    """
    try:
        yield
    except (OSError, pl.exceptions.ComputeError, pl.exceptions.PanicException) as error:
        told = _told(error, read(), doing)
        if told is None:
            raise
        raise told from error


def _told(error: BaseException, read: Sequence["Snapshot"], doing: str | None) -> HeadraceError | None:
    tables = " and ".join(dict.fromkeys(snapshot.table for snapshot in read))
    if isinstance(error, FileNotFoundError):
        return StoreError(f"a file of {tables} is gone ({said(error)}): it was vacuumed, or run headrace verify")
    if isinstance(error, OSError):
        return store_failure(error, doing or f"reading {tables}")
    # polars panics on a file that is shorter than the log says, and names no file that it cannot understand.
    if isinstance(error, pl.exceptions.PanicException) or str(error).startswith("parquet: "):
        found = next((unlike for snapshot in read for unlike in snapshot.unlike_log()), None)
        return damage(*found) if found else damage(f"a file of {tables}", said(error))
    return None
