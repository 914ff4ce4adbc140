"""Maintenance dies, fails or is overtaken at every effect it has; afterwards every record is in its place once."""

import errno
import signal
from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from headrace.errors import HeadraceError
from headrace.testing.waiting import wait_until
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.upkeep import COLD, feed, files, maintain, neglect
from tests.behaviour.world import World
from tests.faults.effects import ANY, MOMENTS, Crash, Effects, Fault, Moment, chosen, recorded
from tests.faults.maintaining import run
from tests.faults.processes import start_maintenance
from tests.faults.templates import fresh

EFFECTS = (
    "write the lease of the table",
    "write rows of the table",
    "sync rows of the table",
    "write a commit to the table",
    "sync a commit to the table",
    "delete rows of the table",
    "delete a commit to the table",
    "checkpoint",
    "sync a checkpoint of the table",
    "sync the checkpoint hint of the table",
    "write a commit to the quarantine",
    "delete rows of the quarantine",
)
ANSWERS = {
    ("write a commit to the table", "after"),
    ("write a commit to the quarantine", "after"),
    ("sync a commit to the table", "before"),
    ("sync a commit to the table", "after"),
}
"""Failures after which the exchange is in the log; where it is found there, the round goes on."""


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A table with a debt of each kind."""
    world = World("memory", MemoryTopic(2), tmp_path_factory.mktemp("neglected"))
    neglect(world)
    world.assert_exact()
    return world


@pytest.fixture
def world(template: World, tmp_path: Path) -> World:
    return World("memory", template.topic, tmp_path)


@pytest.fixture(scope="session")
def counts(template: World, tmp_path_factory: pytest.TempPathFactory) -> Counter[str]:
    """How often a round has each effect."""
    world = World("memory", template.topic, tmp_path_factory.mktemp("counted"))
    with pytest.MonkeyPatch.context() as patch, recorded(patch) as effects:
        fresh(world, template, effects)
        run(world)
        return Counter(effects.calls)


def test_a_round_has_the_effects_that_faults_are_planted_in(counts: Counter[str]) -> None:
    assert set(EFFECTS) <= counts.keys()


@pytest.mark.parametrize("when", MOMENTS)
@pytest.mark.parametrize("effect", EFFECTS)
def test_maintenance_that_dies_at_any_effect_changes_no_row(
    world: World, template: World, effects: Effects, counts: Counter[str], effect: str, when: Moment
) -> None:
    # Dying before an effect is mostly dying after another one.
    for nth in chosen(counts[effect]) if when == "after" else [1]:
        fresh(world, template, effects)
        effects.plan(Fault(effect, nth, when, effects.crash))
        with pytest.raises(Crash):
            run(world)
        effects.plan()
        assert world.landed() == template.landed()
        run(world)
        assert len(files(world)) == 1
    world.assert_exact()


@pytest.mark.parametrize("torn", [False, True])
def test_power_lost_at_moments_of_maintenance_takes_no_row(
    world: World, template: World, effects: Effects, counts: Counter[str], torn: bool
) -> None:
    for nth in range(1, counts.total() + 1, counts.total() // 10):
        fresh(world, template, effects)
        effects.plan(Fault(ANY, nth, "before", effects.crash))
        with pytest.raises(Crash):
            run(world)
        effects.plan()
        effects.lose_power(world.root, torn=torn)
        run(world)  # mends, as the start of a worker does, a checkpoint that was taken from under its hint
        assert world.landed() == template.landed()
    world.assert_exact()


@pytest.mark.parametrize("when", MOMENTS)
@pytest.mark.parametrize("effect", EFFECTS)
def test_a_full_disk_at_any_effect_changes_no_row(
    world: World, template: World, effects: Effects, counts: Counter[str], effect: str, when: Moment
) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for nth in [1, counts[effect]]:
        fresh(world, template, effects)
        effects.plan(Fault(effect, nth, when, full))
        with suppress(HeadraceError) if (effect, when) in ANSWERS else pytest.raises(HeadraceError):
            run(world)
        effects.plan()
        assert world.landed() == template.landed()
        run(world)
    world.assert_exact()


def has_moved(world: World, version: int) -> bool:
    """Whether the table has a later version."""
    return world.table().version() > version


def test_a_process_killed_when_its_exchange_is_visible_leaves_a_whole_table_and_its_lease(tmp_path: Path) -> None:
    world = World("memory", MemoryTopic(2), tmp_path)
    for _ in range(3):
        feed(world, 9)
        before = world.table().version()
        with start_maintenance(world) as process:
            wait_until(partial(has_moved, world, before), "files are merged")
            assert process.kill() == -signal.SIGKILL
        world.assert_exact()

    maintain(world, COLD)
    assert len(files(world)) == 1
    world.assert_exact()
