"""The loop: a heartbeat every so often, and between two of them looks at the table."""

import uuid
from collections.abc import Callable
from typing import Protocol

from headrace.clock import Clock
from headrace.contracts import Event
from headrace.contracts.heartbeat import Heartbeat
from headrace.errors import DeliveryError, QueueFullError, TableDamagedError, TransientError
from headrace.kafka.sender import Delivery
from headrace.logs import get_logger
from headrace.metrics.health import State
from headrace.read.feed import NewRows
from headrace.sections import CanarySettings
from headrace_canary.beats import Account, Beat, Beats
from headrace_canary.metrics import CanaryMetrics

log = get_logger(__name__)


class Producer(Protocol):
    """What heartbeats go out through; methods as `EventProducer` explains them."""

    def emit(self, event: Event) -> None:
        """Takes an event for delivery."""
        ...

    def serve(self) -> None:
        """Handles outcomes that have arrived."""
        ...


class Canary:
    """Emits and looks. One thread uses it.

    Args:
        look: at the table, for what is new; gives None while there is no table.
        beats: with those that an earlier process has left on their way.
        settings: how often.
        metrics: told everything.
        clock: time.
    """

    def __init__(
        self,
        look: Callable[[], NewRows | None],
        beats: Beats,
        *,
        settings: CanarySettings,
        metrics: CanaryMetrics,
        clock: Clock,
    ) -> None:
        self._look = look
        self._beats = beats
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._missing = False
        self._blind = False

    def delivered(self, delivery: Delivery) -> None:
        """Told of each heartbeat what became of it, within `serve` and `emit` of the producer."""
        beat_id = (delivery.key or b"").decode()
        if delivery.error is None:
            self._metrics.acknowledged()
            if delivery.partition is not None and delivery.offset is not None:
                self._beats.placed(beat_id, (delivery.partition, delivery.offset))
        else:
            self._unsent(beat_id, delivery.error)

    def run(self, producer: Producer, pause: Callable[[float], bool]) -> None:
        """Goes on until `pause`, which waits so many seconds, says that it is to end.

        Raises:
            PermanentError: the table is another's, or rights are missing.
            DeliveryError: the client can send no more.
        """
        self._metrics.health.enter(State.RUNNING)
        due = self._clock.monotonic()
        while True:
            self._metrics.health.tick()
            if self._clock.monotonic() >= due:
                due = max(due + self._settings.every_seconds, self._clock.monotonic())
                # Outcomes first: `emit` raises earlier ones before it takes anything.
                self._serve(producer)
                self._emit(producer)
            self._serve(producer)
            self._see()
            if pause(self._settings.look_seconds):
                return

    def _emit(self, producer: Producer) -> None:
        now = self._clock.now()
        beat = Beat(uuid.uuid4().hex, now.timestamp())
        self._beats.sent(beat)
        try:
            producer.emit(Heartbeat(beat_id=beat.beat_id, timestamp=now))
        except (QueueFullError, DeliveryError) as error:
            if isinstance(error, DeliveryError) and error.fatal:
                raise
            self._unsent(beat.beat_id, str(error))

    def _serve(self, producer: Producer) -> None:
        try:
            producer.serve()
        except DeliveryError as error:
            if error.fatal:
                raise

    def _unsent(self, beat_id: str, error: str) -> None:
        self._beats.given_up(beat_id)
        self._metrics.unsent()
        log.warning("beat_unsent", error=error)

    def _see(self) -> None:
        try:
            found = self._look()
        except (TransientError, TableDamagedError) as error:
            if not self._blind:
                log.warning("canary_blind", error=str(error))
            self._blind = True
            found = None
        else:
            self._blind = False
        now = self._clock.now().timestamp()
        if found is not None:
            account = self._beats.account(found, now)
            self._metrics.looked(account, now)
            _tell(account)
        self._judge(self._beats.missing(now))

    def _judge(self, missing: int) -> None:
        self._metrics.missing(missing)
        if missing and not self._missing:
            log.warning("beats_missing", count=missing, deadline_seconds=self._settings.deadline_seconds)
        elif self._missing and not missing:
            log.info("beats_back")
        self._missing = missing > 0


def _tell(account: Account) -> None:
    if account.unknown:
        log.warning("beats_unknown", count=account.unknown)
    for partition, offset in account.lost:
        log.error("beat_lost", partition=partition, offset=offset)
    for partition, offset in account.doubled:
        log.error("beat_doubled", partition=partition, offset=offset)
