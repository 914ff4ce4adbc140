"""A worker of a table of latest rows dies, fails or meets another at every effect; of every key the latest stays."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

import headrace.lake.latest.merging
from headrace.errors import StoreError, UnsafeStoreError
from tests.behaviour.latest import LatestWorld
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.world import TABLE, poison
from tests.faults import draining
from tests.faults.draining import assert_group_is_not_ahead, fresh
from tests.faults.effects import (
    Crash,
    Effects,
    Fault,
    Moment,
    chosen,
    full_disk,
    in_step,
    lost_answer,
    raising,
    recorded,
)

FLUSH = (
    "write rows of the quarantine",
    "sync rows of the quarantine",
    "commit quarantine",
    "write rows of the table",
    "sync rows of the table",
    "write deleted rows of the table",
    "sync deleted rows of the table",
    "write a commit to the table",
    "sync a commit to the table",
    "tell the group",
)
CHECKPOINT = ("checkpoint", "sync a checkpoint of the table", "sync the checkpoint hint of the table")
STORED = [effect for effect in FLUSH if effect != "tell the group"]


def filled(folder: Path) -> LatestWorld:
    """Flushes that insert, replace, delete, and come too late; in each of them one file is small enough to go."""
    world = LatestWorld("memory", MemoryTopic(2), folder)
    for account in range(10):
        world.send(account, at=10)
    for account in range(0, 10, 2):
        world.send(account, at=account * 4, price=1)
    world.topic.append(poison(1), partition=0)
    for account in (1, 2, 3):
        world.forget(account)
    for account in range(2, 11):
        world.send(account, at=account * 4 - 1, price=2, desk="AB"[account % 2])
    world.topic.append(poison(2), partition=1)
    world.memory.skip(0, 2)
    return world


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of a few rows are large here, so that most are kept and only say which of their rows are deleted."""
    monkeypatch.setattr(headrace.lake.latest.merging, "SMALL", 1)


@pytest.fixture
def world(tmp_path: Path) -> LatestWorld:
    return filled(tmp_path)


@pytest.fixture
def step_by_step(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same effects in the same order in every run."""
    with in_step(monkeypatch, records_per_poll=4):
        yield


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> Counter[str]:
    """How often each effect takes place in a run without faults."""
    with pytest.MonkeyPatch.context() as patch, in_step(patch, records_per_poll=4), recorded(patch) as effects:
        patch.setattr(headrace.lake.latest.merging, "SMALL", 1)
        run(filled(tmp_path_factory.mktemp("clean")), effects)
        return Counter(effects.calls)


run = partial(draining.run, flush_rows=8)


def assert_consistent(world: LatestWorld) -> None:
    """What a dead worker left behind is right as far as it came, and the group knows no more than the table."""
    if (world.root / TABLE / "_delta_log").is_dir():
        world.assert_rows()
    assert_group_is_not_ahead(world)


@pytest.mark.usefixtures("step_by_step")
def test_every_effect_of_an_upsert_is_a_crash_point_here(world: LatestWorld, effects: Effects) -> None:
    run(world, effects)
    assert {*FLUSH, *CHECKPOINT} <= set(effects.calls)
    assert "commit ingest" not in effects.calls
    world.assert_latest()


@pytest.mark.usefixtures("step_by_step")
@pytest.mark.parametrize("effect", [*FLUSH, *CHECKPOINT])
def test_a_crash_at_any_effect_leaves_the_latest_rows(
    world: LatestWorld, effects: Effects, counts: Counter[str], effect: str
) -> None:
    # Dying before an effect is dying after the one before it: between them nothing is done that lasts.
    for nth in range(1, counts[effect] + 1):
        fresh(world)
        effects.plan(Fault(effect, nth, "after", effects.crash))
        with pytest.raises(Crash):
            run(world, effects)
        assert_consistent(world)
        effects.plan()
        run(world, effects)
        world.assert_latest()


@pytest.mark.usefixtures("step_by_step")
@pytest.mark.parametrize("effect", STORED)
@pytest.mark.parametrize("torn", [False, True], ids=["gone", "torn"])
def test_power_loss_at_any_effect_leaves_the_latest_rows(
    world: LatestWorld, effects: Effects, counts: Counter[str], effect: str, torn: bool
) -> None:
    lost = 0
    for nth in chosen(counts[effect]):
        fresh(world)
        effects.synced.clear()
        effects.plan(Fault(effect, nth, "after", effects.crash))
        with pytest.raises(Crash):
            run(world, effects)
        lost += effects.lose_power(world.root, torn=torn)
        effects.plan()
        run(world, effects)
        world.assert_latest()
    assert lost or "commit to the table" in effect, "there was something to lose"


@pytest.mark.usefixtures("step_by_step")
@pytest.mark.parametrize("effect", STORED)
@pytest.mark.parametrize(("when", "error"), [("before", full_disk), ("after", lost_answer)], ids=["full", "unanswered"])
def test_an_error_at_any_effect_leaves_the_latest_rows(
    world: LatestWorld,
    effects: Effects,
    counts: Counter[str],
    effect: str,
    when: Moment,
    error: Callable[[str], Exception],
) -> None:
    for nth in chosen(counts[effect]):
        fresh(world)
        effects.plan(Fault(effect, nth, when, raising(error(effect))))
        try:
            run(world, effects)
        except (StoreError, UnsafeStoreError):
            assert_consistent(world)
        else:
            world.assert_latest()
        assert effects.happened == 1
        effects.plan()
        run(world, effects)
        world.assert_latest()
