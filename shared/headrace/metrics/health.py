"""Whether a process lives and is ready, judged by its own loop alone.

A broker or a store that does not answer is no reason to restart the process that waits for it.
"""

from enum import StrEnum

from headrace.clock import Clock


class State(StrEnum):
    """What a process is doing."""

    STARTING = "starting"
    RUNNING = "running"
    DRAINING = "draining"
    STOPPED = "stopped"
    FAILED = "failed"


class Health:
    """Kept by the loop, read by whoever probes: each method is one read or write of a name, safe from any thread.

    Args:
        clock: time.
        stall_seconds: a loop that has not turned for longer is dead.
    """

    def __init__(self, clock: Clock, *, stall_seconds: float) -> None:
        self._clock = clock
        self._stall_seconds = stall_seconds
        self._state = State.STARTING
        self._ticked: float | None = None

    @property
    def state(self) -> State:
        """What the process is doing."""
        return self._state

    def enter(self, state: State) -> None:
        """Says what the process is doing from now on."""
        self._state = state

    def tick(self) -> None:
        """Called at every turn of the loop."""
        self._ticked = self._clock.monotonic()

    def started(self) -> bool:
        """Whether the loop has turned once."""
        return self._ticked is not None

    def live(self) -> bool:
        """Whether the loop still turns; a process that has yet to start it is alive."""
        ticked = self._ticked
        if self._state is State.FAILED:
            return False
        return ticked is None or self._clock.monotonic() - ticked <= self._stall_seconds

    def ready(self) -> bool:
        """Whether the process does its work: started, alive, and not told to stop."""
        return self._state is State.RUNNING and self.started() and self.live()
