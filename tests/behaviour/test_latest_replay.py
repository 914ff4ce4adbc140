"""`quarantine replay` of a table of latest rows: a record becomes a row unless something of its key counts more."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from headrace.errors import TopicRecreatedError
from headrace.lake.latest.live import LiveFile
from headrace.lake.quarantine import quarantine_name
from headrace_ingest.rebuild.building import Build
from headrace_ingest.rebuild.report import Comparison, RebuildReport
from headrace_ingest.replay.replayer import Replayer
from headrace_ingest.replay.report import ReplayReport
from headrace_ingest.replay.selection import Group
from tests.behaviour.holdings import latest_contract_for, tight_latest_contract_for
from tests.behaviour.latest import LatestWorld
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.world import TABLE, poison

HOME, LOST, TORN = 3, 4, 1
DEAR = 90


def refused(folder: Path) -> LatestWorld:
    """A table and its quarantine, filled by a contract that was too tight; now it is not."""
    world = LatestWorld("memory", MemoryTopic(2), folder)
    world.contract = tight_latest_contract_for(world.topic.name)
    for account in range(1, 8):
        world.send(account, at=10, price=DEAR)
    world.topic.append(poison(1), partition=1)
    world.send(1, at=20)  # later: the refused one has lost
    world.send(3, at=5)  # earlier: it wins
    world.send(4, at=15)
    world.forget(4)
    world.forget(5)
    world.send(5, at=5)  # after the tombstone: it counts, however old
    world.forget(6)
    world.drain(quarantine_max_ratio=1.0)
    world.contract = latest_contract_for(world.topic.name)
    return world


@pytest.fixture
def world(tmp_path: Path) -> LatestWorld:
    return refused(tmp_path)


def counts(report: ReplayReport) -> tuple[int, int, int, int]:
    return report.replayed, report.outdated, sum(report.refused.values()), report.undecided


def test_a_record_becomes_a_row_unless_something_of_its_key_counts_more(world: LatestWorld) -> None:
    assert counts(world.replay(dry_run=True)) == (HOME, LOST, TORN, 0)
    report = world.replay()
    assert counts(report) == (HOME, LOST, TORN, 0)
    assert report.versions == [world.table().version()]
    prices = {row["account"]: int(row["price"]) for row in world.rows()}
    assert prices == {"1": 0, "2": DEAR, "3": DEAR, "5": 0, "7": DEAR}
    world.assert_latest()
    assert counts(world.replay()) == (0, 0, TORN, 0)
    marked = [row for row in world.rows(quarantine_name(TABLE)) if row["resolution"] == "replayed"]
    assert {row["resolved_version"] for row in marked} == set(report.versions)
    assert len(marked) == HOME + LOST


@pytest.mark.parametrize("compacted", [False, True], ids=["dropped", "compacted"])
def test_what_a_tombstone_may_have_deleted_stays_where_nobody_can_tell(world: LatestWorld, compacted: bool) -> None:
    if compacted:
        world.thinned = True
    else:
        for partition, end in world.positions().items():
            world.topic.delete_before(partition, end)
    before = world.rows()
    assert counts(world.replay()) == (0, 0, TORN, HOME + LOST)
    assert world.rows() == before
    assert world.prove().verdict == "PASS"


def test_a_topic_that_was_created_again_is_not_asked(world: LatestWorld) -> None:
    world.memory.recreate("another")
    with pytest.raises(TopicRecreatedError):
        world.replay()


def test_workers_that_go_on_meanwhile_lose_nothing(world: LatestWorld) -> None:
    with world.running(flush_seconds=0.05) as worker:
        for turn in range(4):
            world.send(2, at=8 + turn)
            world.forget(7)
            world.replay()
            world.send(7, at=turn)
        world.await_all()
        assert worker.alive, worker.failure
    world.replay()
    world.assert_latest()


def test_a_rebuild_between_the_rows_and_the_mark_takes_no_record_with_it(
    world: LatestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = Replayer._resolve
    rebuilt: list[RebuildReport] = []

    def late(replayer: Replayer, group: Group, versions: Mapping[int, int], rebuilds: int | None) -> bool:
        if not rebuilt:
            rebuilt.append(world.rebuild())
        return resolve(replayer, group, versions, rebuilds)

    monkeypatch.setattr(Replayer, "_resolve", late)
    world.replay()
    assert rebuilt
    world.assert_latest()


def test_a_replay_in_the_midst_of_a_rebuild_makes_it_begin_again(
    world: LatestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare = Build.compare
    replayed: list[ReplayReport] = []

    def late(build: Build, files: Sequence[LiveFile], scratch: Path) -> Comparison:
        if not replayed:
            replayed.append(world.replay())
        return compare(build, files, scratch)

    monkeypatch.setattr(Build, "compare", late)
    report = world.rebuild()
    assert counts(replayed[0]) == (HOME, LOST, TORN, 0)
    assert not report.comparison.differs
    world.assert_latest()
