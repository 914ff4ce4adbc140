"""Fifty readers beside workers, merges and deletions: no error, no row twice, and nothing that was there goes away."""

import random
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from headrace.lake import Lake
from headrace.offsets import Address
from headrace.read import Repository
from headrace.testing.waiting import wait_for_more, wait_until
from tests.behaviour.latest import LatestWorld
from tests.behaviour.repeating import repeating
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.upkeep import age_removals, feed, files, leave_orphan, maintain
from tests.behaviour.world import World, fill

READERS = 50
# Between two looks of a reader: enough to keep two cores busy, and to let the writers work.
PAUSE_SECONDS = 0.5
BATCHES = 12
PER_BATCH = 50
ACCOUNTS = 20


@dataclass
class Reader:
    """Asks of two tables, again and again, and compares with what it has seen.

    Attributes:
        world: of the event log.
        latest: of the latest rows.
        lakes: of both, shared with others.
        looks: one item for each round of questions, of all readers.
    """

    world: World
    latest: LatestWorld
    lakes: tuple[Lake, Lake]
    looks: list[int]
    dice: random.Random
    seen: set[Address] = field(default_factory=set)
    known: dict[str, datetime] = field(default_factory=dict)
    rounds: int = 0

    def look(self) -> None:
        """All questions once."""
        self._count()
        self._point()
        self._state()
        self.looks.append(1)
        self.rounds += 1

    def _count(self) -> None:
        found = Repository(self.lakes[0], self.world.contract.event).rows().select("_partition", "_offset").collect()
        addresses = set(found.rows())
        assert len(addresses) == found.height, "a row is there twice"
        assert self.seen <= addresses, "a row went away"
        self.seen = addresses

    def _point(self) -> None:
        partition, offset = self.dice.choice(sorted(self.seen))
        rows = Repository(self.lakes[0], self.world.contract.event).rows()
        found = rows.filter(pl.col("_partition") == partition, pl.col("_offset") == offset).collect()
        assert found.height == 1, "a row that was there cannot be found"

    def _state(self) -> None:
        holdings = Repository(self.lakes[1], self.latest.contract.event)
        found = holdings.rows().select("account", "timestamp").collect()
        state = dict(found.iter_rows())
        assert len(state) == found.height, "a key has two rows"
        for account, at in self.known.items():
            assert state[account] >= at, "a row is older than before"
        self.known = state


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Small files to merge, merged ones that left the table long ago, and one that no commit names."""
    world = World("memory", MemoryTopic(2), tmp_path / "log")
    feed(world, 8)
    maintain(world)
    age_removals(world, days=10)
    feed(world, 2)
    leave_orphan(world, days=10)
    return world


@pytest.fixture
def latest(tmp_path: Path) -> LatestWorld:
    """Some accounts."""
    world = LatestWorld("memory", MemoryTopic(2), tmp_path / "state")
    for account in range(ACCOUNTS):
        world.send(account, at=0)
    world.drain()
    return world


def send(world: World, latest: LatestWorld, batch: int) -> None:
    """Trades, and news of a few accounts; some of it is old."""
    world.topic.extend([fill(batch * PER_BATCH + n, note="busy") for n in range(PER_BATCH)])
    for account in range(batch % 4, ACCOUNTS, 4):
        latest.send(account, at=batch if account % 8 else -batch, desk="AB"[batch % 2], price=batch)


@pytest.mark.timeout(300)
def test_fifty_readers_see_no_error_no_row_twice_and_nothing_go_away(world: World, latest: LatestWorld) -> None:
    before, many = set(world.root.rglob("*.parquet")), len(files(world))
    lakes, looks = (Lake(str(world.root)), Lake(str(latest.root))), list[int]()
    readers = [Reader(world, latest, lakes, looks, random.Random(seed)) for seed in range(READERS)]
    with ExitStack() as stack:
        stack.enter_context(world.running(flush_rows=PER_BATCH))
        stack.enter_context(latest.running(flush_rows=5))
        for every in (world, latest):
            stack.enter_context(repeating(partial(maintain, every), pause=0.5))
        for reader in readers:
            stack.enter_context(repeating(reader.look, pause=PAUSE_SECONDS))
        for batch in range(BATCHES):
            send(world, latest, batch)
            wait_for_more(looks, READERS // 4)
        world.await_landing(*{p: max(o for q, o in world.topic.records if q == p) for p in (0, 1)}.items())
        latest.await_all()
        looked = [reader.rounds for reader in readers]
        wait_until(
            lambda: all(reader.rounds >= before + 2 for reader, before in zip(readers, looked, strict=True)),
            "each reader has looked from the beginning",
        )
    assert all(len(reader.seen) == len(world.rows()) for reader in readers)
    assert len(before - set(world.root.rglob("*.parquet"))) > 5, "maintenance deleted files while they read"
    assert len(files(world)) < many + BATCHES, "it merged files, too"
    world.assert_proved()
    latest.assert_latest()
