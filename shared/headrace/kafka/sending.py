"""The seam between a queue of events and the client that sends them: the real one, a spool before it, one for tests."""

from collections.abc import Callable
from typing import Protocol

from headrace.errors import HeadraceError
from headrace.kafka.client import Properties
from headrace.kafka.sender import Acknowledged, Delivery, OutgoingRecord


class Sender(Protocol):
    """What a queue of records goes out through; methods as `RecordSender` explains them."""

    @property
    def left_over(self) -> int:
        """Records that an earlier process left to this one."""
        ...

    @property
    def spooled_bytes(self) -> int | None:
        """On disk; None where there is no spool."""
        ...

    @property
    def fatal(self) -> str | None:
        """Why this producer can send nothing any more, once that is so."""
        ...

    def offer(self, record: OutgoingRecord) -> bool:
        """Queues a record; False when the queue has no room for it."""
        ...

    def serve(self, seconds: float = 0.0) -> None:
        """Handles the outcomes that are there; with `seconds`, waits so long for the first."""
        ...

    def drain(self, seconds: float) -> int:
        """Hurries the queued records out; returns how many have no outcome yet."""
        ...

    def close(self) -> None:
        """Disconnects."""
        ...

    def trouble(self, doing: str) -> HeadraceError | None:
        """What the brokers' connections suffer from at present, if anything."""
        ...


class Client(Sender, Protocol):
    """One that tells outcomes of single records to whoever asks."""

    def offer(self, record: OutgoingRecord, on_delivery: Callable[[Delivery], None] | None = None) -> bool:
        """The same; `on_delivery` is told in place of the hook for all."""
        ...


class Connect(Protocol):
    """Makes a client: `RecordSender`, or what stands in for it in a bot's tests."""

    def __call__(
        self,
        properties: Properties,
        on_delivery: Callable[[Delivery], None] | None,
        on_acknowledged: Callable[[Acknowledged], None] | None = None,
    ) -> Client:
        """Arguments as those of `RecordSender`."""
        ...
