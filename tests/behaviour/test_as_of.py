"""Tables that workers fill and maintenance keeps, read as of what is asked."""

from pathlib import Path

import polars as pl
import pytest

from headrace.errors import AsOfError
from headrace.lake import KafkaPosition
from headrace.lake.latest.live import LiveFiles
from headrace.lake.store import Store
from tests.behaviour.as_of import drained, lake_of, places
from tests.behaviour.evenings import live
from tests.behaviour.latest import LatestWorld
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.upkeep import COLD, age_log, age_removals, maintain, outcomes
from tests.behaviour.world import TABLE, World, fill


def test_every_version_is_read_as_it_was_after_its_files_were_merged(memory_world: World) -> None:
    before = drained(memory_world, *[4] * 8)
    lake, positions = lake_of(memory_world), memory_world.positions()
    made = {version: lake.snapshot(TABLE, version).committed_at for version in before}
    stood = {version: lake.snapshot(TABLE, version).positions for version in before}

    assert ("compact", "done") in outcomes(maintain(memory_world)[TABLE])

    for version, rows in before.items():
        assert places(memory_world, version) == rows
        assert places(memory_world, made[version]) == rows
        for partition, position in stood[version].items():
            known = [place for place in rows if place[0] == partition]
            assert known == [(partition, offset) for offset in range(position)]
    for asked in range(positions[0] + 1):
        found = lake.snapshot(TABLE, KafkaPosition(0, asked))
        read = found.frame().filter(pl.col("_partition") == 0).select("_offset").collect()
        assert sorted(read["_offset"]) == list(range(asked))
        assert found.positions[0] == asked


def test_evenings_are_read_and_what_can_be_read_no_more_is_refused_with_the_reason(memory_world: World) -> None:
    evenings = live(memory_world, [1] * 4 + [12, 1], kept_days=90)
    merged = evenings[1].version - 1

    for evening in evenings:
        assert places(memory_world, evening.version) == evening.places
    with pytest.raises(
        AsOfError, match=f"version {merged} of fills can no longer be read: date=2026-03-02/"
    ) as refused:
        lake_of(memory_world).snapshot(TABLE, merged)
    said = str(refused.value)
    assert " is gone. The oldest that can be read is version 0, of " in said
    assert f" UTC, the last before it {evenings[0].version}, of " in said
    assert "left the table for 7 days (delta.deletedFileRetentionDuration); the last version of each day" in said
    assert said.endswith("day for 90 days (headrace.time_travel)")


def test_a_version_whose_log_was_cleaned_up_is_refused_and_what_is_left_is_read(memory_world: World) -> None:
    first = drained(memory_world, *[5] * 4)
    memory_world.table().create_checkpoint()
    first = {**first, **drained(memory_world, *[5] * 3)}
    age_log(memory_world, days=40)
    age_removals(memory_world, days=40)
    maintain(memory_world, COLD)
    kept = [
        version for version in first if (memory_world.root / TABLE / "_delta_log" / f"{version:020d}.json").exists()
    ]
    assert 0 < len(kept) < len(first)

    for version, rows in first.items():
        if version in kept:
            assert places(memory_world, version) == rows
        else:
            with pytest.raises(
                AsOfError, match=r"its part of the log is gone\. The oldest that can be read is version"
            ):
                places(memory_world, version)
    with pytest.raises(AsOfError, match=r"The oldest that can be read is version"):
        places(memory_world, KafkaPosition(0, 1))


def test_a_snapshot_stays_while_a_worker_goes_on(memory_world: World) -> None:
    world = memory_world
    with world.running(flush_seconds=0.02):
        world.await_landing(*world.topic.extend([fill(n) for n in range(10)]))
        found = lake_of(world).snapshot(TABLE)
        frame, positions = found.frame(), dict(found.positions)
        before = frame.collect()
        world.await_landing(*world.topic.extend([fill(n) for n in range(10, 30)]))
        assert frame.collect().equals(before)
        assert (found.frame().collect().height, dict(found.positions)) == (10, positions)
    assert len(places(world)) == 30


@pytest.fixture
def masked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LatestWorld:
    """A file of many rows of which each flush deletes one more."""
    monkeypatch.setattr("headrace.lake.latest.merging.SMALL", 0)
    world = LatestWorld("memory", MemoryTopic(1), tmp_path)
    for account in range(20):
        world.send(account, at=0)
    world.drain()
    return world


def test_latest_rows_are_read_as_they_were_with_the_deletion_vectors_of_that_version(masked: LatestWorld) -> None:
    lake, states = lake_of(masked), {}
    for account in range(4):
        masked.send(account, at=account + 1, price=account + 1)
        masked.drain()
        version = masked.table().version()
        states[version] = lake.read(TABLE, columns=["account", "price"]).sort("account").collect()
        assert states[version].height == 20
        assert sorted(states[version]["price"])[-account - 2 :] == list(range(account + 2))

    for version, state in states.items():
        assert lake.read(TABLE, as_of=version, columns=["account", "price"]).sort("account").collect().equals(state)

    gone = lake.snapshot(TABLE, min(states))
    (vector,) = {each.vector.path for each in LiveFiles(Store(str(masked.root)), TABLE).at(gone.version) if each.vector}
    (masked.root / TABLE / vector).unlink()
    with pytest.raises(AsOfError, match=f"version {gone.version} of fills can no longer be read: {vector} is gone"):
        lake.snapshot(TABLE, gone.version)


# -- event time


# -- several tables
