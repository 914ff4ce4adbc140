"""The producer for bots that run on asyncio: the promises of `EventProducer`, and a loop that is never held up.

The loop's thread only queues. A thread of this module waits for outcomes and wakes the loop; whoever waits for room
or for acknowledgements does so in a coroutine.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from headrace.contracts import Event
from headrace.kafka.sender import Delivery, RecordSender
from headrace.kafka.sending import Connect
from headrace.producer._event_producer import outbox_of
from headrace.producer._full_policy import FullPolicy, OnFull
from headrace.producer._health import ProducerHealth
from headrace.producer._outbox import closing_beside
from headrace.producer._records import EventRecords
from headrace.producer._spooled_sender import SpoolPlan

_WAIT_SECONDS = 0.2
"""How long the pump waits for one outcome; also how long closing may wait for the pump."""

_EMITS_PER_TURN = 100
"""After so many events that found room at once, a bot in a tight loop lets others run: they took about 1 ms."""

_OUTCOMES_PER_TURN = 200
"""Of `on_delivery` in one turn of the loop."""


class AsyncEventProducer:
    """Sends events to the topics that their contracts name, from coroutines of one event loop.

        async with AsyncEventProducer("localhost:9092", name="condor-7") as producer:
            await producer.emit(Trade(...))

    What `EventProducer` promises holds here. Leaving the block waits for every acknowledgement. An `emit` that is
    cancelled has not taken its event; a cancelled `flush` leaves every event on its way; a cancelled `close` goes on
    in the background. Events of one coroutine keep their order. `on_delivery` runs on the loop: it must be quick.
    """

    def __init__(  # noqa: PLR0913  # as EventProducer
        self,
        bootstrap_servers: str | None = None,
        *,
        name: str = "bot",
        on_full: OnFull = "block",
        block_seconds: float = 30.0,
        queue_records: int = 100_000,
        queue_bytes: int = 64 * 1024 * 1024,
        delivery_seconds: float = 120.0,
        close_seconds: float = 30.0,
        spool: str | Path | None = None,
        spool_bytes: int = 256 * 1024 * 1024,
        client: Mapping[str, object] | None = None,
        on_delivery: Callable[[Delivery], None] | None = None,
    ) -> None:
        """Connects in the background. Arguments as those of `EventProducer`; call it where a loop is running.

        With a spool an event outlives the process when `emit` returns, and the machine a fifth of a second later or
        after `flush`: the loop never waits for a disk to sync.

        Raises:
            ConfigError: no broker is named, or an argument or property cannot work.
            RuntimeError: no event loop is running.
        """
        self._loop = asyncio.get_running_loop()
        self.name = name
        """Who sends."""
        self._records = EventRecords(name)
        self._policy = FullPolicy(on_full, block_seconds)
        self._hook = on_delivery
        self._outcomes: deque[Delivery] = deque()
        self._outbox = outbox_of(
            bootstrap_servers,
            client,
            name=name,
            policy=self._policy,
            queue_records=queue_records,
            queue_bytes=queue_bytes,
            delivery_seconds=delivery_seconds,
            close_seconds=close_seconds,
            spool=SpoolPlan(Path(spool), spool_bytes, synced_offers=False) if spool else None,
            connect=self._connect,
            on_delivery=self._outcomes.append if on_delivery else None,
        )
        self._turn = asyncio.Lock()
        self._arrived = asyncio.Event()
        self._emitted = 0
        self._closing: asyncio.Task[None] | None = None
        self._broken: BaseException | None = None
        self._stop = threading.Event()
        self._pump = threading.Thread(target=self._handle_outcomes, name="headrace-producer", daemon=True)
        self._pump.start()

    _connect: Connect = RecordSender

    @property
    def pending(self) -> int:
        """Events taken and neither acknowledged nor failed yet."""
        return self._outbox.pending

    async def emit(self, event: Event) -> None:
        """Takes an event for delivery; an event whose `emit` raises, or is cancelled, was not taken.

        Returns before the broker has it: `flush` waits for that. Where the queue is full, or another coroutine
        flushes, it waits its turn.

        Raises:
            DeliveryError: earlier events failed; each such failure is raised once.
            QueueFullError: the queue had no room before the deadline.
            EventTooLargeError: the event is larger than a record may be.
            ConfigError: the producer is closed.
            TypeError: it is no event.
        """
        self._emitted += 1
        if self._emitted % _EMITS_PER_TURN == 0:
            await asyncio.sleep(0)
        record = self._records.record_of(event)
        # Nobody has the turn and nothing is awaited here: the same as taking it, for half the work.
        if not self._turn.locked():
            self._raise_failures()
            if self._outbox.offer(record):
                return
        async with self._turn:
            self._raise_failures()
            if self._outbox.offer(record):
                return
            try:
                async with asyncio.timeout(self._policy.seconds()):
                    while not self._outbox.offer(record):
                        await self._next_outcomes()
            except TimeoutError:
                raise self._outbox.full(record.topic) from None

    def health(self) -> ProducerHealth:
        """How it fares at this moment; any thread may ask, and nothing waits."""
        return self._outbox.health()

    async def flush(self, timeout: float = 30.0) -> None:
        """Waits until every event taken so far is acknowledged, at most `timeout` seconds; others wait to emit.

        Raises:
            DeliveryError: events failed since this was last raised, or are not acknowledged yet.
            BrokerUnreachableError: no broker answers; the events stay queued and a later flush may succeed.
            AccessDeniedError: the broker refuses the login; the events stay queued.
        """
        async with self._turn:
            await self._settle(timeout)
            while self._outcomes:
                await asyncio.sleep(0)
            self._raise_failures()
            self._outbox.raise_pending(timeout, "they stay queued")

    async def close(self) -> None:
        """Flushes, then gives up what is still not acknowledged and disconnects. A second call does nothing.

        Raises:
            DeliveryError: events failed or were given up.
            BrokerUnreachableError: events were given up because no broker answers.
            AccessDeniedError: events were given up because the broker refuses the login.
        """
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        elif self._closing.done():
            return
        await asyncio.shield(self._closing)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with closing_beside(error):
            await self.close()

    async def _close(self) -> None:
        async with self._turn:
            self._stop.set()
            await asyncio.to_thread(self._pump.join)
            try:
                await asyncio.to_thread(self._outbox.close)
            finally:
                while self._outcomes:
                    self._tell()
                    await asyncio.sleep(0)

    def _raise_failures(self) -> None:
        if self._broken is not None:
            raise self._broken
        self._outbox.raise_failures()

    async def _settle(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while self.pending:
                    await self._next_outcomes()
        except TimeoutError:
            return

    async def _next_outcomes(self) -> None:
        """Returns when outcomes have been handled since the last time anybody asked."""
        await self._arrived.wait()
        self._arrived.clear()
        if self._broken is not None:
            raise self._broken

    def _handle_outcomes(self) -> None:
        """The pump: runs on a thread of its own."""
        try:
            while not self._stop.is_set():
                if self._outbox.handle(_WAIT_SECONDS):
                    self._loop.call_soon_threadsafe(self._wake)
        except BaseException as error:
            self._broken = error
            with suppress(RuntimeError):  # the loop may be closed, and nobody left to be told
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._arrived.set()
        self._tell()

    def _tell(self) -> None:
        """Hands outcomes to the hook, a bounded number in each turn of the loop."""
        try:
            for _ in range(min(len(self._outcomes), _OUTCOMES_PER_TURN)):
                if self._hook is not None:
                    self._hook(self._outcomes.popleft())
        finally:
            if self._outcomes:
                self._loop.call_soon(self._tell)
