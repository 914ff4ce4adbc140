"""`headrace rebuild --from TABLE`: the events of a table that keeps all of them."""

import shutil
from pathlib import Path

import pytest

import headrace_ingest.rebuild.comparing
import headrace_ingest.rebuild.event_log
import headrace_ingest.rebuild.sources
from headrace.errors import (
    CommitTimeoutError,
    ConfigError,
)
from headrace.lake.quarantine import quarantine_name
from tests.behaviour.latest import LOG, LatestWorld
from tests.behaviour.test_latest_proof import (
    ingest,
    last_wins,
)
from tests.behaviour.test_rebuild import kept, told
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.world import TABLE, poison


@pytest.fixture
def world(tmp_path: Path) -> LatestWorld:
    return LatestWorld("memory", MemoryTopic(2), tmp_path)


@pytest.fixture
def logged(world: LatestWorld) -> LatestWorld:
    """A table with a table of all events beside it; some keys were deleted, and came again with earlier times."""
    ingest(world)
    world.send(0, at=5, price=5)
    world.send(0, at=4)
    world.forget(9)
    world.topic.append(poison(7), partition=1)
    world.drain()
    world.drain_log()
    return world


@pytest.mark.parametrize("dropped", [False, True], ids=["kept", "dropped"])
def test_a_table_of_all_events_is_as_good_as_the_topic(
    logged: LatestWorld, monkeypatch: pytest.MonkeyPatch, dropped: bool
) -> None:
    monkeypatch.setattr(headrace_ingest.rebuild.event_log, "BATCH_ROWS", 5)
    logged.assert_latest()
    before = kept(logged)
    if dropped:
        for partition, end in logged.positions().items():
            logged.topic.delete_before(partition, end)
    report = logged.rebuild(LOG)
    assert (told(report.comparison), kept(logged), report.carried) == ({}, before, 0)
    assert logged.prove().verdict == "PASS"


def test_what_a_wrong_program_left_is_mended_from_a_table_of_all_events(
    world: LatestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as wrong:
        last_wins(wrong)
        ingest(world)
    world.drain_log()
    with world.running(flush_seconds=0.05) as worker:
        for account in range(3, 6):
            world.send(account, at=50)
        world.forget(6)
        world.await_all()
        world.drain_log()
        assert told(world.rebuild(LOG).comparison)
        world.send(20, at=1)
        world.await_all()
        assert worker.alive, worker.failure
    world.assert_latest()


def test_a_table_of_all_events_that_is_behind_is_waited_for_and_named(logged: LatestWorld) -> None:
    logged.send(1, at=60)
    logged.drain()
    with pytest.raises(CommitTimeoutError, match="headrace ingest fills_log --drain"):
        logged.rebuilder(LOG, commit_deadline_seconds=0.1).run()


def test_tables_that_do_not_keep_all_events_of_the_topic_are_refused(logged: LatestWorld) -> None:
    with pytest.raises(ConfigError, match="not every event"):
        logged.rebuilder(TABLE)
    with pytest.raises(ConfigError, match="there is no table"):
        logged.rebuilder("nowhere")
    logged.memory.recreate("another")
    shutil.rmtree(logged.root / LOG)
    shutil.rmtree(logged.root / quarantine_name(LOG))
    logged.drain_log()
    with pytest.raises(ConfigError, match="not of the same topic"):
        logged.rebuilder(LOG)


def test_a_table_of_all_events_that_begins_later_is_refused(logged: LatestWorld) -> None:
    shutil.rmtree(logged.root / LOG)
    shutil.rmtree(logged.root / quarantine_name(LOG))
    logged.topic.delete_before(0, 2)
    logged.drain_log()
    with pytest.raises(ConfigError, match="does not have all events"):
        logged.rebuild(LOG)
