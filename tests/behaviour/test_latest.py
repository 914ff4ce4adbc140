"""Workers of a table of latest rows: of every key the event that counts, whatever the batches."""

import random

import pytest

from headrace.lake import Lake
from headrace.lake.store import Store
from headrace.read.whereabouts import Place, locate
from tests.behaviour.latest import LatestWorld
from tests.behaviour.world import TABLE, poison


def test_of_several_events_of_a_key_the_latest_is_the_row(latest: LatestWorld) -> None:
    latest.send(1, at=10, price=1)
    latest.send(1, at=30, price=2)
    latest.send(1, at=20, price=3)
    latest.send(2, at=5, price=4)
    latest.drain()
    latest.assert_latest()
    latest.send(1, at=25, price=5)
    latest.send(2, at=5, price=6)
    latest.drain()
    latest.assert_latest()
    assert {row["price"] for row in latest.rows()} == {2, 6}


def test_a_tombstone_takes_the_row_and_what_comes_after_it_counts_again(latest: LatestWorld) -> None:
    for account in (1, 2, 3):
        latest.send(account, at=10)
    latest.drain()
    latest.forget(1)
    latest.forget(2)
    latest.send(2, at=1, price=7)
    latest.send(3, at=20)
    latest.forget(3)
    latest.topic.append(None)
    latest.drain()
    latest.assert_latest()
    assert [(row["account"], row["price"]) for row in latest.rows()] == [("2", 7)]


def test_a_row_whose_partition_changes_is_in_one_of_them(latest: LatestWorld) -> None:
    latest.send(1, at=1, desk="A")
    latest.send(2, at=1, desk="A")
    latest.drain()
    latest.send(1, at=2, desk="B")
    latest.drain()
    latest.assert_latest()
    assert {(row["account"], row["desk"]) for row in latest.rows()} == {("1", "B"), ("2", "A")}


def test_rows_of_partitions_of_any_name_are_deleted_and_read(
    latest: LatestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.lake.latest.merging.SMALL", 0)
    desks = ["A/B", "A:B", "A+B", "A.B", "..", "A"]
    for account in range(24):
        latest.send(account, at=1, desk=desks[account % len(desks)])
    latest.drain()
    for account in range(6):
        latest.send(account, at=2, desk=desks[account % len(desks)])
    latest.drain()
    assert (latest.root / TABLE / "_deletions").is_dir()
    latest.assert_proved()
    rows = Lake(str(latest.root)).read(TABLE).collect()
    assert dict(rows.select("account", "desk").iter_rows()) == {str(n): desks[n % len(desks)] for n in range(24)}
    assert rows.height == 24


def test_of_each_record_can_be_told_what_became_of_it(latest: LatestWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.lake.latest.merging.SMALL", 0)
    for account in (0, 2, 4, 6, 8, 10):
        latest.send(account, at=10)
    latest.drain()
    latest.send(0, at=5)
    latest.send(2, at=20)
    latest.forget(4)
    latest.topic.append(poison(1), partition=0)
    latest.drain()
    store = Store(str(latest.root))
    found = [locate(store, TABLE, 0, offset).place for offset in range(11)]
    told = [Place.TABLE, Place.APPLIED, Place.APPLIED, *[Place.TABLE] * 3]
    assert found == [*told, Place.APPLIED, Place.TABLE, Place.APPLIED, Place.QUARANTINE, Place.NOT_READ]


@pytest.mark.parametrize(("seed", "few"), [(0, 0), (1, 4_096), (2, 20)])
def test_any_order_of_events_in_any_batches_makes_the_same_rows(
    latest: LatestWorld, monkeypatch: pytest.MonkeyPatch, seed: int, few: int
) -> None:
    monkeypatch.setattr("headrace.lake.latest.keys.FEW", few)
    dice = random.Random(seed)
    for _ in range(6):
        for _ in range(dice.randrange(1, 200)):
            account = dice.randrange(40)
            match dice.randrange(12):
                case 0:
                    latest.forget(account)
                case 1:
                    latest.topic.append(poison(account), partition=account % 2)
                case _:
                    latest.send(account, at=dice.randrange(50), desk=dice.choice("AB"), price=dice.randrange(9))
        latest.drain(flush_rows=dice.choice((1, 7, 1000)))
        latest.assert_latest()
