"""What `EventProducer` decides before a broker is needed: nothing listens on port 1."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from headrace import (
    BrokerUnreachableError,
    ConfigError,
    ContractError,
    Delivery,
    DeliveryError,
    Event,
    EventProducer,
    HeadraceError,
    QueueFullError,
    StrategyId,
)

NOWHERE = "127.0.0.1:1"
numbers = itertools.count()


class Shared(Event):
    """Fields without a topic."""

    strategy_id: StrategyId


class Ping(Shared, topic="pings", key="strategy_id"):
    """A made-up event."""


Make = Callable[..., EventProducer]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[EventProducer] = []

    def a_producer(**arguments: Any) -> EventProducer:
        made.append(EventProducer(NOWHERE, close_seconds=0.0, **arguments))
        return made[-1]

    yield a_producer
    for producer in made:
        try:
            producer.close()
        except HeadraceError:
            continue


def ping() -> Ping:
    return Ping(strategy_id=f"s-{next(numbers)}")


def test_full_queue_is_the_bots_to_handle(make: Make) -> None:
    producer = make(on_full="raise", queue_records=2)
    producer.emit(ping())
    producer.emit(ping())
    with pytest.raises(QueueFullError, match="topic pings"):
        producer.emit(ping())
    assert producer.pending == 2


def test_queue_is_bounded_in_bytes_too(make: Make) -> None:
    producer = make(on_full="raise", queue_bytes=1_048_576)

    class Text(Event, topic="texts", key="text"):
        """Long."""

        text: str

    for _ in range(17):
        producer.emit(Text(text="x" * 60_000))
    with pytest.raises(QueueFullError):
        producer.emit(Text(text="x" * 60_000))
    assert producer.pending == 17


def test_error_in_the_block_is_not_masked_by_what_could_not_be_sent() -> None:
    def bot_that_fails() -> None:
        with EventProducer(NOWHERE, close_seconds=0.1) as producer:
            producer.emit(ping())
            msg = "of the bot"
            raise LookupError(msg)

    with pytest.raises(LookupError, match="of the bot") as caught:
        bot_that_fails()
    assert "1 events" in caught.value.__notes__[0]


def test_leaving_the_block_without_acknowledgements_is_an_error() -> None:
    outcomes: list[Delivery] = []

    def bot() -> None:
        with EventProducer(NOWHERE, close_seconds=0.5, on_delivery=outcomes.append) as producer:
            producer.emit(ping())

    with pytest.raises((BrokerUnreachableError, DeliveryError), match=r"1 events.*given up"):
        bot()
    assert [outcome.code for outcome in outcomes] == ["_PURGE_QUEUE"]


def test_closed_producer_takes_nothing(make: Make) -> None:
    producer = make()
    producer.close()
    with pytest.raises(ConfigError, match="closed"):
        producer.emit(ping())


def test_event_without_a_topic_is_refused(make: Make) -> None:
    with pytest.raises(ContractError, match="Shared names no topic"):
        make().emit(Shared(strategy_id="s"))


def test_what_is_no_event_is_refused(make: Make) -> None:
    with pytest.raises(TypeError, match=r"a dict is no event: make one of a class that derives from headrace\.Event"):
        make().emit({"strategy_id": "s"})  # type: ignore[arg-type]  # as a bot without a type checker does


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": ""}, "name is ''"),
        ({"name": "two\nlines"}, "name is"),
        ({"queue_records": 0}, "queue_records is 0"),
        ({"queue_bytes": 1_000}, "queue_bytes is 1000: it must be at least 1000000"),
        ({"delivery_seconds": 0.5}, r"delivery_seconds is 0\.5"),
        ({"on_full": "drop"}, "on_full is 'drop'"),
        ({"on_full": "block", "block_seconds": 0}, "block_seconds is 0"),
        ({"client": {"acks": "1"}}, "may not set acks"),
    ],
)
def test_argument_that_cannot_work_is_named(make: Make, arguments: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        make(**arguments)


def test_broker_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_KAFKA__BOOTSTRAP_SERVERS", NOWHERE)
    EventProducer().close()
    monkeypatch.delenv("HEADRACE_KAFKA__BOOTSTRAP_SERVERS")
    with pytest.raises(ConfigError, match="HEADRACE_KAFKA__BOOTSTRAP_SERVERS"):
        EventProducer()


@pytest.mark.parametrize("value", ["not a number", "-5"])
def test_wrong_size_among_the_client_properties_is_named(make: Make, value: str) -> None:
    with pytest.raises(ConfigError, match=r"message\.max\.bytes"):
        make(client={"message.max.bytes": value})
