"""Failures of reading a data file, told: what is wrong with which file, and what to do about it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from headrace.errors import StoreError, TableDamagedError
from headrace.lake.failures import is_of_the_system, said, store_failure

_REMEDY = (
    "Put the file back from a backup, as a data file never changes once it is written, or make the table anew from "
    "its topic (docs/operations.md, Recover); headrace verify tells of every such file"
)


@contextmanager
def telling_of(path: str) -> Iterator[None]:
    """Around what reads one data file with Arrow.

    Args:
        path: of the file, from the root of the lake on.

    Raises:
        TableDamagedError: the file is not what the log says it is.
        StoreError, AccessDeniedError: it is gone, or cannot be read.
    """
    try:
        yield
    except MemoryError:  # pyarrow's is an ArrowException, too
        raise
    except FileNotFoundError as error:
        msg = f"{path} is gone: run headrace verify"
        raise StoreError(msg) from error
    except (OSError, pa.ArrowException) as error:
        if is_of_the_system(error):
            raise store_failure(error, f"reading {path}") from error
        raise damage(path, said(error)) from error


def damage(what: str, why: str) -> TableDamagedError:
    """The failure of a file that is not what the log says it is.

    Args:
        what: the file, from the root of the lake on.
        why: what is wrong with it.
    """
    return TableDamagedError(f"{what} is not what the log says it is: {why}. {_REMEDY}")
