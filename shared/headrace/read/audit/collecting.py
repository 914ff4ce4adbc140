"""Frames read now, in bounded memory, with failures that a caller of Headrace knows."""

from pathlib import Path

import polars as pl

from headrace.errors import StoreError
from headrace.lake.failures import store_failure


def collected(frame: pl.LazyFrame, doing: str) -> pl.DataFrame:
    """What a frame holds.

    Args:
        frame: of tables.
        doing: what for, in words.

    Raises:
        StoreError, AccessDeniedError: a file is gone or cannot be read.
    """
    return all_collected([frame], doing)[0]


def all_collected(frames: list[pl.LazyFrame], doing: str) -> list[pl.DataFrame]:
    """Likewise of several frames; what they share is read once.

    Raises:
        StoreError, AccessDeniedError: a file is gone or cannot be read.
    """
    try:
        return pl.collect_all(frames, engine="streaming")
    except FileNotFoundError as error:
        raise file_gone(error) from error
    except (OSError, pl.exceptions.ComputeError) as error:
        raise store_failure(error, doing) from error


def file_gone(error: FileNotFoundError) -> StoreError:
    """The failure of a version of which a file is no longer there."""
    msg = f"a file of that version is gone ({error}): it was vacuumed, or run headrace verify"
    return StoreError(msg)


def written(frame: pl.LazyFrame, path: Path) -> None:
    """Writes what a frame holds to a Parquet file, as it is read.

    Raises:
        StoreError, AccessDeniedError: a file is gone, or one cannot be read or written.
    """
    try:
        frame.sink_parquet(path)
    except FileNotFoundError as error:
        raise file_gone(error) from error
    except (OSError, pl.exceptions.ComputeError) as error:
        raise store_failure(error, f"writing {path}") from error
