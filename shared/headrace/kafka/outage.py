"""What a client that reads on through outages logs of them: that one began, and that it is over."""

from confluent_kafka import KafkaError

from headrace.clock import Clock, SystemClock
from headrace.kafka.client import UNREACHABLE, ClientErrors, client_log
from headrace.kafka.statistics import ClientObserver, Statistics

# librdkafka tries again within 15 s: where one of several brokers is away and the others answer, its next failure
# must not look like another outage. Its errors alone do not tell: it keeps the same one of a broker to itself for 30 s,
# and a connection that nobody answers takes 30 s to fail.
_QUIET_SECONDS = 16.0


class OutageErrors(ClientErrors):
    """Logs one line when connections begin to fail, and one when none has failed for a while and those wanted stand.

    Args:
        observer: told of every error too.
        clock: time.
    """

    def __init__(self, observer: ClientObserver | None = None, clock: Clock | None = None) -> None:
        super().__init__(observer)
        self._clock = clock or SystemClock()
        self._failed_at: float | None = None

    def __call__(self, error: KafkaError) -> None:
        """Called by librdkafka."""
        super().__call__(error)
        if error.code() not in UNREACHABLE:
            return
        if self._failed_at is None:
            client_log.warning("connections to brokers fail, and are tried again: %s (%s)", error.str(), error.name())
        self._failed_at = self._clock.monotonic()

    def statistics(self, statistics: Statistics) -> None:
        """Called with every report."""
        if self._failed_at is None or not statistics.connected():
            return
        if self._clock.monotonic() - self._failed_at >= _QUIET_SECONDS:
            self._failed_at = None
            client_log.warning("connections to brokers hold again")
