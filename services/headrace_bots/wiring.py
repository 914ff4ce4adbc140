"""The simulation put together: the only module here that names concrete classes.

market and bots -> events -> pace -> producers -> Kafka; delivery reports -> ledger and backlog.
"""

import threading
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from headrace.clock import SystemClock
from headrace.connection import KafkaSettings
from headrace.contracts import Greeks, Position, Signal, Trade, contract_of
from headrace.errors import ConfigError
from headrace.kafka.client import client_properties
from headrace.kafka.sender import Delivery
from headrace.kafka.sender_properties import sender_properties
from headrace.kafka.topics import TopicClient
from headrace.producer import EventProducer, FullPolicy, Outbox
from headrace_bots.bots import Simulation
from headrace_bots.events import Stamps
from headrace_bots.ledger import Ledger
from headrace_bots.pacing import AskPositions, Backlog, Pace, no_positions
from headrace_bots.poison import Poisoner
from headrace_bots.simulate import Outlets, Progress, Sender

EMITTED = (Trade, Greeks, Signal, Position)
"""The events that bots emit; each goes to the topic of its contract."""

# Everything was flushed before, or could not be: no use in waiting long again.
_CLOSE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationPlan:
    """What to simulate.

    Attributes:
        events: valid events to send, and those that the last bot's day still brings; None goes on until stopped.
        rate: events a second; None sends as many as possible.
        poison_ratio: malformed records per valid event.
        bots: how many bots trade.
        seed: of every random decision.
        backlog_limit: records that a partition may be ahead of its table; None never waits.
        ledger: folder for the ledger of acknowledged records; None writes none.
    """

    events: int | None = None
    rate: float | None = 1_000.0
    poison_ratio: float = 0.001
    bots: int = 96
    seed: int = 7
    backlog_limit: int | None = None
    ledger: Path | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.poison_ratio <= 1:
            msg = f"poison_ratio is {self.poison_ratio}: choose 0 to 1"
            raise ConfigError(msg)
        for name in ("events", "rate", "bots", "backlog_limit"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                msg = f"{name} is {value}: it must be positive"
                raise ConfigError(msg)


def run_simulation(
    kafka: KafkaSettings,
    plan: SimulationPlan,
    *,
    positions: AskPositions = no_positions,
    report: Callable[[Progress], None] = lambda _: None,
    stop: threading.Event | None = None,
) -> Progress:
    """Runs a simulation on a cluster until its events are acknowledged, or until `stop` is set.

    Args:
        kafka: which cluster, and how to reach it.
        plan: what to send.
        positions: gives next durable offsets, asked a few times a second.
        report: called about once a second, from this thread.
        stop: set from another thread or a signal handler to end early; what was sent is still flushed.

    Raises:
        TopicMissingError: one of the topics does not exist.
        HeadraceError: a record was lost, or the broker is unreachable or refuses.
    """
    for event in EMITTED:
        _look_up(kafka, contract_of(event).topic)
    clock = SystemClock()
    run = uuid.uuid4().hex[:8]
    backlog = Backlog(positions, limit=plan.backlog_limit)
    with ExitStack() as closing:
        hooks: list[Callable[[Delivery], None]] = [backlog]
        if plan.ledger is not None:
            hooks.append(closing.enter_context(Ledger(plan.ledger, f"bots-{run}")))
        outlets = _outlets(kafka, run, closing, on_delivery=_to_all(hooks))
        sender = Sender(
            outlets, Pace(plan.rate), poisoner=Poisoner(plan.seed, plan.poison_ratio), backlog=backlog, clock=clock
        )
        events = Simulation(plan.seed, plan.bots, Stamps(run, clock)).events(plan.events)
        return sender.run(events, report=report, stop=stop or threading.Event())


def _look_up(kafka: KafkaSettings, topic: str) -> None:
    """Fails early, and with the reason, where producers would only learn of a time-out."""
    client = TopicClient(kafka, topic)
    try:
        client.identity()
    finally:
        client.close()


def _outlets(kafka: KafkaSettings, run: str, closing: ExitStack, *, on_delivery: Callable[[Delivery], None]) -> Outlets:
    client = client_properties(kafka)
    servers = client.pop("bootstrap.servers")
    events = closing.enter_context(
        EventProducer(servers, name=f"bots-{run}", client=client, on_delivery=on_delivery, close_seconds=_CLOSE_SECONDS)
    )
    properties = sender_properties(servers, client, client_id=f"broken-bot-{run}")
    policy = FullPolicy("block", 30.0)
    raw = closing.enter_context(Outbox(properties, policy, on_delivery=on_delivery, close_seconds=_CLOSE_SECONDS))
    return Outlets(events, raw)


def _to_all(hooks: list[Callable[[Delivery], None]]) -> Callable[[Delivery], None]:
    def call_each(delivery: Delivery) -> None:
        for hook in hooks:
            hook(delivery)

    return call_each
