"""A replay into a table of latest rows dies or fails at every effect it has; the next one completes it."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

import headrace.lake.latest.merging
from headrace.errors import StoreError
from tests.behaviour.holdings import latest_contract_for
from tests.behaviour.latest import LatestWorld
from tests.behaviour.test_latest_replay import refused
from tests.faults.effects import Crash, Effects, Fault, Moment, full_disk, lost_answer, raising
from tests.faults.templates import copied, counted, fresh

EFFECTS = (
    "write rows of the table",
    "sync rows of the table",
    "write deleted rows of the table",
    "sync deleted rows of the table",
    "write a commit to the table",
    "sync a commit to the table",
    "write rows of the quarantine",
    "sync rows of the quarantine",
    "write a commit to the quarantine",
    "sync a commit to the quarantine",
)


def in_small(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(headrace.lake.latest.merging, "SMALL", 0)


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    in_small(monkeypatch)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> LatestWorld:
    return refused(tmp_path_factory.mktemp("refused"))


@pytest.fixture
def world(template: LatestWorld, tmp_path: Path) -> LatestWorld:
    return copied(template, tmp_path)


@pytest.fixture(scope="module")
def counts(template: LatestWorld, tmp_path_factory: pytest.TempPathFactory) -> Counter[str]:
    """How often each effect takes place in a replay without faults."""
    return counted(copied(template, tmp_path_factory.mktemp("clean")), LatestWorld.replay, in_small)


def test_every_effect_is_a_crash_point_here(counts: Counter[str]) -> None:
    assert set(EFFECTS) <= set(counts)


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("power", [False, True], ids=["killed", "power lost"])
def test_a_replay_that_dies_at_any_effect_is_completed_by_the_next(
    world: LatestWorld, template: LatestWorld, effects: Effects, counts: Counter[str], effect: str, power: bool
) -> None:
    fresh(world, template, effects)
    effects.plan(Fault(effect, counts[effect], "after", effects.crash))
    with pytest.raises(Crash):
        world.replay()
    effects.plan()
    if power:
        effects.lose_power(world.root, torn=False)
    world.assert_proved()
    # What came meanwhile: a tombstone of a key that was brought home, and a later event of another.
    world.replay()
    world.assert_latest()


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize(("when", "error"), [("before", full_disk), ("after", lost_answer)], ids=["full", "unanswered"])
def test_an_error_at_any_effect_of_a_replay_loses_nothing(
    world: LatestWorld,
    template: LatestWorld,
    effects: Effects,
    counts: Counter[str],
    effect: str,
    when: Moment,
    error: Callable[[str], Exception],
) -> None:
    fresh(world, template, effects)
    effects.plan(Fault(effect, counts[effect], when, raising(error(effect))))
    try:
        world.replay()
    except StoreError:
        world.assert_proved()
    assert effects.happened == 1
    effects.plan()
    world.replay()
    world.assert_latest()


def test_a_tombstone_between_an_interrupted_replay_and_the_next_is_kept(
    template: LatestWorld, tmp_path: Path, effects: Effects
) -> None:
    world = refused(tmp_path)
    world.contract = latest_contract_for(world.topic.name)
    effects.plan(Fault("write rows of the quarantine", 1, "before", effects.crash))
    with pytest.raises(Crash):
        world.replay()
    effects.plan()
    assert {row["account"] for row in world.rows()} >= {"2", "7"}
    world.forget(2)
    world.send(7, at=50)
    world.drain()
    world.replay()
    assert "2" not in {row["account"] for row in world.rows()}
    world.assert_latest()
