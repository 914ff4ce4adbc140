"""Trades sent at a steady rate, from a thread, until told to stop."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.cluster import TOPIC
from headrace.kafka.sender import OutgoingRecord, RecordSender
from headrace.kafka.sender_properties import sender_properties
from headrace_bots.load import render_trades

_DISTINCT = 20_000
_PAUSE_SECONDS = 0.005
_DRAIN_SECONDS = 30.0


class Steady:
    """Trades to the topic of trades, `rate` a second."""

    def __init__(self, servers: str, rate: int) -> None:
        self._sender = RecordSender(sender_properties(servers, {"log_level": 0}, client_id="peers"), lambda _: None)
        self._rendered = render_trades(_DISTINCT)
        self._rate = rate
        self._sent = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """Ends the traffic once all is acknowledged; returns how many records were sent. A second call does nothing."""
        self._stop.set()
        self._thread.join()
        return self._sent

    def _run(self) -> None:
        began = time.perf_counter()
        while not self._stop.wait(_PAUSE_SECONDS):
            due = int((time.perf_counter() - began) * self._rate)
            while self._sent < due:
                record = self._rendered[self._sent % _DISTINCT]
                self._sender.offer(OutgoingRecord(TOPIC, record.value, record.key, []))
                self._sent += 1
            self._sender.serve()
        self._sender.drain(_DRAIN_SECONDS)
        self._sender.close()


@contextmanager
def steady(servers: str, rate: int) -> Iterator[Steady]:
    """Traffic that ends with the block."""
    traffic = Steady(servers, rate)
    try:
        yield traffic
    finally:
        traffic.stop()
