"""Holding up one thread of a worker, for as long as a test likes."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from headrace.kafka.consumer import Poll
from headrace.testing.waiting import PATIENCE_SECONDS
from headrace_ingest.ports import Consumer


@dataclass
class Gate:
    """Holds whoever comes by until it is opened."""

    reached: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)

    def hold(self) -> None:
        self.reached.set()
        self.pass_through()

    def pass_through(self) -> None:
        assert self.opened.wait(2 * PATIENCE_SECONDS), "the gate was never opened"

    def await_reached(self, what: str) -> None:
        """Returns when somebody is held; `what` says in words when that is."""
        assert self.reached.wait(PATIENCE_SECONDS), what


def before_polls(consumer: Consumer, act: Callable[[], object]) -> None:
    """From now on calls `act` before each poll of this one member, on the thread that polls."""
    poll = consumer.poll

    def polled(limit: int, timeout: float) -> Poll:
        act()
        return poll(limit, timeout)

    consumer.poll = polled  # type: ignore[method-assign]  # of this one member


def freeze_polls(consumer: Consumer, gate: Gate) -> None:
    """The consuming thread stands still, too, as soon as the gate holds somebody."""

    def freeze() -> None:
        if gate.reached.is_set():
            gate.pass_through()

    before_polls(consumer, freeze)
