"""The queue's policy, with the real client and no broker: nothing listens on port 1."""

import threading
import time
from collections.abc import Iterator

import pytest

from headrace.errors import (
    BrokerUnreachableError,
    ConfigError,
    DeliveryError,
    EventTooLargeError,
    HeadraceError,
    QueueFullError,
)
from headrace.kafka.sender import Delivery, RecordSender
from headrace.kafka.sender_properties import sender_properties
from headrace.producer import FullPolicy, Outbox
from headrace.testing.waiting import PATIENCE_SECONDS, wait_until

NOWHERE = "127.0.0.1:1"
REFUSE = FullPolicy("raise", 0.0)


class Outboxes:
    """Makes outboxes that hold three records and remembers every outcome."""

    def __init__(self) -> None:
        self.outcomes: list[Delivery] = []
        self._made: list[Outbox] = []

    def __call__(self, policy: FullPolicy = REFUSE, *, delivery_ms: int = 60_000, close_seconds: float = 0.0) -> Outbox:
        properties = sender_properties(NOWHERE, None, queue_buffering_max_messages=3, delivery_timeout_ms=delivery_ms)
        self._made.append(Outbox(properties, policy, on_delivery=self.outcomes.append, close_seconds=close_seconds))
        return self._made[-1]

    def close(self) -> None:
        for outbox in self._made:
            try:
                outbox.close()
            except HeadraceError:
                continue


@pytest.fixture
def make() -> Iterator[Outboxes]:
    outboxes = Outboxes()
    yield outboxes
    outboxes.close()


def fill(outbox: Outbox) -> None:
    for value in (b"1", b"2", b"3"):
        outbox.put("trades", value)


def await_trouble(outbox: Outbox) -> None:
    """Returns when the client has found that nobody listens."""

    def found() -> bool:
        outbox.handle(0.05)
        return outbox.health().trouble is not None

    wait_until(found, "no connection is had")


def test_full_queue_is_refused_at_once_when_asked_to(make: Outboxes, monkeypatch: pytest.MonkeyPatch) -> None:
    serve = RecordSender.serve

    def serve_at_once(sender: RecordSender, seconds: float = 0.0) -> None:
        assert seconds == 0, "it waits"
        serve(sender, seconds)

    outbox = make()
    fill(outbox)
    with monkeypatch.context() as patch:
        patch.setattr(RecordSender, "serve", serve_at_once)
        with pytest.raises(QueueFullError, match="topic trades after 0 s: 3 are pending"):
            outbox.put("trades", b"4")
    assert outbox.pending == 3


def test_full_queue_is_waited_for_until_the_deadline(make: Outboxes) -> None:
    outbox = make(FullPolicy("block", 0.3))
    fill(outbox)
    await_trouble(outbox)
    began = time.monotonic()
    with pytest.raises(QueueFullError, match=r"after 0\.3 s.*HEADRACE_KAFKA__BOOTSTRAP_SERVERS"):
        outbox.put("trades", b"4")
    assert 0.3 <= time.monotonic() - began < 30


def test_waiting_put_goes_on_as_soon_as_there_is_room(make: Outboxes) -> None:
    outbox = make(FullPolicy("block", 30.0), delivery_ms=500)
    fill(outbox)
    began = time.monotonic()
    outbox.put("trades", b"4")
    assert time.monotonic() - began < 30, "the deadline"
    assert [outcome.value for outcome in make.outcomes] == [b"1", b"2", b"3"]
    assert outbox.pending == 1


def test_lost_record_is_raised_by_the_next_put_and_only_once(make: Outboxes) -> None:
    outbox = make(FullPolicy("block", 30.0), delivery_ms=300)
    fill(outbox)
    outbox.put("trades", b"4")
    with pytest.raises(DeliveryError, match=r"3 events were not acknowledged.*trades.*timed out") as caught:
        outbox.put("trades", b"5")
    assert (caught.value.topic, caught.value.failed, caught.value.pending) == ("trades", 3, 1)
    assert isinstance(caught.value.__cause__, BrokerUnreachableError)
    outbox.put("trades", b"5")
    assert outbox.pending == 2


def test_lost_record_is_raised_by_flush(make: Outboxes) -> None:
    outbox = make(delivery_ms=300)
    outbox.put("trades", b"1")
    with pytest.raises(DeliveryError, match="1 events were not acknowledged"):
        outbox.flush(10)
    assert [outcome.code for outcome in make.outcomes] == ["_MSG_TIMED_OUT"]
    outbox.flush(0.0)


def test_flush_without_a_broker_ends_in_time_and_keeps_the_records(make: Outboxes) -> None:
    outbox = make()
    fill(outbox)
    await_trouble(outbox)
    began = time.monotonic()
    with pytest.raises(BrokerUnreachableError, match="3 events"):
        outbox.flush(0.5)
    assert time.monotonic() - began < 30, "half of the time that records have"
    assert outbox.pending == 3
    assert make.outcomes == []


def test_every_record_has_one_outcome_after_close(make: Outboxes) -> None:
    outbox = make(close_seconds=0.3)
    fill(outbox)
    with pytest.raises((BrokerUnreachableError, DeliveryError), match=r"3 events.*given up"):
        outbox.close()
    assert sorted((outcome.value, outcome.code) for outcome in make.outcomes) == [
        (b"1", "_PURGE_QUEUE"),
        (b"2", "_PURGE_QUEUE"),
        (b"3", "_PURGE_QUEUE"),
    ]
    assert outbox.pending == 0
    outbox.close()


def test_closed_outbox_takes_nothing(make: Outboxes) -> None:
    outbox = make()
    outbox.close()
    with pytest.raises(ConfigError, match="closed"):
        outbox.put("trades", b"1")


def test_record_beyond_the_limit_is_refused_and_not_counted(make: Outboxes) -> None:
    outbox = make()
    with pytest.raises(EventTooLargeError, match="2000000 bytes for topic trades"):
        outbox.put("trades", b"x" * 2_000_000)
    assert outbox.pending == 0
    outbox.flush(0.0)


def test_threads_share_one_queue_and_every_put_is_answered(make: Outboxes) -> None:
    outbox = make(FullPolicy("block", 0.2))
    answers: list[bool] = []

    def put_some() -> None:
        for _ in range(3):
            try:
                outbox.put("trades", b"x")
            except QueueFullError:
                answers.append(False)
            else:
                answers.append(True)

    threads = [threading.Thread(target=put_some) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert sorted(answers) == [False] * 9 + [True] * 3
    assert outbox.pending == 3


def test_hook_that_raises_is_heard_and_loses_no_outcome(make: Outboxes) -> None:
    heard: list[Delivery] = []

    def hook(delivery: Delivery) -> None:
        heard.append(delivery)
        msg = "hook is broken"
        raise RuntimeError(msg)

    properties = sender_properties(NOWHERE, None, delivery_timeout_ms=60_000)
    outbox = Outbox(properties, REFUSE, on_delivery=hook, close_seconds=0.1)
    outbox.put("trades", b"1")
    with pytest.raises(RuntimeError, match="hook is broken"):
        outbox.close()
    assert outbox.pending == 0
    assert len(heard) == 1


@pytest.mark.parametrize(("on_full", "seconds"), [("wait", 1.0), ("block", 0.0), ("block", -1.0)])
def test_impossible_policy_is_refused(on_full: str, seconds: float) -> None:
    with pytest.raises(ConfigError):
        FullPolicy(on_full, seconds)  # type: ignore[arg-type]  # what an untyped caller may pass
