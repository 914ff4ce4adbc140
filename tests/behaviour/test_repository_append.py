"""What a repository appends goes through the topic: acknowledged first, a row when a worker has read it."""

from pathlib import Path

import pytest

from headrace import Event, Name, Symbol, Table, UtcTimestamp
from headrace.clock import SystemClock
from headrace.contracts import contract_of
from headrace.errors import BrokerUnreachableError, ConfigError, DeliveryError
from headrace.lake import Lake
from headrace.read import Positions, Repository
from headrace.settings import load_settings
from headrace.testing import CaptureBroker, CaptureProducer, a_position, an_event
from headrace.testing.brokers import BrokerHandle
from headrace_ingest.monitoring import new_metrics
from headrace_ingest.wiring import build_worker, kafka_ends
from tests.behaviour.running import Running


def test_appended_events_are_acknowledged_and_become_rows_of_a_table_that_the_worker_creates(
    tmp_path: Path, embedded_broker: BrokerHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Desk(Event, topic=embedded_broker.new_topic(), key="name", table=Table(mode="upsert", key=("name",))):
        """A desk, of a made-up kind."""

        name: Name
        symbol: Symbol
        timestamp: UtcTimestamp

    settings = load_settings(
        kafka={"bootstrap_servers": embedded_broker.bootstrap_servers}, lake={"root": str(tmp_path)}
    )
    contract = contract_of(Desk)
    desks = Repository(Lake(str(tmp_path)), Desk)
    monkeypatch.setenv("HEADRACE_KAFKA__BOOTSTRAP_SERVERS", embedded_broker.bootstrap_servers)
    sent = [an_event(Desk, name=name, symbol=symbol) for name in "abc" for symbol in ("SPY", "QQQ")]
    appended = desks.append(sent)
    assert appended.events == 6
    assert sum(appended.positions.values()) == 6, "partitions begin at 0"

    ends = kafka_ends(settings, contract, None, (0, 1, 2, 3))
    metrics = new_metrics(settings, contract, SystemClock())
    Running(build_worker(settings, contract, ends, drain=True, metrics=metrics)).start().join()

    assert sorted(desks.events(desks.rows()), key=lambda desk: desk.name) == sent[1::2]
    stands = desks.snapshot().positions
    assert all(stands[partition] >= position for partition, position in appended.positions.items())


def test_a_producer_that_is_handed_in_sends_them_and_stays_open() -> None:
    positions, events = Positions(Lake("nowhere")), [a_position(strategy_id=f"s-{n}") for n in range(3)]
    with CaptureProducer() as producer:
        assert positions.append(events, producer).events == 3
        positions.append([a_position()], producer)
        assert producer.events[:3] == events
        assert [record.topic for record in producer.broker.records] == ["positions"] * 4


def test_what_is_not_acknowledged_is_raised() -> None:
    positions, broker = Positions(Lake("nowhere")), CaptureBroker()
    with CaptureProducer(broker=broker) as producer:
        broker.fail()
        with pytest.raises(DeliveryError, match="1 events were not acknowledged"):
            positions.append([a_position(), a_position()], producer)
        broker.go_away()
        with pytest.raises(BrokerUnreachableError):
            positions.append([a_position()], producer, seconds=0.1)
        broker.come_back()


def test_without_a_broker_and_without_a_producer_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADRACE_KAFKA__BOOTSTRAP_SERVERS", raising=False)
    with pytest.raises(ConfigError, match="HEADRACE_KAFKA__BOOTSTRAP_SERVERS"):
        Positions(Lake("nowhere")).append([a_position()])
