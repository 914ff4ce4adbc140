"""Every durable effect of a worker, as a list of calls in which a test can make one fail, crash or freeze.

The worker itself is not changed: what it calls is wrapped, at the edge of the process.
"""

import errno
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar

import obstore
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError

import headrace.lake.canary
import headrace_ingest.worker
from headrace.testing.memory_broker import MemoryConsumer


class Crash(BaseException):
    """The process dies here: no handler of the worker may catch it."""


P = ParamSpec("P")
R = TypeVar("R")

ANY = "any effect"
Moment = Literal["before", "after"]
MOMENTS: tuple[Moment, Moment] = ("before", "after")


@dataclass(frozen=True)
class Fault:
    """What happens around one call.

    Attributes:
        effect: name of the effect, or ANY.
        nth: which call of it, from 1.
        when: before the call, or after it has taken effect.
        act: raises, or blocks.
    """

    effect: str
    nth: int
    when: Moment
    act: Callable[[], None]


@dataclass
class Effects:
    """The calls so far, and the faults to come. Used by several threads."""

    calls: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    happened: int = 0
    dead: bool = False
    synced: list[Path] = field(default_factory=list)
    _counts: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def plan(self, *faults: Fault) -> None:
        """Forgets the calls so far; from here on `faults` happen, each once."""
        self.calls, self.faults, self.happened, self.dead = [], list(faults), 0, False
        self._counts.clear()

    def sync(self, handle: int) -> None:
        """Takes it for durable from here on: `lose_power` knows what is not, and the disk need not be waited for."""
        self.synced.append(Path(f"/proc/self/fd/{handle}").readlink())

    def lose_power(self, root: Path, *, torn: bool) -> int:
        """What was never made durable below `root` is gone, or is there without its bytes; returns how much."""
        lost = [path for path in root.rglob("*") if path.is_file() and not self._durable(path)]
        for path in lost:
            if torn:
                path.write_bytes(b"")
            else:
                path.unlink()
        return len(lost)

    def _durable(self, path: Path) -> bool:
        """Whether its bytes were synced, and after them the folder that names it."""
        if path not in self.synced:
            return False
        return path.parent in self.synced[self.synced.index(path) :]

    def crash(self) -> None:
        """A fault: nothing has an effect from here on."""
        self.dead = True
        raise Crash

    def wrap(self, real: Callable[P, R], name_of: Callable[P, str]) -> Callable[P, R]:
        """`real` as an effect, named after its arguments."""

        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            name = name_of(*args, **kwargs)
            with self._lock:
                if self.dead:
                    raise Crash
                self.calls.append(name)
                self._counts.update((name, ANY))
                calls = {(name, self._counts[name]), (ANY, self._counts[ANY])}
            self._strike(calls, "before")
            try:
                return real(*args, **kwargs)
            finally:
                self._strike(calls, "after")

        return call

    def _strike(self, calls: set[tuple[str, int]], when: str) -> None:
        with self._lock:
            due = [f for f in self.faults if (f.effect, f.nth) in calls and f.when == when]
            for fault in due:
                self.faults.remove(fault)
                self.happened += 1
        for fault in due:
            fault.act()


def _place(path: str) -> str:
    """What a path is, in words."""
    if ".headrace-canary" in path:
        return "the test table"
    table = "the quarantine" if "__quarantine" in path else "the table"
    if "/_headrace" in path:
        return f"the lease of {table}"
    if path.endswith(".checkpoint.parquet"):
        return f"a checkpoint of {table}"
    if path.endswith("_last_checkpoint"):
        return f"the checkpoint hint of {table}"
    if "/_deletions" in path:
        return f"deleted rows of {table}" if path.endswith(".bin") else f"a folder of {table}"
    if "/_delta_log/" in path:
        return f"version 0 of {table}" if path.endswith(f"{0:020d}.json") else f"a commit to {table}"
    return f"rows of {table}" if path.endswith(".parquet") else f"a folder of {table}"


def _opened(handle: int) -> str:
    return _place(str(Path(f"/proc/self/fd/{handle}").readlink()))


def _commit(handle: DeltaTable, actions: Any, *_: Any, **more: Any) -> str:
    note = (more["commit_properties"].custom_metadata or {}).get("headrace", {})
    return f"commit {note.get('kind', 'to the test table')}"


@contextmanager
def recorded(patch: pytest.MonkeyPatch) -> Iterator[Effects]:
    """Effects of every worker of this process, until the context ends."""
    effects = Effects()
    with patch.context() as local:
        local.setattr(
            obstore, "put", effects.wrap(obstore.put, lambda _store, path, *_a, **_k: f"write {_place(path)}")
        )
        local.setattr(
            obstore,
            "delete",
            effects.wrap(obstore.delete, lambda _store, path, *_a, **_k: f"delete {_place(str(path))}"),
        )
        local.setattr(os, "fsync", effects.wrap(effects.sync, lambda handle: f"sync {_opened(handle)}"))
        local.setattr(
            DeltaTable, "create_write_transaction", effects.wrap(DeltaTable.create_write_transaction, _commit)
        )
        local.setattr(
            DeltaTable, "create_checkpoint", effects.wrap(DeltaTable.create_checkpoint, lambda *_: "checkpoint")
        )
        local.setattr(MemoryConsumer, "commit", effects.wrap(MemoryConsumer.commit, lambda *_: "tell the group"))
        local.setattr(
            headrace.lake.canary,
            "remove_trial",
            effects.wrap(headrace.lake.canary.remove_trial, lambda *_: "remove the test table"),
        )
        yield effects


class InlineExecutor(Executor):
    """Runs at once what is submitted: with it the order of all effects of a run is always the same."""

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        future: Future[R] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


@contextmanager
def in_step(patch: pytest.MonkeyPatch, *, records_per_poll: int) -> Iterator[None]:
    """Within the context every worker does one thing after the other, in small polls."""

    def executor(*_: object, **__: object) -> InlineExecutor:
        return InlineExecutor()

    with patch.context() as local:
        local.setattr(headrace_ingest.worker, "ThreadPoolExecutor", executor)
        local.setattr(headrace_ingest.worker, "_POLL_RECORDS", records_per_poll)
        yield


def chosen(count: int) -> list[int]:
    """The first, the middle and the last of so many calls."""
    return sorted({1, (count + 1) // 2, count})


def raising(error: Exception) -> Callable[[], None]:
    """What a fault does that is an error."""

    def fail() -> None:
        raise error

    return fail


def full_disk(effect: str) -> Exception:
    """What the libraries raise when the disk is full."""
    if effect.startswith(("commit", "checkpoint")):
        return DeltaError("Generic LocalFileSystem error: No space left on device (os error 28)")
    return OSError(errno.ENOSPC, "No space left on device")


def lost_answer(effect: str) -> Exception:
    """What they raise when nobody knows whether it worked."""
    return DeltaError("error sending request") if effect.startswith("commit") else OSError(errno.EIO, "I/O error")


def self_conflict(effect: str) -> Exception:
    """What a commit raises that meets itself, after the store answered late and the library tried again."""
    return CommitFailedError(f"{effect} failed: Concurrent transaction failed")
