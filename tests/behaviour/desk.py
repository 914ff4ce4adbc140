"""A lake of any tables, each filled by a real worker from a topic in memory."""

import zlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import polars as pl

from headrace import Event
from headrace.clock import SystemClock
from headrace.contracts import Contract, contract_of
from headrace.kafka.statistics import ClientObserver
from headrace.lake import Lake
from headrace.settings import load_settings
from headrace.testing.memory_broker import MemoryBroker, MemoryConsumer
from headrace_ingest.monitoring import new_metrics
from headrace_ingest.wiring import Ends, build_worker
from tests.behaviour.running import Running

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)

PARTITIONS = 2


class Desk:
    """Bots, topics, workers and the lake of a trading desk."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "lake"
        self.lake = Lake(str(self.root))
        self._topics: dict[str, MemoryBroker] = {}
        self._told: dict[str, Contract] = {}

    def topic(self, contract: Contract) -> MemoryBroker:
        """The topic of a contract."""
        return self._topics.setdefault(contract.topic, MemoryBroker(contract.topic, partitions=PARTITIONS))

    def tell(self, *events: Event) -> None:
        """Events into their topics, by their keys, and from there into the tables."""
        for event in events:
            contract = contract_of(type(event))
            key = str(getattr(event, contract.key)).encode()
            self.topic(contract).append(event.to_wire(), key=key, partition=zlib.crc32(key) % PARTITIONS)
            self._told[contract.name] = contract
        self.drain(self._told.values())
        self._told.clear()

    def drain(self, contracts: Iterable[Contract], **ingest: object) -> None:
        """A worker of each table, until what is in its topic is durable; a table that is missing is created."""
        for contract in contracts:
            settings = load_settings(lake={"root": str(self.root)}, ingest={"flush_seconds": 0.05, **ingest})
            group = self.topic(contract).another_group()
            ends = Ends(self.topic(contract), partial(_member, group))
            metrics = new_metrics(settings, contract, SystemClock())
            Running(build_worker(settings, contract, ends, drain=True, metrics=metrics)).start().join()


def _member(group: MemoryBroker, _observer: ClientObserver, _id: str) -> MemoryConsumer:
    return group.consumer()


def column(rows: pl.LazyFrame, *names: str) -> list[object]:
    """Values of a column, or tuples of several, sorted."""
    found = rows.select(names).collect().rows()
    return sorted(row[0] if len(names) == 1 else row for row in found)
