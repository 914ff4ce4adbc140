"""A worker at work beside a test."""

import threading
from types import TracebackType
from typing import Self

from headrace.testing.waiting import PATIENCE_SECONDS
from headrace_ingest.worker import Worker


class Running:
    """A worker on a thread of its own; leaving the context stops it and raises what it raised."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)

    def _run(self) -> None:
        try:
            self.worker.run()
        except BaseException as failure:
            self.failure = failure

    def start(self) -> Self:
        self._thread.start()
        return self

    def join(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Waits for the end of a worker that ends by itself; raises what it raised."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"the worker did not end within {seconds:g} s"
        if self.failure is not None:
            raise self.failure

    def stop(self) -> None:
        """As SIGTERM does."""
        self.worker.stop()
        self.join()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def __enter__(self) -> Self:
        return self if self.alive else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.worker.stop()
        if error is None:
            self.join()
