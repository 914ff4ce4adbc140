"""What librdkafka tells of itself every few seconds: the few numbers of it that are shown."""

from typing import Protocol

import msgspec

INTERVAL_MS = 10_000
"""How often: one small request per partition and a window of round trips to each broker."""

_MICRO = 1e-6
_AT_REST = frozenset({"UP", "INIT"})
"""States of a broker that is connected, and of one that nothing is wanted from."""


class _RoundTrips(msgspec.Struct, frozen=True):
    cnt: int = 0
    p50: int = 0
    p99: int = 0


class _Broker(msgspec.Struct, frozen=True):
    rtt: _RoundTrips = _RoundTrips()
    state: str = ""


class Statistics(msgspec.Struct, frozen=True):
    """One report; names are librdkafka's, https://github.com/confluentinc/librdkafka/blob/master/STATISTICS.md.

    Attributes:
        rxmsg_bytes: bytes of records received since the client was made.
        brokers: by name.
    """

    rxmsg_bytes: int = 0
    brokers: dict[str, _Broker] = {}

    def connected(self) -> bool:
        """Whether a connection to any broker stands, and none is being made."""
        states = {broker.state for broker in self.brokers.values()}
        return "UP" in states and states <= _AT_REST

    def round_trips(self) -> dict[str, float]:
        """Quantiles of the slowest broker's round trips in seconds; empty if none answered in the window."""
        asked = [broker.rtt for broker in self.brokers.values() if broker.rtt.cnt]
        if not asked:
            return {}
        return {"0.5": max(rtt.p50 for rtt in asked) * _MICRO, "0.99": max(rtt.p99 for rtt in asked) * _MICRO}


parse_statistics = msgspec.json.Decoder(Statistics).decode
"""Reads a report from its JSON."""


class ClientObserver(Protocol):
    """Told what a client reports beside records, on the thread that polls; it must not raise or wait."""

    def client_error(self, code: str) -> None:
        """A background error, by librdkafka's name for it; every attempt to connect may be one."""
        ...

    def commit_failed(self) -> None:
        """Positions could not be told to the group."""
        ...

    def client_statistics(self, statistics: Statistics) -> None:
        """A report."""
        ...
