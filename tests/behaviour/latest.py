"""A table of latest rows between a topic and its readers, and what it has to hold by the rule alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event as Flag
from typing import Any

import polars as pl

from headrace.contracts import Contract, explain
from headrace.lake.quarantine import quarantine_name
from headrace.offsets import Address
from headrace.read.proof.canonical import ValueCodec
from headrace.read.proof.findings import Code
from headrace.read.proof.given import Base
from headrace.read.proof.identity import TableIdentity
from headrace.read.proof.report import TableReport
from headrace.read.proof.truth import Truth
from headrace.read.proof.verify import Verifier, no_progress
from headrace.testing.memory_broker import StoredRecord
from headrace_ingest.rebuild.rebuilder import Rebuilder
from headrace_ingest.rebuild.report import RebuildReport
from headrace_ingest.rebuild.wiring import TOPIC, decoder_of, log_source, run_rebuild, subject_of, topic_source
from headrace_ingest.replay.replayer import Replayer
from headrace_ingest.replay.report import ReplayReport
from headrace_ingest.replay.selection import Selection
from headrace_ingest.replay.wiring import build_replayer, run_replay
from tests.behaviour.holdings import MODULE, holding, latest_contract_for, log_contract_for
from tests.behaviour.latest_topic import MemoryLog, MemoryTruth
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.world import TABLE, Row, World

SENT = 1_772_000_000_000
"""Kafka's timestamp of records that say when they were sent, milliseconds."""


@dataclass
class LatestWorld(World):
    """Everything around the workers of a table of latest rows."""

    contract: Contract = field(init=False)
    thinned: bool = False

    def __post_init__(self) -> None:
        self.contract = latest_contract_for(self.topic.name)

    def module(self) -> str:
        """The world's contract as the text of a module, for processes."""
        return MODULE.format(topic=self.topic.name, table=TABLE)

    def send(self, account: int, *, at: float, partition: int | None = None, **more: Any) -> Address:
        """Appends an event; all of an account are in one partition unless that is said."""
        home = account % self.topic.partitions if partition is None else partition
        return self.topic.append(holding(account, at=at, **more), key=str(account).encode(), partition=home)

    def forget(self, account: int, *, partition: int | None = None) -> Address:
        """Appends a tombstone."""
        home = account % self.topic.partitions if partition is None else partition
        return self.topic.append(None, key=str(account).encode(), partition=home)

    def move(self, account: int, partition: int, *, at: float | None, seconds: int, price: int = 0) -> Address:
        """Appends an event, or a tombstone without `at`, anywhere, so many seconds after `SENT` by Kafka's clock."""
        value = None if at is None else holding(account, at=at, price=price)
        key, stamp = str(account).encode(), SENT + seconds * 1_000
        return self.topic.append(value, key=key, partition=partition, timestamp_ms=stamp)

    def await_all(self) -> None:
        """Returns when the table's positions are past all that is in the topic now."""
        last = {partition: offset for partition, offset in sorted(self.topic.records)}
        self.await_landing(*last.items())

    def rows(self, name: str = TABLE) -> list[Row]:
        """All rows of the newest version, as polars reads them."""
        return pl.read_delta(str(self.root / name)).to_dicts()

    def assert_rows(self) -> None:
        """Of every key the table holds the event that counts among the records before its positions."""
        rows, positions = self.rows(), self.positions()
        assert len({row["account"] for row in rows}) == len(rows)
        event, names = self.contract.event, [f.name for f in self.contract.fields]
        found = {
            (row["_partition"], row["_offset"]): event(**{name: row[name] for name in names}).to_wire() for row in rows
        }
        records = {a: record for a, record in self.topic.records.items() if a[1] < positions.get(a[0], 0)}
        assert found == {address: records[address].value for address in expected(self.contract, records).values()}

    def assert_latest(self) -> None:
        """All records have been read, the table holds what counts of them, and the quarantine what is none."""
        records, positions = self.topic.records, self.positions()
        assert all(offset < positions[partition] for partition, offset in records)
        self.assert_rows()
        bad = {a for a, r in records.items() if r.value is not None and explain(self.contract, r.value)}
        bad |= {a for a, r in records.items() if r.value is None and r.key is None}
        self.assert_proved()
        rows = [row for row in self.rows(quarantine_name(TABLE)) if row["resolution"] is None]
        assert sorted((row["_partition"], row["_offset"]) for row in rows) == sorted(bad)

    def prove(self, *, since: int | None = None) -> TableReport:
        """The report of `headrace verify`; the broker in memory answers for itself."""

        def memory(_identity: TableIdentity, codec: ValueCodec | None) -> Truth:
            return MemoryTruth(self.memory, codec, self.thinned)

        truth = memory if isinstance(self.topic, MemoryTopic) else self.topic.truth(self.folder)
        return Verifier(self.root, {self.contract.name: self.contract}, truth).verify(
            TABLE, None if since is None else Base(since)
        )

    def drain_log(self, *, below: int = 1_000_000, **ingest: Any) -> None:
        """Brings the table of all events to the end of the topic; it refuses prices of `below` and more."""
        beside = World(self.kind, self.topic, self.folder)
        beside.contract = log_contract_for(self.topic.name, below=below)
        beside.drain(group="of the log", **ingest)

    def replayer(self, *, dry_run: bool = False, **ingest: Any) -> Replayer:
        """What `headrace quarantine replay` runs, on the topic in memory."""
        topic = MemoryLog(self.memory, self.thinned)
        settings = self.settings(**ingest)
        return build_replayer(settings, self.contract, clock=self.clock, dry_run=dry_run, topic=topic)

    def replay(self, selection: Selection | None = None, *, dry_run: bool = False, **ingest: Any) -> ReplayReport:
        chosen = selection or Selection()
        if isinstance(self.topic, MemoryTopic):
            return self.replayer(dry_run=dry_run, **ingest).run(chosen, dry_run=dry_run)
        return run_replay(self.settings(**ingest), self.contract, chosen, dry_run=dry_run)

    def rebuilder(self, name: str = TOPIC, **ingest: Any) -> Rebuilder:
        """What `headrace rebuild` runs, on the topic in memory or on a table."""
        settings = self.settings(**ingest)
        subject, decoder = subject_of(settings, self.contract), decoder_of(settings, self.contract)
        if name == TOPIC:
            topic = MemoryLog(self.memory, self.thinned)
            source = topic_source(subject, topic, decoder, self.clock)
        else:
            source = log_source(subject, name, decoder, self.clock)
        return Rebuilder(subject, source, self.clock, Flag().wait, no_progress)

    def rebuild(self, name: str = TOPIC, *, dry_run: bool = False) -> RebuildReport:
        """`headrace rebuild --from NAME`."""
        if isinstance(self.topic, MemoryTopic):
            return self.rebuilder(name).run(dry_run=dry_run)
        return run_rebuild(self.settings(), self.contract, name, no_progress, dry_run=dry_run)

    def found_in_files(self) -> set[Code]:
        """The same without the topic."""
        return set(Verifier(self.root, {self.contract.name: self.contract}).verify(TABLE).counts)

    def found(self) -> set[Code]:
        """Kinds of what verify holds against the table."""
        return set(self.prove().counts)


def expected(contract: Contract, records: Mapping[Address, StoredRecord]) -> dict[str, Address]:
    """Per key the address of the record that counts; keys are never in two partitions here."""
    ranks: dict[str, tuple[datetime, int, int, int]] = {}
    for (partition, offset), record in sorted(records.items()):
        if record.value is None:
            if record.key is not None:
                ranks.pop(record.key.decode(), None)
        elif explain(contract, record.value) is None:
            event: Any = contract.event.from_wire(record.value)
            rank = (event.timestamp, record.timestamp_ms, partition, offset)
            ranks[event.account] = max(rank, ranks.get(event.account, rank))
    return {account: (partition, offset) for account, (_, _, partition, offset) in ranks.items()}
