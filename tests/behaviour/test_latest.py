"""Workers of a table of latest rows: of every key the event that counts, whatever the batches."""

import random
from pathlib import Path

import pytest

from headrace.lake import Lake
from headrace.lake.store import Store
from headrace.read.whereabouts import Place, locate
from tests.behaviour.latest import LatestWorld
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.world import TABLE, poison


@pytest.fixture
def world(tmp_path: Path) -> LatestWorld:
    return LatestWorld("memory", MemoryTopic(2), tmp_path)


def test_of_several_events_of_a_key_the_latest_is_the_row(world: LatestWorld) -> None:
    world.send(1, at=10, price=1)
    world.send(1, at=30, price=2)
    world.send(1, at=20, price=3)
    world.send(2, at=5, price=4)
    world.drain()
    world.assert_latest()
    world.send(1, at=25, price=5)
    world.send(2, at=5, price=6)
    world.drain()
    world.assert_latest()
    assert {row["price"] for row in world.rows()} == {2, 6}


def test_a_tombstone_takes_the_row_and_what_comes_after_it_counts_again(world: LatestWorld) -> None:
    for account in (1, 2, 3):
        world.send(account, at=10)
    world.drain()
    world.forget(1)
    world.forget(2)
    world.send(2, at=1, price=7)
    world.send(3, at=20)
    world.forget(3)
    world.topic.append(None)
    world.drain()
    world.assert_latest()
    assert [(row["account"], row["price"]) for row in world.rows()] == [("2", 7)]


def test_a_row_whose_partition_changes_is_in_one_of_them(world: LatestWorld) -> None:
    world.send(1, at=1, desk="A")
    world.send(2, at=1, desk="A")
    world.drain()
    world.send(1, at=2, desk="B")
    world.drain()
    world.assert_latest()
    assert {(row["account"], row["desk"]) for row in world.rows()} == {("1", "B"), ("2", "A")}


def test_rows_of_partitions_of_any_name_are_deleted_and_read(
    world: LatestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.lake.latest.merging.SMALL", 0)
    desks = ["A/B", "A:B", "A+B", "A.B", "..", "A"]
    for account in range(24):
        world.send(account, at=1, desk=desks[account % len(desks)])
    world.drain()
    for account in range(6):
        world.send(account, at=2, desk=desks[account % len(desks)])
    world.drain()
    assert (world.root / TABLE / "_deletions").is_dir()
    world.assert_proved()
    rows = Lake(str(world.root)).read(TABLE).collect()
    assert dict(rows.select("account", "desk").iter_rows()) == {str(n): desks[n % len(desks)] for n in range(24)}
    assert rows.height == 24


def test_of_each_record_can_be_told_what_became_of_it(world: LatestWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.lake.latest.merging.SMALL", 0)
    for account in (0, 2, 4, 6, 8, 10):
        world.send(account, at=10)
    world.drain()
    world.send(0, at=5)
    world.send(2, at=20)
    world.forget(4)
    world.topic.append(poison(1), partition=0)
    world.drain()
    store = Store(str(world.root))
    found = [locate(store, TABLE, 0, offset).place for offset in range(11)]
    told = [Place.TABLE, Place.APPLIED, Place.APPLIED, *[Place.TABLE] * 3]
    assert found == [*told, Place.APPLIED, Place.TABLE, Place.APPLIED, Place.QUARANTINE, Place.NOT_READ]


@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_events_in_any_batches_makes_the_same_rows(world: LatestWorld, seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(6):
        for _ in range(dice.randrange(1, 200)):
            account = dice.randrange(40)
            match dice.randrange(12):
                case 0:
                    world.forget(account)
                case 1:
                    world.topic.append(poison(account), partition=account % 2)
                case _:
                    world.send(account, at=dice.randrange(50), desk=dice.choice("AB"), price=dice.randrange(9))
        world.drain(flush_rows=dice.choice((1, 7, 1000)))
        world.assert_latest()
