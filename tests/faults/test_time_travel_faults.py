"""Maintenance dies at any moment, or power fails: the evenings that a table has promised to keep can all be read."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.behaviour.evenings import Evening, live, read_by_deltalake
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.upkeep import feed
from tests.behaviour.world import World
from tests.faults.effects import ANY, Crash, Effects, Fault
from tests.faults.maintaining import run
from tests.faults.templates import fresh

KEPT_DAYS = 31


@dataclass
class Kept:
    """A lake, and the evenings that have to be readable in it."""

    world: World
    evenings: list[Evening]

    def assert_readable(self, world: World) -> None:
        for evening in self.evenings:
            assert read_by_deltalake(world, evening.version) == evening.places


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A table of 42 days whose files, log and strays are due to go, but for those of its evenings."""
    world = World("memory", MemoryTopic(2), tmp_path_factory.mktemp("evenings"))
    evenings = live(world, [1] * 4 + [12, 12], kept_days=KEPT_DAYS)
    world.table().create_checkpoint()  # forgets what left the table more than a week ago
    *evenings, _early, _noon, _late, last = live(world, [0, 0, 0, 14], kept_days=KEPT_DAYS, before=evenings)
    feed(world, 4)
    *gone, standing = [evening for evening in evenings if evening.age > KEPT_DAYS]
    assert gone
    return Kept(world, [standing, *(evening for evening in evenings if evening.age <= KEPT_DAYS), last])


@pytest.fixture
def world(kept: Kept, tmp_path: Path) -> World:
    return World("memory", kept.world.topic, tmp_path)


def test_a_round_over_old_evenings_deletes_what_they_do_not_need(world: World, kept: Kept, effects: Effects) -> None:
    fresh(world, kept.world, effects)
    run(world)

    rows, commits = "delete rows of the table", "delete a commit to the table"
    checkpoint = effects.calls.index("checkpoint")
    assert rows in effects.calls[:checkpoint]
    assert rows in effects.calls[checkpoint : effects.calls.index(commits)]
    kept.assert_readable(world)
    world.assert_exact()


@pytest.mark.parametrize("power", ["stays", "gone", "torn"])
def test_whoever_dies_or_loses_power_in_a_round_takes_no_evening(
    world: World, kept: Kept, effects: Effects, power: str
) -> None:
    fresh(world, kept.world, effects)
    run(world)
    calls = len(effects.calls)
    for nth in range(1, calls + 1, calls // 8):
        fresh(world, kept.world, effects)
        effects.plan(Fault(ANY, nth, "before", effects.crash))
        with pytest.raises(Crash):
            run(world)
        effects.plan()
        if power != "stays":
            effects.lose_power(world.root, torn=power == "torn")
        run(world)
        kept.assert_readable(world)
    world.assert_exact()
