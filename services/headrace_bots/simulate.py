"""The loop that sends: events at their pace, now and then a malformed record, waiting for the tables if need be."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from headrace.clock import Clock
from headrace.contracts import Event, contract_of
from headrace.producer import EventProducer, Outbox
from headrace_bots.pacing import Backlog, Pace
from headrace_bots.poison import Poisoner

# Events between two looks at clock, backlog and stop: a fifth of a second at 1,000 a second, 20 ms at 10,000.
_SLICE = 200
_IDLE_SECONDS = 0.005
_REPORT_SECONDS = 1.0
_FLUSH_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a simulation stands.

    Attributes:
        seconds: since it began.
        events: valid events handed to the producer.
        poison: malformed records sent.
        waited_seconds: spent waiting for tables.
        backlog: records of the partition furthest ahead of its table.
    """

    seconds: float
    events: int
    poison: int
    waited_seconds: float
    backlog: int


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where records go: events through what bots use, malformed ones past it."""

    events: EventProducer
    raw: Outbox

    def serve(self) -> None:
        """Handles outcomes that have arrived."""
        self.events.serve()
        self.raw.serve()

    def flush(self) -> None:
        """Waits for every acknowledgement."""
        self.events.flush(_FLUSH_SECONDS)
        self.raw.flush(_FLUSH_SECONDS)


class Sender:
    """Sends a simulation's events until they end, or until told to stop.

    Args:
        outlets: where to.
        pace: how fast; time spent waiting for tables does not count.
        poisoner: decides after which events a malformed record follows.
        backlog: says when to wait for the tables.
        clock: for pace and progress.
    """

    def __init__(self, outlets: Outlets, pace: Pace, *, poisoner: Poisoner, backlog: Backlog, clock: Clock) -> None:
        self._outlets = outlets
        self._pace = pace
        self._poisoner = poisoner
        self._backlog = backlog
        self._clock = clock
        self._began = clock.monotonic()
        self._events = self._poison = 0
        self._waited = 0.0

    def run(self, events: Iterator[Event], *, report: Callable[[Progress], None], stop: threading.Event) -> Progress:
        """Sends everything and waits for the acknowledgements; calls `report` once a second.

        Raises:
            HeadraceError: a record was lost or the broker does not answer.
        """
        self._began = reported = self._clock.monotonic()
        while not stop.is_set():
            if self._backlog.too_large():
                self._pause(stop)
            elif not self._send_due(events, stop):
                break
            now = self._clock.monotonic()
            if now - reported >= _REPORT_SECONDS:
                reported = now
                report(self.progress())
        self._outlets.flush()
        return self.progress()

    def progress(self) -> Progress:
        """Where it stands."""
        seconds = self._clock.monotonic() - self._began
        return Progress(seconds, self._events, self._poison, self._waited, self._backlog.largest())

    def _send_due(self, events: Iterator[Event], stop: threading.Event) -> bool:
        """Sends a slice of what is due; False when there are no more events."""
        due = self._pace.due(self._clock.monotonic() - self._began - self._waited, self._events)
        if due == 0:
            self._outlets.serve()
            stop.wait(_IDLE_SECONDS)
            return True
        before = self._events
        for event in islice(events, min(_SLICE, due or _SLICE)):
            self._outlets.events.emit(event)
            self._events += 1
            self._send_poison(event)
        return self._events > before

    def _send_poison(self, event: Event) -> None:
        poison = self._poisoner.after(event)
        if poison is not None:
            contract = contract_of(type(event))
            key = str(getattr(event, contract.key)).encode()
            self._outlets.raw.put(contract.topic, poison.value, key=key)
            self._poison += 1

    def _pause(self, stop: threading.Event) -> None:
        before = self._clock.monotonic()
        self._outlets.serve()
        stop.wait(_IDLE_SECONDS)
        self._waited += self._clock.monotonic() - before
