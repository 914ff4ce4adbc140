"""What a failing store or a refused commit means.

deltalake and obstore tell most causes only in the text of their errors; on a local disk it ends in `os error N`.
"""

import errno
import re

from deltalake.exceptions import CommitFailedError, DeltaError

from headrace.errors import AccessDeniedError, HeadraceError, StoreError

_OS_ERROR = re.compile(r"os error (\d+)")
_BACKTRACE = re.compile(r"\n +0: .*", re.DOTALL)
_DUMPED_LOG_FILE = re.compile(r'ParsedLogPath \{.*?filename: "([^"]*)".*?file_type: \w+(?: \{[^}]*\})? \}')
_TERMINAL_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def is_conflict(error: BaseException) -> bool:
    """Whether a commit lost against another one (or against itself, on a store that lied about the outcome)."""
    return isinstance(error, CommitFailedError)


def is_of_the_store(error: BaseException) -> bool:
    """Whether the store, or deltalake on it, raised this; anything else is a defect of the program."""
    return isinstance(error, DeltaError | OSError)


def store_failure(error: BaseException, doing: str) -> HeadraceError:
    """`error` in our words, with what to do about it.

    Args:
        error: what the store or deltalake raised.
        doing: the action that failed, such as "writing /lake/trades/x.parquet".
    """
    if isinstance(error, HeadraceError):
        return error
    text = f"{doing} failed: {said(error)}"
    number = _errno(error)
    if number in _FULL:
        return StoreError(f"{text}. The disk is full: free space and start again; nothing was lost.")
    if number in _DENIED:
        return AccessDeniedError(
            f"{text}. The folder is read-only or belongs to another user: give this process the right to write there; "
            "nothing was lost."
        )
    return StoreError(f"{text}. Nothing was lost; started again, it goes on from what the tables hold.")


def said(error: BaseException) -> str:
    """The chain of causes on one line; deltalake adds backtraces, and obstore dumps of its values."""
    text = _TERMINAL_COLOURS.sub("", str(error)).partition("\n\nDebug source:")[0]
    text = _DUMPED_LOG_FILE.sub(r"\1", _BACKTRACE.sub("", text))
    causes = [line.strip().removeprefix("↳").strip() for line in text.splitlines()]
    return ": ".join(filter(None, causes)).rstrip(".") or type(error).__name__


def is_of_the_system(error: BaseException) -> bool:
    """Whether it tells a failure of the operating system, such as a full disk; else of what was read."""
    return _errno(error) is not None


def _errno(error: BaseException) -> int | None:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    found = _OS_ERROR.search(str(error))
    return int(found.group(1)) if found else None
