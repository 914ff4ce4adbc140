"""Rewriting files in a process of its own: what takes much memory or time takes it from nobody else.

The child writes a file that no log names, and says which. Whatever ends it early leaves at most that file, which the
search for orphans deletes; the commit is made by the parent, which holds the lease.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext
from pathlib import Path
from threading import Thread
from typing import Literal

import psutil

from headrace.errors import HeadraceError, MergeLostError
from headrace.lake.datafile import FileLayout
from headrace.lake.failures import is_of_the_store, store_failure
from headrace.lake.store import Store
from headrace.lake.upkeep.compaction import Merge, Rewritten, rewrite_files
from headrace.sections import MIB

# Rewriting reaches a GiB within seconds: looked at so often, it exceeds its limit by some tens of MiB.
_LOOK_SECONDS = 0.02
_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})


@dataclass(frozen=True, slots=True)
class Limits:
    """What one rewrite may use.

    Attributes:
        memory: resident bytes of its process, libraries included.
        seconds: how long it may take.
    """

    memory: int
    seconds: float


LostReason = Literal["memory", "time", "killed"]


@dataclass(frozen=True, slots=True)
class Lost:
    """A rewrite that did not come to its end.

    Attributes:
        reason: which limit ended it; `killed` if it was something else.
        told: the same in words.
    """

    reason: LostReason
    told: str


_Answer = Rewritten | Lost | HeadraceError


@dataclass(frozen=True)
class ChildRewriter:
    """Rewrites files, each merge in a child that is ended when it exceeds its limits.

    Args:
        store: where the tables lie.
        limits: of one merge.
        lives: called again and again while one is at work.
    """

    store: Store
    limits: Limits
    lives: Callable[[], None]

    def rewrite(self, layout: FileLayout, merge: Merge, beat: Callable[[], None]) -> Rewritten | Lost:
        """`rewrite_files` in a child.

        Args:
            layout: of the table's files.
            merge: what is rewritten.
            beat: called like `lives`; what it raises ends the child.

        Raises:
            MergeLostError: the process could not be started.
            HeadraceError: what `rewrite_files` raised.
        """
        forks = _forks()
        receiving, sending = forks.Pipe(duplex=False)
        child = forks.Process(target=_work, args=(sending, self.store.root, layout, merge), daemon=True)
        with receiving:
            try:
                with sending, _signals_held():
                    child.start()
            except (OSError, EOFError) as error:
                msg = f"the process of a merge of {layout.table} could not be started ({error!r}); nothing was changed"
                raise MergeLostError(msg) from error
            process = _process(child.pid)
            try:
                return self._await(receiving, process, beat)
            finally:
                # Its number may be another's by now: that of one that has ended is free at once.
                if process is not None:
                    with suppress(psutil.NoSuchProcess):
                        process.kill()
                child.join()
                child.close()

    def _await(
        self, receiving: "Connection[None, _Answer]", child: psutil.Process | None, beat: Callable[[], None]
    ) -> Rewritten | Lost:
        ends = time.monotonic() + self.limits.seconds
        while True:
            if _resident(child) > self.limits.memory:
                return Lost("memory", f"it needed more than {self.limits.memory // MIB} MiB of memory")
            if time.monotonic() > ends:
                return Lost("time", f"it took more than {self.limits.seconds / 60:g} minutes")
            self.lives()
            beat()
            # The pipe is readable when there is an answer, and when the child has gone without one.
            if wait([receiving], _LOOK_SECONDS):
                break
        try:
            answer = receiving.recv()
        except EOFError:
            return Lost(
                "killed", "its process was killed or crashed: its last words on stderr or the kernel's log tell"
            )
        if isinstance(answer, HeadraceError):
            raise answer
        return answer


def _forks() -> ForkServerContext:
    """Starts processes by forking one that has imported what a merge needs: in 0.01 s instead of 0.7 s.

    The first start waits for that one. If it is gone, the next start begins another.
    """
    forks = get_context("forkserver")
    # Each child runs the script that its parent was started by, of which this is the most.
    forks.set_forkserver_preload(["headrace_cli.main", __name__])
    return forks


def _process(number: int | None) -> psutil.Process | None:
    """The process of that number, or None if it has ended."""
    try:
        return psutil.Process(number)
    except psutil.NoSuchProcess:
        return None


def _resident(child: psutil.Process | None) -> int:
    try:
        return 0 if child is None else child.memory_info().rss
    except psutil.NoSuchProcess:
        return 0


@contextmanager
def _signals_held() -> Iterator[None]:
    """Who is started in here never gets the signals that stop the parent: it ends the job at hand first.

    A merge has them held back like the process that it is forked from, which the first merge starts in here.
    """
    resource_tracker.ensure_running()  # would be started within, and let the signals in again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(sending: "Connection[_Answer, None]", root: str, layout: FileLayout, merge: Merge) -> None:
    """The child. A defect ends it with a traceback, and the parent without an answer."""
    Thread(target=_end_with_parent, daemon=True).start()
    _step_back()
    answer: _Answer
    try:
        answer = rewrite_files(Store(root), layout, merge)
    except MemoryError as error:
        answer = Lost("memory", f"it got no more memory: {error}")
    except Exception as error:
        if not isinstance(error, HeadraceError) and not is_of_the_store(error):
            raise
        answer = store_failure(error, f"merging files of {layout.table}")
    sending.send(answer)


def _step_back() -> None:
    """Workers on the same machine come first, and where memory is short the kernel ends this process first."""
    os.nice(10)
    with suppress(OSError):  # not on Linux
        Path("/proc/self/oom_score_adj").write_text("1000")


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
