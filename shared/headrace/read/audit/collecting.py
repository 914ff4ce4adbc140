"""Frames read now, in bounded memory, with failures that a caller of Headrace knows."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from headrace.errors import StoreError
from headrace.lake.failures import store_failure
from headrace.read.rows import refuse_damage


def collected(frame: pl.LazyFrame, doing: str) -> pl.DataFrame:
    """What a frame holds.

    Args:
        frame: of tables.
        doing: what for, in words.

    Raises:
        FileDamagedError: a file is not what the log says it is.
        StoreError, AccessDeniedError: a file is gone or cannot be read.
    """
    return all_collected([frame], doing)[0]


def all_collected(frames: list[pl.LazyFrame], doing: str) -> list[pl.DataFrame]:
    """Likewise of several frames; what they share is read once.

    Raises:
        FileDamagedError: a file is not what the log says it is.
        StoreError, AccessDeniedError: a file is gone or cannot be read.
    """
    with _told(doing):
        return pl.collect_all(frames, engine="streaming")


def written(frame: pl.LazyFrame, path: Path) -> None:
    """Writes what a frame holds to a Parquet file, as it is read.

    Raises:
        FileDamagedError: a file is not what the log says it is.
        StoreError, AccessDeniedError: a file is gone, or one cannot be read or written.
    """
    with _told(f"writing {path}"):
        frame.sink_parquet(path)


@contextmanager
def _told(doing: str) -> Iterator[None]:
    """Failures of polars in our words."""
    try:
        yield
    except FileNotFoundError as error:
        msg = f"a file of that version is gone ({error}): it was vacuumed, or run headrace verify"
        raise StoreError(msg) from error
    except (OSError, pl.exceptions.ComputeError, pl.exceptions.PanicException) as error:
        if not isinstance(error, OSError):
            refuse_damage(error, doing)
        raise store_failure(error, doing) from error
