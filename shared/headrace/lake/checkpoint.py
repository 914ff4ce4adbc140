"""Repair of a checkpoint that power loss tore.

A checkpoint is written without fsync by the library; a crash can leave zero or torn bytes behind a hint that names
them, and no reader opens the table then, although the JSON commits say everything.
"""

import json
import re
from contextlib import suppress
from dataclasses import dataclass

from headrace.errors import WrongTableError
from headrace.lake.store import Store

_PARQUET_MAGIC = b"PAR1"
_SUFFIX = ".checkpoint.parquet"
_HINT = "_last_checkpoint"
_COMMIT = re.compile(r"\d{20}\.json")


def mend_checkpoint(store: Store, table: str) -> str | None:
    """Removes the newest checkpoint and the hint if it is broken or gone and its JSON commits are all there.

    Returns:
        The path that was removed, or None if nothing was wrong.

    Raises:
        WrongTableError: it is broken and commits before it are gone.
        StoreError, AccessDeniedError: the log cannot be listed or changed.
    """
    broken = broken_checkpoint(store, table)
    if broken is not None:
        # The hint first: without it readers list the log and would meet the broken file, with it alone they fail too.
        store.delete(f"{table}/_delta_log/{_HINT}")
        store.delete(broken)
    return broken


def broken_checkpoint(store: Store, table: str) -> str | None:
    """The path of the newest checkpoint if it is broken and its JSON commits are all there; changes nothing.

    Of a checkpoint that is gone, although the hint names it, the path is that of the hint.

    Raises:
        WrongTableError: it is broken and commits before it are gone.
        StoreError, AccessDeniedError: the log cannot be listed or read.
    """
    folder = f"{table}/_delta_log"
    sizes = store.sizes(folder)
    checkpoints = sorted(name for name in sizes if name.endswith(_SUFFIX))
    hinted = _hinted(store, f"{folder}/{_HINT}") if _HINT in sizes else None
    gone = hinted is not None and hinted not in sizes and (not checkpoints or hinted > checkpoints[-1])
    if hinted is not None and gone:
        checkpoints.append(hinted)
        sizes[hinted] = 0
    if not checkpoints or _readable(store, f"{folder}/{checkpoints[-1]}", sizes[checkpoints[-1]]):
        return None
    name = checkpoints[-1]
    older = [c for c in reversed(checkpoints[:-1]) if _readable(store, f"{folder}/{c}", sizes[c])]
    base = int(older[0][:20]) if older else 0
    if any(f"{version:020d}.json" not in sizes for version in range(base, int(name[:20]) + 1)):
        msg = f"{store.uri(table)}: checkpoint {name} is broken and commits before it are gone; restore a backup"
        raise WrongTableError(msg)
    return f"{folder}/{_HINT if gone else name}"


def newest_checkpoint(store: Store, table: str) -> int:
    """Version of the checkpoint that the hint names; -1 if there is none, or the hint cannot be read.

    Raises:
        StoreError, AccessDeniedError: the store failed.
    """
    with suppress(FileNotFoundError):
        name = _hinted(store, f"{table}/_delta_log/{_HINT}")
        return -1 if name is None else int(name[:20])
    return -1


def _hinted(store: Store, path: str) -> str | None:
    """Name of the checkpoint that the hint names; None where it cannot be read, and then nobody follows it."""
    try:
        hint = json.loads(store.read(path))
        return None if hint.get("parts") else f"{int(hint['version']):020d}{_SUFFIX}"
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


@dataclass(frozen=True, slots=True)
class LogTail:
    """What whoever opens a table reads commit by commit.

    Attributes:
        commits: how many there are since the newest checkpoint.
        empty: paths of those that hold nothing: power loss took it before it was durable, so nobody was told of it.
    """

    commits: int
    empty: tuple[str, ...]


def log_tail(store: Store, table: str) -> LogTail:
    """Looks at the commits since the newest checkpoint.

    Raises:
        StoreError, AccessDeniedError: the log cannot be listed.
    """
    folder = f"{table}/_delta_log"
    sizes = store.sizes(folder)
    checkpoint = max((int(name[:20]) for name in sizes if name.endswith(_SUFFIX)), default=-1)
    commits = [name for name in sizes if _COMMIT.fullmatch(name) and int(name[:20]) > checkpoint]
    return LogTail(len(commits), tuple(sorted(f"{folder}/{name}" for name in commits if sizes[name] == 0)))


def _readable(store: Store, path: str, size: int) -> bool:
    if size < 2 * len(_PARQUET_MAGIC):
        return False
    data = store.read(path)
    return data.startswith(_PARQUET_MAGIC) and data.endswith(_PARQUET_MAGIC)
