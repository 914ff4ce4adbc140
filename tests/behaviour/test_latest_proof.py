"""What verify says of tables of latest rows that a wrong program has written: each defect has its name."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyroaring import BitMap64

import headrace.lake.latest.changes
import headrace.lake.latest.upserter
import headrace.read.proof.run
from headrace.lake.latest.upserter import Arrivals, Upserter
from headrace.lake.latest.vectors import DeletionVector, write_vectors
from headrace.lake.store import Store
from headrace.read.proof.findings import Code, Verdict
from headrace.read.proof.keyed import KeyStates
from headrace.testing.brokers import BrokerHandle
from tests.behaviour.holdings import holding
from tests.behaviour.latest import LatestWorld
from tests.behaviour.topics import ClusterTopic
from tests.behaviour.world import poison


def ingest(latest: LatestWorld) -> None:
    """Ten accounts, later and earlier events of them, and tombstones of three, each in a flush of its own."""
    for account in range(10):
        latest.send(account, at=30, price=30)
    latest.topic.append(poison(1), partition=0)
    latest.drain()
    for at in (10, 20):
        for account in range(10):
            latest.send(account, at=at, price=at)
    latest.send(9, at=40)
    latest.drain()
    for account in range(3):
        latest.forget(account)
    latest.drain()


def upserting(change: Callable[[Arrivals], Arrivals]) -> Callable[[pytest.MonkeyPatch], None]:
    """A program that changes what came before it writes it."""
    commit = Upserter.commit

    def plant(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(Upserter, "commit", lambda self, log, batch, *rest: commit(self, log, change(batch), *rest))

    return plant


def column(events: pa.Table, name: str, values: Any) -> pa.Table:
    place = events.schema.get_field_index(name)
    return events.set_column(place, events.schema.field(name), pc.cast(values, events.schema.field(name).type))


def dearer(batch: Arrivals) -> Arrivals:
    return Arrivals(
        column(batch.events, "price", pc.add(batch.events["price"], pa.scalar(Decimal(1)))), batch.tombstones
    )


def renamed(batch: Arrivals) -> Arrivals:
    names = pc.if_else(pc.equal(batch.events["account"], pa.scalar("7")), "17", batch.events["account"])
    return Arrivals(column(batch.events, "account", names), batch.tombstones)


def without_seven(batch: Arrivals) -> Arrivals:
    return Arrivals(batch.events.filter(pc.not_equal(batch.events["account"], pa.scalar("7"))), batch.tombstones)


def without_tombstones(batch: Arrivals) -> Arrivals:
    return Arrivals(batch.events, batch.tombstones.slice(0, 0))


def last_wins(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(headrace.lake.latest.changes, "beats", lambda _other: pl.lit(value=True))


def wrong_vectors(patch: pytest.MonkeyPatch) -> None:
    def wrong(store: Store, table: str, deleted: Mapping[str, BitMap64]) -> Mapping[str, DeletionVector]:
        return write_vectors(
            store, table, {path: BitMap64((row + 1) % 10 for row in rows) for path, rows in deleted.items()}
        )

    patch.setattr(headrace.lake.latest.merging, "SMALL", 0)
    patch.setattr(headrace.lake.latest.upserter, "write_vectors", wrong)


@pytest.mark.parametrize("limit", [200_000, 3], ids=["in memory", "spilled"])
@pytest.mark.parametrize(
    ("defect", "told"),
    [
        (upserting(dearer), {Code.VALUE_DIFFERS}),
        (upserting(renamed), {Code.LOST, Code.PHANTOM}),
        (upserting(without_seven), {Code.LOST}),
        (upserting(without_tombstones), {Code.PHANTOM}),
        (last_wins, {Code.OUTDATED}),
        (wrong_vectors, {Code.DUPLICATE, Code.LOST}),
        (lambda _patch: None, set()),
    ],
    ids=["value", "key", "missing", "undeleted", "outdated", "vectors", "none"],
)
def test_each_defect_of_a_program_is_told(
    latest: LatestWorld,
    monkeypatch: pytest.MonkeyPatch,
    defect: Callable[[pytest.MonkeyPatch], None],
    told: set[Code],
    limit: int,
) -> None:
    monkeypatch.setattr(headrace.read.proof.run, "KeyStates", partial(KeyStates, limit))
    defect(monkeypatch)
    ingest(latest)
    assert latest.found() >= told
    assert bool(latest.found()) == bool(told)


def test_records_that_retention_took_are_not_compared(latest: LatestWorld) -> None:
    ingest(latest)
    latest.topic.delete_before(0, 3)
    report = latest.prove()
    assert report.verdict is Verdict.PASS
    assert [partition.uncompared for partition in report.partitions] == [1, 0]


def test_a_topic_that_is_compacted_proves_what_it_still_has(latest: LatestWorld) -> None:
    ingest(latest)
    latest.thinned = True
    log = latest.memory._partitions[1]
    # Compaction keeps the last record of a key, which is not the one that counts.
    log.records = [record for record in log.records if record.offset >= 10]
    report = latest.prove()
    assert report.verdict is Verdict.PASS
    assert [partition.uncompared for partition in report.partitions] == [0, 3]


def without_later(batch: Arrivals) -> Arrivals:
    return Arrivals(batch.events.filter(pc.equal(batch.events["_offset"], pa.scalar(0, pa.int64()))), batch.tombstones)


def dearer_later(batch: Arrivals) -> Arrivals:
    prices = pc.if_else(
        pc.equal(batch.events["_partition"], pa.scalar(0, pa.int32())), Decimal(9), batch.events["price"]
    )
    return Arrivals(column(batch.events, "price", prices), batch.tombstones)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        pytest.param(None, set(), id="right"),
        pytest.param(without_later, {Code.LOST}, id="lost"),
        pytest.param(dearer_later, {Code.VALUE_DIFFERS}, id="altered"),
    ],
)
@pytest.mark.parametrize("limit", [200_000, 1])
def test_a_key_that_was_deleted_and_moved_has_the_row_that_came_after_the_tombstone(
    latest: LatestWorld,
    monkeypatch: pytest.MonkeyPatch,
    wrong: Callable[[Arrivals], Arrivals] | None,
    told: set[Code],
    limit: int,
) -> None:
    monkeypatch.setattr(headrace.read.proof.run, "KeyStates", partial(KeyStates, limit))
    stamp = 1_772_000_000_000
    latest.topic.append(holding(1, at=1), key=b"1", partition=1, timestamp_ms=stamp)
    latest.topic.append(None, key=b"1", partition=1, timestamp_ms=stamp + 1)
    latest.topic.append(holding(2, at=1), key=b"2", partition=0, timestamp_ms=stamp)
    latest.topic.append(holding(1, at=2), key=b"1", partition=0, timestamp_ms=stamp + 2)
    if wrong is not None:
        upserting(wrong)(monkeypatch)
    latest.drain()

    assert latest.found() == told


def test_what_is_not_in_the_topic_is_told_from_what_is_no_longer_there(latest: LatestWorld) -> None:
    ingest(latest)
    log = latest.memory._partitions[1]
    log.records = [record for record in log.records if record.offset >= 10]
    assert latest.found() >= {Code.PHANTOM, Code.COUNT_DIFFERS}


def test_a_key_with_two_rows_is_told_without_a_topic(latest: LatestWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong_vectors(monkeypatch)
    ingest(latest)
    assert Code.DUPLICATE in latest.found_in_files()


def test_a_file_of_vectors_that_is_damaged_or_gone_is_told(
    latest: LatestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headrace.lake.latest.merging, "SMALL", 0)
    ingest(latest)
    assert latest.found() == set()
    for vectors in (latest.root / "fills" / "_deletions").iterdir():
        vectors.write_bytes(vectors.read_bytes()[:-3])
    assert latest.found() >= {Code.FILE_DAMAGED}
    for vectors in (latest.root / "fills" / "_deletions").iterdir():
        vectors.unlink()
    assert latest.found() & {Code.FILE_MISSING, Code.FILE_DAMAGED}


def test_a_table_of_latest_rows_is_always_verified_whole(latest: LatestWorld) -> None:
    ingest(latest)
    report = latest.prove(since=2)
    assert (report.verdict, report.since) == (Verdict.PASS, None)
    assert any("all was verified" in finding.message for finding in report.findings)


@pytest.mark.kafka
def test_events_that_the_topic_deleted_unread_are_not_passed_over(tmp_path: Path, kafka_broker: BrokerHandle) -> None:
    latest = LatestWorld("kafka", ClusterTopic(kafka_broker, 1), tmp_path)
    for account in range(5):
        latest.send(account, at=1)
    latest.drain()
    for account in range(5):
        latest.send(account, at=2)
    latest.topic.delete_before(0, 8)

    (partition,) = latest.prove().partitions

    assert [(f.code, f.offset, f.count) for f in partition.findings if f.verdict is Verdict.UNKNOWN] == [
        (Code.EXPIRED_UNREAD, 5, 3)
    ]
