"""What a worker makes of maintenance that is behind, that has caught up, that died, and that there never was."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headrace.contracts import Trade, contract_of
from headrace.lake.quarantine import quarantine_name
from headrace.lake.upkeep.debt import debt_path
from headrace.metrics import ingest, tables
from headrace.testing.manual_clock import ManualClock
from headrace.testing.waiting import wait_until
from headrace_ingest.worker import Worker
from tests.behaviour.exporting import exported
from tests.behaviour.running import Running
from tests.behaviour.scraping import value
from tests.behaviour.upkeep import feed, files, rounds_of
from tests.behaviour.world import TABLE, World, fill
from tests.faults.effects import Fault, recorded
from tests.logged import capture_logs

FLUSH, LIMIT = 1.0, 30.0
LASTING = 18 * 60.0
"""What a process that looks once a minute says holds for so many seconds."""


@pytest.fixture
def indebted(memory_world: World) -> World:
    """A world with 12 small files, whose workers' time stands still."""
    feed(memory_world, 12)
    return replace(memory_world, clock=ManualClock(datetime.now(UTC)))


@contextmanager
def maintenance_that_is_behind(world: World) -> Iterator[None]:
    """A process that does not come to merge: twelve files are one and a half times what is urgent."""
    with rounds_of(world, halted=True, urgent_files=8) as rounds:
        rounds.go(lambda: False)
        yield


def pass_time(world: World, seconds: float) -> None:
    assert isinstance(world.clock, ManualClock)
    world.clock.advance(seconds)


def await_age(world: World, worker: Worker, seconds: float) -> None:
    """Returns when batches may wait so long; the worker looks for what maintenance says every ten seconds."""
    pass_time(world, 10)
    wait_until(lambda: value(worker, ingest.FLUSH_AGE) == seconds, f"batches may wait {seconds:g} s")


def await_read(running: Running, records: int) -> None:
    wait_until(lambda: running.worker._batch.records == records, "they are read")


def test_a_worker_flushes_less_often_until_the_debt_is_paid(indebted: World) -> None:
    world = indebted
    with capture_logs() as lines, world.running(flush_seconds=FLUSH, freshness_seconds=LIMIT) as running:
        with maintenance_that_is_behind(world):
            await_age(world, running.worker, 1.5)
            first = world.topic.append(fill(9_001))
            await_read(running, 1)
            pass_time(world, 1.4)
            second = world.topic.append(fill(9_002))
            await_read(running, 2)
            assert not world.have_landed(first)
            pass_time(world, 0.1)
            world.await_landing(first, second)
        with rounds_of(world, urgent_files=8) as rounds:
            rounds.go(lambda: False)
            assert len(files(world)) == 1
            await_age(world, running.worker, FLUSH)
    said = [line for line in lines if str(line["event"]).startswith("flushes_")]
    assert [(line["event"], line["seconds"]) for line in said] == [("flushes_put_off", 1.5), ("flushes_as_set", FLUSH)]
    assert said[0]["reason"] == "12 small files in one partition"
    world.assert_exact()


@pytest.mark.parametrize("torn", [False, True])
def test_what_a_dead_process_said_means_nothing_soon_and_nothing_at_once_if_it_is_torn(
    indebted: World, torn: bool
) -> None:
    world, said = indebted, indebted.root / debt_path(TABLE)
    with world.running(flush_seconds=FLUSH, freshness_seconds=LIMIT) as running:
        with maintenance_that_is_behind(world):
            await_age(world, running.worker, 1.5)
            left = said.read_bytes()
        assert not said.exists()
        said.write_bytes(left[:20] if torn else left)
        if not torn:
            await_age(world, running.worker, 1.5)
            pass_time(world, LASTING)
        await_age(world, running.worker, FLUSH)
    world.assert_exact()


def test_what_was_told_is_renewed_between_jobs(memory_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    feed(memory_world, 8, days=2)
    said = memory_world.root / debt_path(TABLE)
    renewed: list[bool] = []
    with recorded(monkeypatch) as effects, rounds_of(memory_world) as rounds:
        effects.plan(
            Fault("write rows of the table", 1, "before", said.unlink),
            Fault("write rows of the table", 2, "before", lambda: renewed.append(said.exists())),
        )
        rounds.go(lambda: False)
    assert renewed == [True]


def checkpoints(world: World, name: str = TABLE) -> list[int]:
    return sorted(int(path.name[:20]) for path in log_of(world, name).glob("*.checkpoint.parquet"))


def log_of(world: World, name: str) -> Path:
    return world.root / name / "_delta_log"


def land(world: World, commits: int) -> None:
    """So many commits by one worker that writes a checkpoint of every tenth."""
    with world.running(flush_seconds=0.01, checkpoint_every=10):
        for number in range(commits):
            world.await_landing(world.topic.append(fill(number)))


def test_beside_maintenance_a_worker_writes_a_checkpoint_only_beyond_five_times_as_many_versions(
    memory_world: World,
) -> None:
    land(memory_world, 12)
    assert checkpoints(memory_world) == [10]
    with rounds_of(memory_world, checkpoint_versions=100_000, compact_files=100_000, urgent_files=100_000) as rounds:
        rounds.go(lambda: False)
        land(memory_world, 50)
        assert checkpoints(memory_world) == [10, 60]
    land(memory_world, 12)
    assert checkpoints(memory_world) == [10, 60, 70]
    assert checkpoints(memory_world, quarantine_name(TABLE)) == []
    memory_world.assert_exact()


def test_maintenance_writes_checkpoints_and_workers_leave_it_to_them(memory_world: World) -> None:
    memory_world.drain()
    with capture_logs() as lines, rounds_of(memory_world, checkpoint_versions=10) as rounds:
        for _ in range(3):
            rounds.go(lambda: False)
            land(memory_world, 12)
        rounds.go(lambda: False)
    assert len(checkpoints(memory_world)) == 3
    assert [line for line in lines if line["event"] == "checkpoint"] == []
    memory_world.assert_exact()


def test_the_exporter_tells_the_debt_that_workers_hear(indebted: World) -> None:
    with exported(indebted) as shown:
        assert shown.series(tables.DEBT) == {}
        with maintenance_that_is_behind(indebted):
            shown.turn()
            assert shown.value(tables.DEBT) == 1.5
        indebted.contract = contract_of(Trade)  # of another name: nobody merges the table's files
        with maintenance_that_is_behind(indebted):
            shown.turn()
            assert shown.value(tables.DEBT) == 0
        shown.turn()
        assert shown.series(tables.DEBT) == {}
