"""A topic, a lake and workers between them: what the suites about workers are written in.

The same `World` stands on the broker in memory, on the embedded one and on a real Kafka.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pyarrow.parquet as pq
from deltalake import DeltaTable

from headrace.clock import Clock, SystemClock
from headrace.contracts import Contract, explain
from headrace.lake.quarantine import quarantine_name
from headrace.offsets import Address
from headrace.read.proof.report import TableReport
from headrace.read.proof.verify import Verifier
from headrace.settings import Settings, load_settings
from headrace.testing.memory_broker import MemoryBroker, MemoryConsumer, StoredRecord
from headrace.testing.waiting import PATIENCE_SECONDS, wait_until
from headrace_ingest.monitoring import new_metrics
from headrace_ingest.ports import Consumer
from headrace_ingest.replay.report import ReplayReport
from headrace_ingest.replay.selection import Selection
from headrace_ingest.replay.wiring import build_replayer
from headrace_ingest.wiring import build_worker
from headrace_ingest.worker import Worker
from tests.behaviour.made_up import FILLS, MODULE, contract_for
from tests.behaviour.memberships import CLASSIC, Membership
from tests.behaviour.running import Running
from tests.behaviour.topics import ClusterTopic, MemoryTopic, Topic

TABLE = FILLS
Row = dict[str, Any]
"""Columns by name, and whatever Parquet holds in them."""
Command = Callable[..., tuple[int, str]]
"""A command line on a world: its exit code and its standard output."""

DAY = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


def fill(number: int, *, at: datetime = DAY, note: str = "fill") -> bytes:
    """The canonical value of a valid record."""
    stamp = (at + timedelta(milliseconds=number)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    price = f"{Decimal(number % 1000) / 100:.4f}"
    return f'{{"fill_id":"{note}-{number}","symbol":"SPY","price":"{price}","timestamp":"{stamp}"}}'.encode()


def poison(number: int) -> bytes:
    """A value that can never become a row."""
    return b"{torn " + str(number).encode() + b"\xff"


@dataclass
class World:
    """Everything around the workers of one table.

    Attributes:
        kind: which broker.
        topic: what they read.
        folder: of the test; the lake lies below it.
        membership: how workers come by their partitions.
        contract: of the table.
        clock: of the workers.
        metrics: settings of the workers, as MetricsSettings names them.
    """

    kind: Literal["memory", "embedded", "kafka"]
    topic: Topic
    folder: Path
    membership: Membership = CLASSIC
    contract: Contract = field(init=False)
    clock: Clock = field(default_factory=SystemClock)
    metrics: Mapping[str, object] = field(default_factory=lambda: {"offsets_seconds": 0.1})

    def __post_init__(self) -> None:
        self.contract = contract_for(self.topic.name)

    @property
    def root(self) -> Path:
        return self.folder / "lake"

    @property
    def memory(self) -> MemoryBroker:
        """The broker in memory, for tests that are about it alone."""
        assert isinstance(self.topic, MemoryTopic)
        return self.topic.broker

    def expel(self, consumer: Consumer) -> None:
        """Gives the partitions of a member of the group in memory to others; it learns so at its next poll."""
        assert isinstance(consumer, MemoryConsumer)
        self.memory.expel(consumer)

    @property
    def cluster(self) -> ClusterTopic:
        """The topic on a broker that is addressed."""
        assert isinstance(self.topic, ClusterTopic)
        return self.topic

    def settings(self, *, kafka: Mapping[str, object] | None = None, **ingest: object) -> Settings:
        """Settings of a worker; `ingest` as IngestSettings names them."""
        reach = self.topic.kafka().model_dump(exclude_unset=True) | dict(self.membership.kafka) | dict(kafka or {})
        chosen = {"flush_seconds": 0.2, **ingest}
        return load_settings(kafka=reach, lake={"root": str(self.root)}, ingest=chosen, metrics=self.metrics)

    def worker(
        self,
        *,
        drain: bool = False,
        group: str | None = None,
        member: str = "one",
        partitions: Iterable[int] | None = None,
        kafka: Mapping[str, object] | None = None,
        **ingest: object,
    ) -> Worker:
        """A worker that has not begun.

        Args:
            drain: whether it ends by itself.
            group: its group; by default the topic's.
            member: its id where members have one: no two workers may have the same at a time.
            partitions: what it reads where no group decides; by default all there are.
            kafka: settings, as KafkaSettings names them.
            ingest: settings, as IngestSettings names them.
        """
        identity = {"group_instance_id": member} if self.membership.static else {}
        settings = self.settings(kafka=identity | dict(kafka or {}), **ingest)
        named = tuple(range(self.topic.partitions) if partitions is None else partitions)
        by_hand = named if self.membership.by_hand else None
        ends = self.topic.ends(settings, self.contract, group or self.topic.name, by_hand)
        metrics = new_metrics(settings, self.contract, self.clock)
        return build_worker(settings, self.contract, ends, drain=drain, metrics=metrics)

    def consumer(self) -> Consumer:
        """A member of the group without a worker."""
        settings = self.settings()
        ends = self.topic.ends(settings, self.contract, self.topic.name)
        return ends.consumer(new_metrics(settings, self.contract, self.clock), "no table's")

    def running(self, **how: Any) -> Running:
        """A worker in a context: `with world.running(): ...`."""
        return Running(self.worker(**how))

    def drain(self, **how: Any) -> Worker:
        """Runs a worker until everything that is in the topic now is durable."""
        worker = self.worker(drain=True, **how)
        Running(worker).start().join()
        return worker

    def replay(self, selection: Selection | None = None, *, dry_run: bool = False, **ingest: object) -> ReplayReport:
        """Runs a replay of the quarantine by the world's contract as it is now."""
        replayer = build_replayer(self.settings(kafka=None, **ingest), self.contract, clock=self.clock, dry_run=dry_run)
        return replayer.run(selection or Selection(), dry_run=dry_run)

    def module(self) -> str:
        """The world's contract as the text of a module, for processes."""
        return MODULE.format(topic=self.topic.name, table=TABLE)

    # -- what came of it

    def table(self, name: str = TABLE) -> DeltaTable:
        return DeltaTable(str(self.root / name))

    def rows(self, name: str = TABLE) -> list[Row]:
        """All rows of the newest version, read from its files."""
        rows: list[Row] = []
        for uri in self.table(name).file_uris():
            path = str(uri).removeprefix("file://")
            folder = Path(path).parent.name
            date = {"date": folder.removeprefix("date=")} if folder.startswith("date=") else {}
            rows += [row | date for row in pq.read_table(path, partitioning=None).to_pylist()]
        return rows

    def landed(self) -> dict[Address, bytes]:
        """Per address the canonical value that its row amounts to.

        Raises:
            AssertionError: an address is there twice.
        """
        rows = self.rows()
        _assert_once(TABLE, rows)
        event, names = self.contract.event, [f.name for f in self.contract.fields]
        return {_address(row): event(**{name: row[name] for name in names}).to_wire() for row in rows}

    def quarantined(self) -> dict[Address, Row]:
        """Rows of the quarantine by address.

        Raises:
            AssertionError: an address is there twice.
        """
        rows = self.rows(quarantine_name(TABLE))
        _assert_once("the quarantine", rows)
        return {_address(row): row for row in rows}

    def positions(self) -> dict[int, int]:
        """Per partition the table's txn."""
        table = DeltaTable(str(self.root / TABLE), without_files=True)
        found = table.metadata().configuration
        source = "/".join(str(found[f"headrace.{name}"]) for name in ("pipeline", "cluster_id", "topic_id"))
        txns = {p: table.transaction_version(f"{source}/{p}") for p in range(self.topic.partitions)}
        return {p: version for p, version in txns.items() if version is not None}

    def exists(self) -> bool:
        """Whether there is a table."""
        return DeltaTable.is_deltatable(str(self.root / TABLE))

    def have_landed(self, *addresses: Address) -> bool:
        """Whether the table's positions are past `addresses`."""
        if not self.exists():
            return False
        positions = self.positions()
        return all(positions.get(partition, 0) > offset for partition, offset in addresses)

    def await_landing(self, *addresses: Address, seconds: float = PATIENCE_SECONDS) -> None:
        """Returns when the table's positions are past `addresses`."""
        log, looked_at = self.root / TABLE / "_delta_log", set[str]()

        def landed() -> bool:
            nonlocal looked_at
            before, looked_at = looked_at, set(os.listdir(log)) if log.is_dir() else set()
            return looked_at != before and self.have_landed(*addresses)

        wait_until(landed, f"{addresses[:3]} land", seconds=seconds)

    def notes(self, name: str = TABLE) -> list[Row]:
        """What each commit of the log says of itself, the oldest first."""
        found: list[Row] = []
        for path in sorted((self.root / name / "_delta_log").glob("*.json")):
            infos = [json.loads(line).get("commitInfo") for line in path.read_text().splitlines()]
            found.append(next((info.get("headrace", {}) for info in infos if info), {}))
        return found

    def replayed(self) -> dict[Address, int]:
        """The places that commits say they replayed, and their versions.

        Raises:
            AssertionError: a place is named twice.
        """
        every, newest = self.notes(), max(int(path.stem) for path in (self.root / TABLE / "_delta_log").glob("*.json"))
        notes = [(v, note) for v, note in enumerate(every, newest + 1 - len(every)) if note.get("kind") == "replay"]
        listed = [
            ((int(p), o), version) for version, note in notes for p, found in note["offsets"].items() for o in found
        ]
        assert len(dict(listed)) == len(listed)
        return dict(listed)

    def prove(self) -> TableReport:
        """The report of `headrace verify`."""
        return Verifier(self.root, {self.contract.name: self.contract}, self.topic.truth(self.folder)).verify(TABLE)

    def assert_exact(self, *, records: Mapping[Address, StoredRecord] | None = None) -> None:
        """Table and quarantine hold every record of the topic once, with its value, and the proof says so.

        What today's contract accepts is in the table; of it the quarantine may hold what was replayed.
        """
        expected = self.topic.records if records is None else records
        bad = {a: flaw for a, r in expected.items() if (flaw := explain(self.contract, r.value)) is not None}
        good = {a: r.value for a, r in expected.items() if a not in bad}
        assert self.landed() == good
        found, home = self.quarantined(), self.replayed()
        assert {a for a, row in found.items() if row["resolution"] is None} == bad.keys()
        for address, row in found.items():
            headers = tuple((h["key"], h["value"]) for h in row["headers"] or ())
            sent = expected[address]
            assert (row["key"], row["value"], headers) == (sent.key, sent.value, sent.headers)
            if address in bad:
                assert row["reason"] == bad[address].reason
                assert (row["resolved_at"], row["resolved_version"]) == (None, None)
            else:
                assert row["resolution"] == "replayed"
                assert row["resolved_version"] == home[address]
        self.assert_proved()

    def assert_proved(self) -> None:
        """`headrace verify` passes."""
        report = self.prove()
        findings = [*report.findings, *(f for partition in report.partitions for f in partition.findings)]
        assert report.verdict == "PASS", findings


def _address(row: Row) -> Address:
    return row["_partition"], row["_offset"]


def _assert_once(where: str, rows: Sequence[Row]) -> None:
    twice = {address: count for address, count in Counter(map(_address, rows)).items() if count > 1}
    assert not twice, f"{where} has addresses more than once: {twice}"
