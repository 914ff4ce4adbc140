"""Fills a topic with valid trades as fast as the client takes them: input for benchmarks.

Values are rendered once and sent over and over, so that the broker, not this process, is what limits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from headrace.clock import Deadline, SystemClock
from headrace.contracts.trading import Trade
from headrace.errors import DeliveryError, QueueFullError
from headrace.kafka.client import Properties
from headrace.kafka.sender import Delivery, OutgoingRecord, RecordSender
from headrace_bots.bots import Simulation
from headrace_bots.events import Stamps

_SERVE_EVERY = 1_000
_WAIT_SECONDS = 60.0
_CLIENT: Properties = {
    "linger.ms": 50,
    "batch.size": 1_000_000,
    "batch.num.messages": 50_000,
    "queue.buffering.max.messages": 1_000_000,
    "queue.buffering.max.kbytes": 262_144,
}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A record ready to send."""

    key: bytes
    value: bytes


def render_trades(count: int, *, seed: int = 7) -> list[Rendered]:
    """So many different valid trades of about 225 bytes, from the simulated market."""
    stamps = Stamps(f"l{seed}", SystemClock())
    events = Simulation(seed, 96, stamps).events()
    trades = islice((event for event in events if isinstance(event, Trade)), count)
    return [
        Rendered(trade.symbol.encode(), trade.model_copy(update={"order_id": None, "account": None}).to_wire())
        for trade in trades
    ]


def fill_topic(properties: Properties, topic: str, records: int, *, rendered: Sequence[Rendered]) -> None:
    """Sends `records` records, taking `rendered` round and round, and waits for every acknowledgement.

    Args:
        properties: as `headrace.kafka.sender.sender_properties` gives them.
        topic: where to.
        records: how many.
        rendered: what to send.

    Raises:
        DeliveryError: a record was not acknowledged.
        QueueFullError: the broker took nothing for a minute.
    """
    failures: list[Delivery] = []

    def note(delivery: Delivery) -> None:
        if delivery.error is not None:
            failures.append(delivery)

    sender = RecordSender({**properties, **_CLIENT}, note)
    try:
        _send_all(sender, topic, records, rendered=rendered)
        pending = _drain(sender)
    finally:
        sender.close()
    if failures or pending:
        why = failures[0].error if failures else "no answer"
        msg = f"{len(failures)} of {records} records for topic {topic} failed, {pending} are pending: {why}"
        raise DeliveryError(msg, topic=topic, failed=len(failures), pending=pending)


def _send_all(sender: RecordSender, topic: str, records: int, *, rendered: Sequence[Rendered]) -> None:
    for number in range(records):
        record = rendered[number % len(rendered)]
        outgoing = OutgoingRecord(topic, record.value, record.key, [])
        if not sender.offer(outgoing):
            _wait_for_room(sender, outgoing)
        if number % _SERVE_EVERY == 0:
            sender.serve()


def _drain(sender: RecordSender) -> int:
    deadline = Deadline.after(_WAIT_SECONDS, SystemClock())
    while (pending := sender.drain(deadline.remaining())) and not deadline.expired():
        continue
    return pending


def _wait_for_room(sender: RecordSender, record: OutgoingRecord) -> None:
    deadline = Deadline.after(_WAIT_SECONDS, SystemClock())
    while not deadline.expired():
        sender.serve(0.01)
        if sender.offer(record):
            return
    msg = f"topic {record.topic} took nothing for {_WAIT_SECONDS:g} s"
    raise QueueFullError(msg)
