"""Maintenance beside a table of latest rows: it takes what nobody needs, and no vector that is in use."""

from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from deltalake import DeltaTable

from headrace.lake.latest.unused import unused_vectors
from headrace.lake.log import DeltaLog
from headrace.lake.store import Store
from headrace.lake.upkeep.stats import gather
from headrace.metrics import maintenance, tables
from headrace.testing.waiting import wait_until
from tests.behaviour.exporting import exported
from tests.behaviour.latest import LatestWorld
from tests.behaviour.repeating import repeating
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.upkeep import outcomes, rounds_of
from tests.behaviour.world import TABLE

LATER = timedelta(days=8)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LatestWorld:
    """A file of many rows of which each flush deletes one more."""
    monkeypatch.setattr("headrace.lake.latest.merging.SMALL", 0)
    world = LatestWorld("memory", MemoryTopic(1), tmp_path)
    for account in range(30):
        world.send(account, at=0)
    world.drain()
    for account in range(5):
        world.send(account, at=1)
        world.drain()
    return world


def vectors(world: LatestWorld) -> set[str]:
    folder = world.root / TABLE / "_deletions"
    return {f"_deletions/{path.name}" for path in folder.iterdir()}


def test_vectors_are_kept_as_long_as_files_that_left_the_table(world: LatestWorld) -> None:
    store, version, now = Store(str(world.root)), world.table().version(), datetime.now(UTC)
    assert len(vectors(world)) == 5
    assert unused_vectors(store, TABLE, version, before=now + LATER) == {}  # commits still tell of them
    world.table().alter.set_table_properties({"delta.deletedFileRetentionDuration": "interval 0 seconds"})
    DeltaLog(store, TABLE).checkpoint()
    version = world.table().version()
    unused = unused_vectors(store, TABLE, version, before=now + LATER)
    assert len(unused) == 4
    assert all(size == (world.root / TABLE / path).stat().st_size for path, size in unused.items())
    assert unused_vectors(store, TABLE, version, before=now - LATER) == {}
    kept = unused_vectors(store, TABLE, version, before=now + LATER, versions=[5])
    assert len(kept) == 3
    assert unused.keys() <= gather(store, TABLE, now=now + LATER).expired.keys()
    for path in unused:
        (world.root / TABLE / path).unlink()
    world.assert_latest()


def test_the_librarys_full_vacuum_does_not_see_vectors(world: LatestWorld) -> None:
    table = DeltaTable(str(world.root / TABLE))
    found = table.vacuum(retention_hours=0, enforce_retention_duration=False, full=True, dry_run=True)
    assert not [path for path in found if "deletion_vector" in path]
    assert not {file.path for file in gather(Store(str(world.root)), TABLE).files} & set(found)


def test_maintenance_leaves_the_files_to_the_workers_and_says_so(world: LatestWorld) -> None:
    stats = gather(Store(str(world.root)), TABLE)
    assert stats.protected == "workers merge the files of a table of latest rows while they write"
    with rounds_of(world, urgent_files=8) as rounds:
        rounds.go(lambda: False)
        registry = rounds._metrics.registry
        assert registry.get_sample_value(maintenance.LEFT_ALONE.name, {"table": TABLE}) == 0
        with exported(world, maintain={"urgent_files": 8}) as shown:
            assert shown.value(tables.DEBT) == 0


def test_a_worker_that_flushes_all_the_time_and_maintenance_do_not_hold_each_other_up(
    world: LatestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither files nor commits behind a checkpoint pile up, and no job is overtaken."""
    monkeypatch.setattr("headrace.lake.latest.merging.SMALL", 4)
    turns = count()

    def send() -> None:
        for account in range(30):
            world.send(account, at=10 + next(turns), desk="AB"[account % 2])

    done, seen = set[str](), []
    with (
        world.running(flush_seconds=0.02) as worker,
        repeating(send, pause=0.1),
        rounds_of(world, LATER, checkpoint_versions=10) as rounds,
    ):
        for _ in range(3):
            await_flushes(world, 5)
            found = {each.table: each for each in rounds.go(lambda: False)}[TABLE]
            assert found.problem is None
            assert {outcome for _, outcome in outcomes(found)} <= {"done"}
            done |= {kind for kind, _ in outcomes(found)}
            seen.append(gather(Store(str(world.root)), TABLE))
        assert worker.alive, worker.failure
    assert "checkpoint" in done
    assert all(len(stats.files) < 30 for stats in seen)
    assert all(stats.since_checkpoint < 50 for stats in seen)
    world.drain()
    world.assert_latest()


def await_flushes(world: LatestWorld, count: int) -> None:
    """Returns when the worker has made so many versions more."""
    before = world.table().version()
    wait_until(lambda: world.table().version() >= before + count, "the worker flushes")
