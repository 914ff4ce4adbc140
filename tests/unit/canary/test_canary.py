"""The loop, with a table and a producer that fail when they are told to."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from headrace.contracts import Event
from headrace.contracts.heartbeat import Heartbeat
from headrace.errors import DeliveryError, StoreError, WrongTableError
from headrace.kafka.sender import Delivery
from headrace.metrics import canary, common
from headrace.read.feed import NewRow, NewRows
from headrace.sections import CanarySettings
from headrace.testing.manual_clock import ManualClock
from headrace_canary.beats import Beats
from headrace_canary.canary import Canary
from headrace_canary.metrics import CanaryMetrics
from tests.behaviour.world import DAY

EVERY = CanarySettings(every_seconds=10, deadline_seconds=25, look_seconds=1)


@dataclass
class Pipe:
    """A topic of one partition and its table; by default whatever is emitted is in the table at the next look.

    Attributes:
        refuses: raised by the producer in place of taking an event.
        blind: raised by a look.
    """

    refuses: DeliveryError | None = None
    blind: Exception | None = None
    sent: list[Heartbeat] = field(default_factory=list)
    seen: int = 0

    def emit(self, event: Event) -> None:
        if self.refuses is not None:
            raise self.refuses
        assert isinstance(event, Heartbeat)
        self.sent.append(event)

    def serve(self) -> None:
        pass

    def look(self) -> NewRows:
        if self.blind is not None:
            raise self.blind
        rows = [NewRow(beat.beat_id, (0, n)) for n, beat in enumerate(self.sent) if n >= self.seen]
        self.seen = len(self.sent)
        return NewRows({0: self.seen}, tuple(rows))


@dataclass
class Run:
    """A canary on such a pipe, and its metrics."""

    pipe: Pipe = field(default_factory=Pipe)
    clock: ManualClock = field(default_factory=lambda: ManualClock(DAY))

    def __post_init__(self) -> None:
        self.metrics = CanaryMetrics(self.clock, stall_seconds=300)
        beats = Beats(EVERY.deadline_seconds)
        self.canary = Canary(self.pipe.look, beats, settings=EVERY, metrics=self.metrics, clock=self.clock)

    def goes(self, seconds: int, at: Callable[[int], None] = lambda _second: None) -> None:
        """Runs for so long, and calls `at` each second."""
        passed: Iterator[int] = iter(range(1, seconds + 1))

        def pause(waited: float) -> bool:
            assert waited == EVERY.look_seconds
            second = next(passed, None)
            if second is None:
                return True
            self.clock.advance(1)
            at(second)
            return False

        self.canary.run(self.pipe, pause)

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


def test_a_heartbeat_is_emitted_every_so_often_and_its_round_trip_measured() -> None:
    run = Run()
    run.goes(30)
    assert [(beat.timestamp - DAY).total_seconds() for beat in run.pipe.sent] == [0, 10, 20, 30]
    assert run.value(canary.ARRIVED.name, when="in_time") == 4
    assert run.value(canary.LAST_ARRIVAL.name) == DAY.timestamp() + 30
    assert run.value(common.LOOP_TICK.name, loop="canary") == DAY.timestamp() + 30


def test_a_table_that_cannot_be_read_for_a_while_makes_heartbeats_missing(caplog: pytest.LogCaptureFixture) -> None:
    run = Run(Pipe(blind=StoreError("the disk is away")))
    missing: list[float | None] = []

    def at(second: int) -> None:
        missing.append(run.value(canary.MISSING.name))
        if second == 40:
            run.pipe.blind = None

    run.goes(45, at)
    assert (missing[20], missing[30], run.value(canary.MISSING.name)) == (0, 1, 0)
    assert run.value(canary.ARRIVED.name, when="late") == 2
    assert [caplog.text.count(event) for event in ("canary_blind", "beats_missing", "beats_back")] == [1, 1, 1]


def test_earlier_failures_that_come_out_of_emit_do_not_end_it() -> None:
    run = Run(Pipe(refuses=DeliveryError("timed out", topic="t", failed=1, pending=0)))
    run.goes(15)
    assert run.value(canary.UNSENT.name) == 2
    assert run.value(canary.MISSING.name) == 0


def test_a_client_that_can_send_no_more_ends_it() -> None:
    with pytest.raises(DeliveryError):
        Run(Pipe(refuses=DeliveryError("fatal", topic="t", failed=1, pending=0, fatal=True))).goes(15)


def test_the_table_of_another_ends_it() -> None:
    with pytest.raises(WrongTableError):
        Run(Pipe(blind=WrongTableError("not ours"))).goes(15)


def test_what_the_broker_says_is_counted() -> None:
    run = Run()
    run.goes(1)
    (beat,) = run.pipe.sent
    key = beat.beat_id.encode()
    run.canary.delivered(Delivery("t", key, b"", 0, 0))
    run.canary.delivered(Delivery("t", key, b"", None, None, "timed out", "_MSG_TIMED_OUT"))
    assert (run.value(canary.SENT.name), run.value(canary.UNSENT.name)) == (1, 1)
