"""The replay of the quarantine, beside everything else that may be at work."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from headrace import Event, EventId, Price, Symbol, Table, UtcTimestamp
from headrace.contracts import Contract, RejectReason, contract_of
from headrace.errors import ConfigError, WrongTableError
from headrace.offsets import OffsetRange
from headrace.testing.waiting import PATIENCE_SECONDS, wait_for_more, wait_until
from headrace_ingest.replay import selection
from headrace_ingest.replay.selection import Selection
from tests.behaviour.made_up import contract_for, tight_contract_for
from tests.behaviour.repeating import repeating
from tests.behaviour.world import DAY, TABLE, Row, World, fill, poison
from tests.faults.effects import in_step


def quarantined(world: World, count: int = 1000, *, torn: int = 0) -> World:
    """A drained world whose contract was too tight for half of its records, and is mended."""
    world.contract = tight_contract_for(world.topic.name)
    world.topic.extend([fill(number) for number in range(count)])
    world.topic.extend([poison(number) for number in range(torn)])
    world.drain(quarantine_max_ratio=1.0, quarantine_max_consecutive=count)
    world.assert_exact()
    world.contract = contract_for(world.topic.name)
    return world


def files(root: Path) -> dict[str, bytes]:
    """Everything that is stored."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_mended_contract_brings_its_records_home(world: World) -> None:
    quarantined(world, torn=3)
    assert len(world.landed()) == 500

    report = world.replay()

    assert (report.replayed, report.finished, report.pending) == (500, 0, 0)
    assert report.refused == {"not_json": 3}
    assert len(world.landed()) == 1000
    world.assert_exact()


def test_a_replayed_row_is_the_one_that_a_worker_would_have_made(memory_world: World, tmp_path: Path) -> None:
    memory_world.topic.append(fill(900), timestamp_ms=1_700_000_000_123, partition=1, headers=[("h", b"1")])
    memory_world.topic.append(fill(901, at=DAY - timedelta(days=3)), timestamp_ms=-1, key=b"\xff", partition=2)
    quarantined(memory_world).replay()

    at_once = World("memory", memory_world.topic, tmp_path / "another")
    at_once.drain(group="another")

    def comparable(world: World) -> list[Row]:
        rows = [{name: value for name, value in row.items() if name != "_ingested_at"} for row in world.rows()]
        return sorted(rows, key=lambda row: (row["_partition"], row["_offset"]))

    assert comparable(memory_world) == comparable(at_once)


def test_a_second_replay_changes_nothing(memory_world: World) -> None:
    quarantined(memory_world, torn=3).replay()
    before = files(memory_world.root)

    report = memory_world.replay()

    assert (report.replayed, report.finished, report.versions) == (0, 0, [])
    assert report.refused == {"not_json": 3}
    assert files(memory_world.root) == before


def test_a_dry_run_says_what_would_happen_and_writes_nothing(memory_world: World) -> None:
    quarantined(memory_world, torn=3)
    before = files(memory_world.root)

    report = memory_world.replay(dry_run=True)

    assert (report.replayed, report.refused, report.versions) == (500, {"not_json": 3}, [])
    assert files(memory_world.root) == before


def test_only_the_selected_records_are_replayed(memory_world: World) -> None:
    quarantined(memory_world, torn=2)
    first, second, third = sorted(place for place in memory_world.quarantined() if place[0] == 1)[:3]

    named = {1: [OffsetRange(first[1], second[1] + 1)]}
    assert memory_world.replay(Selection(offsets=named)).replayed == 2
    assert {first, second} <= memory_world.landed().keys()
    assert third not in memory_world.landed()
    assert memory_world.replay(Selection(reason=RejectReason.NOT_JSON)).refused == {"not_json": 2}
    assert memory_world.replay(Selection(since=datetime.now(UTC) + timedelta(hours=1))).replayed == 0
    report = memory_world.replay(Selection(reason=RejectReason.OUT_OF_BOUNDS, since=DAY - timedelta(days=9999)))
    assert (report.replayed, report.refused) == (498, {})
    memory_world.assert_exact()


def test_a_replay_beside_workers_that_quarantine_on_is_exact(world: World) -> None:
    quarantined(world)
    sent = 0

    def send() -> None:
        nonlocal sent
        world.topic.extend([poison(n) if n % 3 == 0 else fill(n) for n in range(sent, sent + 50)])
        sent += 50

    with world.running(flush_seconds=0.01), world.running(flush_seconds=0.01):
        home = 0
        for turn in range(10):
            send()
            # A tenth of the offsets at a time, so that commits of both kinds take turns.
            spans = [OffsetRange(turn * 35, turn * 35 + 35)]
            home += world.replay(Selection(offsets=dict.fromkeys(range(world.topic.partitions), spans))).replayed
        wait_until(lambda: len(world.quarantined()) > 600, "workers quarantine on")
        world.assert_proved()
    assert home == 500
    world.drain()
    world.assert_exact()


def test_two_replays_at_once_land_each_record_once(memory_world: World) -> None:
    quarantined(memory_world, 2000)
    start = threading.Barrier(4)

    def one(_number: int) -> int:
        start.wait(PATIENCE_SECONDS)
        return memory_world.replay().replayed

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(one, range(4))) == 1000
    memory_world.assert_exact()


def test_a_proof_beside_replays_holds_at_whatever_moment(memory_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = memory_world
    monkeypatch.setattr(selection, "GROUP_RECORDS", 25)
    world.contract = tight_contract_for(world.topic.name)
    world.topic.extend([fill(number) for number in range(300, 700)])
    with in_step(monkeypatch, records_per_poll=20):
        world.drain(flush_rows=20, quarantine_max_ratio=1.0)
    world.contract = contract_for(world.topic.name)
    resolved: list[int] = []

    def prove() -> None:
        report = world.prove()
        found = [finding for partition in report.partitions for finding in partition.findings]
        assert report.verdict == "PASS", [*report.findings, *found]
        resolved.append(sum(partition.resolved for partition in report.partitions))

    with repeating(prove):
        for first in range(0, 150, 10):
            # Between any two of its commits somebody may look.
            wait_for_more(resolved, 1)
            spans = [OffsetRange(first, first + 10)]
            world.replay(Selection(offsets=dict.fromkeys(range(3), spans)))
    assert len(set(resolved)) > 5, "proofs were made while records came home"
    world.assert_exact()


def other_contract(topic: str, *, version: int = 1, kind: Any = Price) -> Contract:
    """The contract with another version, or another kind of price."""

    class Fill(Event, topic=topic, key="symbol", table=Table(name=TABLE, partition_by="date"), schema_version=version):
        """One fill, of a made-up kind."""

        fill_id: EventId
        symbol: Symbol
        price: kind
        timestamp: UtcTimestamp

    return contract_of(Fill)


@pytest.mark.parametrize("change", [{"version": 2}, {"kind": Decimal}, {"kind": Price | None}])
def test_a_contract_with_other_columns_replays_nothing(memory_world: World, change: dict[str, Any]) -> None:
    quarantined(memory_world)
    memory_world.contract = other_contract(memory_world.topic.name, **change)
    before = files(memory_world.root)

    with pytest.raises(WrongTableError, match=r"price differ|headrace schema apply"):
        memory_world.replay()

    assert files(memory_world.root) == before


def test_a_table_that_does_not_exist_is_said_to_be_missing(memory_world: World) -> None:
    with pytest.raises(ConfigError, match="there is no table fills"):
        memory_world.replay()


def test_many_small_files_become_few_and_large_quarantines_are_taken_in_groups(
    memory_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = memory_world
    monkeypatch.setattr(selection, "GROUP_RECORDS", 200)
    world.contract = tight_contract_for(world.topic.name)
    world.topic.extend([fill(number) for number in range(500, 1000)])
    with in_step(monkeypatch, records_per_poll=10):
        world.drain(flush_rows=10, quarantine_max_ratio=1.0)
    before = len(world.table(f"{TABLE}__quarantine").file_uris())
    world.contract = contract_for(world.topic.name)

    report = world.replay()

    assert before >= 50
    assert (report.replayed, len(report.versions)) == (500, 3)
    assert len(world.table(f"{TABLE}__quarantine").file_uris()) == 3
    world.assert_exact()
