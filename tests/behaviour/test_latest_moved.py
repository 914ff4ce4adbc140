"""Keys that were deleted and were in more than one partition, as where partitions are added to a topic."""

from collections.abc import Sequence
from pathlib import Path

import pytest

import headrace_ingest.rebuild.sources
from headrace.lake.latest.live import LiveFile
from headrace.read.proof.findings import Code
from headrace_ingest.rebuild.building import Build
from headrace_ingest.rebuild.report import Comparison
from tests.behaviour.holdings import LOG, holding, latest_contract_for, tight_latest_contract_for
from tests.behaviour.latest import LatestWorld

DEAR = 60
"""A price that the tight contract refuses."""


def accounts(world: LatestWorld) -> list[str]:
    return sorted(row["account"] for row in world.rows())


@pytest.mark.parametrize("moved", [(1, 0), (0, 1)], ids=["tombstone-read-first", "event-read-first"])
def test_a_tombstone_takes_back_what_came_before_it_in_another_partition(
    strict_latest: LatestWorld, monkeypatch: pytest.MonkeyPatch, moved: tuple[int, int]
) -> None:
    monkeypatch.setattr(headrace_ingest.rebuild.sources, "BATCH_ROWS", 1)
    world, (events, tombstones) = strict_latest, moved
    for account in (1, 2, 3):
        world.move(account, events, at=1, seconds=0)
    world.drain()
    world.move(1, tombstones, at=None, seconds=5)
    world.move(3, tombstones, at=None, seconds=-5)
    world.drain()
    assert accounts(world) == ["2", "3"]

    assert not world.rebuild().comparison.differs

    assert accounts(world) == ["2", "3"]
    assert world.found() == set()


def test_an_event_that_is_read_after_its_tombstone_is_told_and_taken_back(latest: LatestWorld) -> None:
    latest.move(1, 0, at=None, seconds=5)
    latest.move(2, 0, at=1, seconds=0)
    latest.drain()
    latest.move(1, 1, at=1, seconds=0)
    latest.drain()
    assert accounts(latest) == ["1", "2"]
    assert latest.found() == {Code.PHANTOM}
    assert latest.rebuild().comparison.surplus == 1
    assert accounts(latest) == ["2"]
    assert latest.found() == set()


@pytest.mark.parametrize("source", ["topic", LOG])
def test_an_event_counts_that_only_lost_against_one_that_was_deleted_later(latest: LatestWorld, source: str) -> None:
    latest.move(1, 1, at=20, seconds=0)
    latest.move(1, 1, at=10, seconds=9, price=7)
    latest.drain()
    latest.move(1, 0, at=None, seconds=5)
    latest.drain()
    latest.drain_log()
    latest.rebuild(source)
    assert [row["price"] for row in latest.rows()] == [7]
    assert latest.found() == set()


def test_a_rebuild_that_reads_on_remembers_the_tombstones_of_other_partitions(
    latest: LatestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker is behind in one partition, and reads it while the table is rebuilt."""
    latest.move(1, 0, at=None, seconds=5)
    latest.move(2, 0, at=1, seconds=0)
    latest.drain()
    compare = Build.compare

    def late(build: Build, files: Sequence[LiveFile], scratch: Path) -> Comparison:
        latest.move(1, 1, at=1, seconds=0)
        latest.drain()
        return compare(build, files, scratch)

    monkeypatch.setattr(Build, "compare", late)
    latest.rebuild()
    assert accounts(latest) == ["2"]


@pytest.mark.parametrize("seconds", [5, 0], ids=["later", "at-once"])
def test_what_comes_home_was_deleted_by_a_later_tombstone_of_another_partition(
    strict_latest: LatestWorld, seconds: int
) -> None:
    world = strict_latest
    world.contract = tight_latest_contract_for(world.topic.name)
    world.move(1, 1, at=1, seconds=0, price=DEAR)
    world.move(3, 1, at=1, seconds=0, price=DEAR)
    world.move(2, 0, at=1, seconds=0)
    world.move(1, 0, at=None, seconds=seconds)
    world.move(3, 0, at=None, seconds=-5)
    world.drain(quarantine_max_ratio=1.0)
    world.contract = latest_contract_for(world.topic.name)

    report = world.replay()

    assert (report.replayed, report.outdated, report.undecided) == (1, 1, 0)
    assert accounts(world) == ["2", "3"]
    assert world.found() == set()


def test_what_comes_home_without_a_timestamp_is_older_than_any_tombstone(latest: LatestWorld) -> None:
    latest.contract = tight_latest_contract_for(latest.topic.name)
    latest.topic.append(holding(1, at=1, price=DEAR), key=b"1", partition=1, timestamp_ms=-1)
    latest.move(1, 0, at=None, seconds=-50)
    latest.drain(quarantine_max_ratio=1.0)
    latest.contract = latest_contract_for(latest.topic.name)
    assert latest.replay().outdated == 1
    assert latest.rows() == []
    assert latest.found() == set()
