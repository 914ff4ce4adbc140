"""The worker dies, or an effect fails, at every effect it has; afterwards every record is there exactly once."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.errors import StoreError, UnsafeStoreError
from headrace.testing.waiting import wait_until
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.world import TABLE, World, fill, poison
from tests.faults.draining import assert_group_is_not_ahead, fresh, run
from tests.faults.effects import (
    ANY,
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
    self_conflict,
)

CREATION = (
    "sync a folder of the table",
    "write the test table",
    "sync the test table",
    "commit to the test table",
    "remove the test table",
    "write version 0 of the quarantine",
    "sync version 0 of the quarantine",
    "sync a folder of the quarantine",
    "write version 0 of the table",
    "sync version 0 of the table",
)
CLAIM = ("commit claim", "sync a commit to the quarantine")
FLUSH = (
    "write rows of the table",
    "sync rows of the table",
    "write rows of the quarantine",
    "sync rows of the quarantine",
    "commit quarantine",
    "commit ingest",
    "sync a commit to the table",
    "tell the group",
)
CHECKPOINT = (
    "checkpoint",
    "sync a checkpoint of the table",
    "sync the checkpoint hint of the table",
    "sync a checkpoint of the quarantine",
    "sync the checkpoint hint of the quarantine",
)
EFFECTS = (*CREATION, *CLAIM, *FLUSH, *CHECKPOINT)


def filled(folder: Path) -> World:
    """Two partitions with good and bad records and gaps: two flushes with rejects, then a checkpoint."""
    world = World("memory", MemoryTopic(2), folder)
    for number in range(20):
        bad = number in (0, 9, 10, 19)
        world.topic.append(poison(number) if bad else fill(number), partition=number % 2)
        if number in (5, 19):
            world.memory.skip(0, 2)
    return world


END = {0: 14, 1: 10}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return filled(tmp_path)


@pytest.fixture
def step_by_step(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same effects in the same order in every run."""
    with in_step(monkeypatch, records_per_poll=5):
        yield


@pytest.fixture(scope="session")
def counts(tmp_path_factory: pytest.TempPathFactory) -> Counter[str]:
    """How often each effect takes place in a run without faults."""
    with pytest.MonkeyPatch.context() as patch, in_step(patch, records_per_poll=5), recorded(patch) as effects:
        run(filled(tmp_path_factory.mktemp("clean")), effects)
        return Counter(effects.calls)


def assert_consistent(world: World) -> None:
    """What a dead worker left behind proves right as far as it came, and the group knows no more than the table."""
    if (world.root / TABLE / "_delta_log").is_dir():
        world.assert_proved()
    assert_group_is_not_ahead(world)


def assert_whole(world: World) -> None:
    world.assert_exact()
    assert world.positions() == END
    assert_group_is_not_ahead(world)


@pytest.mark.usefixtures("step_by_step")
def test_every_effect_of_a_worker_is_a_crash_point_here(world: World, effects: Effects) -> None:
    run(world, effects)
    assert set(effects.calls) == set(EFFECTS)
    assert_whole(world)
    assert world.memory.committed == END


@pytest.mark.usefixtures("step_by_step")
@pytest.mark.parametrize("effect", EFFECTS)
def test_a_crash_at_any_effect_loses_and_doubles_nothing(
    world: World, effects: Effects, counts: Counter[str], effect: str
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
        assert_whole(world)


@pytest.mark.usefixtures("step_by_step")
@pytest.mark.parametrize("effect", [*CLAIM, *FLUSH, *CHECKPOINT])
@pytest.mark.parametrize("torn", [False, True], ids=["gone", "torn"])
def test_power_loss_at_any_effect_loses_and_doubles_nothing(
    world: World, effects: Effects, counts: Counter[str], effect: str, torn: bool
) -> None:
    lost = 0
    for nth in range(1, counts[effect] + 1):
        fresh(world)
        effects.synced.clear()
        effects.plan(Fault(effect, nth, "after", effects.crash))
        with pytest.raises(Crash):
            run(world, effects)
        lost += effects.lose_power(world.root, torn=torn)
        assert_group_is_not_ahead(world)
        effects.plan()
        run(world, effects)
        assert_whole(world)
    assert lost or effect == "tell the group", "there was something to lose"


@pytest.mark.usefixtures("step_by_step")
@pytest.mark.parametrize("effect", [effect for effect in (*CLAIM, *FLUSH) if "commit" in effect])
@pytest.mark.parametrize("torn", [False, True], ids=["gone", "torn"])
def test_what_the_next_worker_relied_on_survives_the_loss_of_power(
    world: World, effects: Effects, counts: Counter[str], effect: str, torn: bool
) -> None:
    for nth in range(1, counts[effect] + 1):
        fresh(world)
        effects.synced.clear()
        effects.plan(Fault(effect, nth, "after", effects.crash))
        with pytest.raises(Crash):
            run(world, effects)
        effects.plan()
        run(world, effects)
        effects.lose_power(world.root, torn=torn)
        assert_group_is_not_ahead(world)
        run(world, effects)
        assert_whole(world)


@pytest.mark.usefixtures("step_by_step")
def test_the_next_worker_tells_the_group_what_a_dead_one_could_not(
    world: World, effects: Effects, counts: Counter[str]
) -> None:
    effects.plan(Fault("tell the group", counts["tell the group"], "before", effects.crash))
    with pytest.raises(Crash):
        run(world, effects)
    effects.plan()
    assert world.memory.committed != world.positions()
    with world.running():
        wait_until(lambda: world.memory.committed == END, "the group knows where the table stands")


@settings(
    max_examples=15,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=st.integers(1, 60), second=st.integers(1, 60), after=st.tuples(st.booleans(), st.booleans()))
def test_a_crash_in_the_recovery_from_a_crash_loses_and_doubles_nothing(
    monkeypatch: pytest.MonkeyPatch, world: World, first: int, second: int, after: tuple[bool, bool]
) -> None:
    fresh(world)
    with recorded(monkeypatch) as effects, in_step(monkeypatch, records_per_poll=5):
        for nth, late in zip((first, second), after, strict=True):
            effects.plan(Fault(ANY, nth, "after" if late else "before", effects.crash))
            try:
                run(world, effects)
            except Crash:
                assert_consistent(world)
        effects.plan()
        run(world, effects)
    assert_whole(world)


# These are not the store's: the group's offsets fail inside the consumer, and what is left of the test table is junk.
STORE_EFFECTS = [effect for effect in EFFECTS if effect not in ("tell the group", "remove the test table")]
ERRORS = [
    *(pytest.param(effect, "before", full_disk, id=f"full-disk-{effect}") for effect in STORE_EFFECTS),
    *(pytest.param(effect, "after", lost_answer, id=f"answer-lost-{effect}") for effect in STORE_EFFECTS),
    *(
        pytest.param(effect, "after", self_conflict, id=f"conflict-with-itself-{effect}")
        for effect in STORE_EFFECTS
        if effect.startswith("commit")
    ),
]


@pytest.mark.usefixtures("step_by_step")
@pytest.mark.parametrize(("effect", "when", "error"), ERRORS)
def test_an_error_at_any_effect_loses_and_doubles_nothing(
    world: World,
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
            assert_whole(world)
        assert effects.happened == 1
        effects.plan()
        run(world, effects)
        assert_whole(world)
