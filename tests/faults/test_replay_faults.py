"""A replay dies, fails or is overtaken at every effect it has; afterwards every record is in its place once."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.errors import StoreError
from headrace_ingest.replay import selection
from headrace_ingest.replay.replayer import Replayer
from headrace_ingest.replay.report import ReplayReport
from headrace_ingest.replay.selection import Selection
from headrace_ingest.replay.wiring import build_replayer
from tests.behaviour.made_up import contract_for, tight_contract_for
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.world import DAY, TABLE, World, fill, poison
from tests.faults.effects import (
    ANY,
    MOMENTS,
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
from tests.faults.processes import start_replay
from tests.faults.templates import copied, fresh

CANARY = (
    "write the test table",
    "sync the test table",
    "commit to the test table",
    "remove the test table",
)
ROWS = (
    "write rows of the table",
    "sync rows of the table",
    "sync a folder of the table",
    "commit replay",
    "sync a commit to the table",
)
MARK = (
    "write rows of the quarantine",
    "sync rows of the quarantine",
    "sync a folder of the quarantine",
    "write a commit to the quarantine",
    "sync a commit to the quarantine",
)
CHECKPOINT = (
    "checkpoint",
    "sync a checkpoint of the table",
    "sync the checkpoint hint of the table",
    "sync a checkpoint of the quarantine",
    "sync the checkpoint hint of the quarantine",
)
EFFECTS = (*ROWS, *MARK, *CHECKPOINT)
HOME, TORN, GROUP = 13, 5, 10


def days(number: int) -> datetime:
    return DAY + timedelta(days=number % 2)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two partitions, five files of quarantine: a contract was too tight, and five records are torn."""
    world = World("memory", MemoryTopic(2), tmp_path_factory.mktemp("quarantined"))
    world.contract = tight_contract_for(world.topic.name)
    for number in range(485, 515):
        world.topic.append(poison(number) if number % 6 == 1 else fill(number, at=days(number)))
    with pytest.MonkeyPatch.context() as patch, in_step(patch, records_per_poll=5):
        world.drain(flush_rows=6, flush_seconds=3600, quarantine_max_ratio=1.0)
    world.assert_exact()
    world.contract = contract_for(world.topic.name)
    return world


@pytest.fixture(autouse=True)
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two groups, so that what one leaves behind meets the next."""
    monkeypatch.setattr(selection, "GROUP_RECORDS", GROUP)


@pytest.fixture
def world(template: World, tmp_path: Path) -> World:
    return copied(template, tmp_path)


def replayer_of(world: World, checkpoint_every: int = 2) -> Replayer:
    replayer = build_replayer(world.settings(), world.contract, clock=world.clock)
    replayer._target = replace(replayer._target, checkpoint_every=checkpoint_every)
    return replayer


def run(world: World, effects: Effects, checkpoint_every: int = 2) -> ReplayReport:
    """A whole replay, by default with a checkpoint at every second version."""
    report = replayer_of(world, checkpoint_every).run(Selection())
    if effects.dead:  # it died where a failure is only logged
        raise Crash
    return report


@pytest.fixture(scope="session")
def counts(template: World, tmp_path_factory: pytest.TempPathFactory) -> Counter[str]:
    """How often each effect takes place in a replay without faults."""
    with pytest.MonkeyPatch.context() as patch, recorded(patch) as effects:
        patch.setattr(selection, "GROUP_RECORDS", GROUP)
        run(copied(template, tmp_path_factory.mktemp("clean")), effects)
        return Counter(effects.calls)


def assert_completed(world: World, effects: Effects) -> None:
    """Another replay does what is left."""
    effects.plan()
    run(world, effects)
    world.assert_exact()


def test_every_effect_of_a_replay_is_a_crash_point_here(world: World, effects: Effects) -> None:
    report = run(world, effects)
    assert (report.replayed, report.finished, report.refused) == (HOME, 0, {"not_json": TORN})
    assert set(effects.calls) == {*CANARY, *EFFECTS}
    assert len(report.versions) == 2
    world.assert_exact()
    again = run(world, effects)
    assert (again.replayed, again.finished, again.refused) == (0, 0, {"not_json": TORN})


@pytest.mark.parametrize("effect", EFFECTS)
def test_a_replay_that_dies_at_any_effect_is_completed_by_the_next(
    world: World, template: World, effects: Effects, counts: Counter[str], effect: str
) -> None:
    # Dying before an effect is dying after the one before it: between them nothing is done that lasts.
    for nth in range(1, counts[effect] + 1):
        fresh(world, template, effects)
        effects.plan(Fault(effect, nth, "after", effects.crash))
        with pytest.raises(Crash):
            run(world, effects)
        world.assert_proved()
        assert_completed(world, effects)
        # What the next one relied on, of the dead one's doings too, survives the loss of power.
        effects.lose_power(world.root, torn=True)
        assert_completed(world, effects)


def test_a_record_is_marked_only_when_the_commit_of_a_dead_replay_is_durable(world: World, effects: Effects) -> None:
    """Of the last commit: what comes after others makes them durable anyway."""
    effects.plan(Fault("commit replay", 2, "after", effects.crash))
    with pytest.raises(Crash):
        run(world, effects, checkpoint_every=1000)
    effects.plan()
    assert run(world, effects, checkpoint_every=1000).finished > 0
    last = max((world.root / TABLE / "_delta_log").glob("*.json"))
    assert last in effects.synced


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("torn", [False, True], ids=["gone", "torn"])
def test_power_loss_at_any_effect_of_a_replay_loses_and_doubles_nothing(
    world: World, template: World, effects: Effects, counts: Counter[str], effect: str, torn: bool
) -> None:
    for nth in chosen(counts[effect]):
        fresh(world, template, effects)
        effects.plan(Fault(effect, nth, "after", effects.crash))
        with pytest.raises(Crash):
            run(world, effects)
        effects.lose_power(world.root, torn=torn)
        assert_completed(world, effects)
        effects.lose_power(world.root, torn=torn)
        world.assert_exact()


ERRORS = [
    *(pytest.param(effect, "before", full_disk, id=f"full-disk-{effect}") for effect in EFFECTS),
    *(pytest.param(effect, "after", lost_answer, id=f"answer-lost-{effect}") for effect in EFFECTS),
    pytest.param("commit replay", "after", self_conflict, id="conflict-with-itself-commit replay"),
]


@pytest.mark.parametrize(("effect", "when", "error"), ERRORS)
def test_an_error_at_any_effect_of_a_replay_loses_and_doubles_nothing(
    world: World,
    template: World,
    effects: Effects,
    counts: Counter[str],
    effect: str,
    when: Moment,
    error: Callable[[str], Exception],
) -> None:
    for nth in chosen(counts[effect]):
        fresh(world, template, effects)
        effects.plan(Fault(effect, nth, when, raising(error(effect))))
        try:
            run(world, effects)
        except StoreError:
            world.assert_proved()
        assert effects.happened == 1
        assert_completed(world, effects)


@settings(
    max_examples=10,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=st.integers(1, 50), second=st.integers(1, 50), after=st.tuples(st.booleans(), st.booleans()))
def test_a_replay_that_dies_while_it_completes_a_dead_one_is_completed_by_the_next(
    monkeypatch: pytest.MonkeyPatch,
    world: World,
    template: World,
    first: int,
    second: int,
    after: tuple[bool, bool],
) -> None:
    with recorded(monkeypatch) as effects:
        fresh(world, template, effects)
        for nth, late in zip((first, second), after, strict=True):
            effects.plan(Fault(ANY, nth, "after" if late else "before", effects.crash))
            try:
                run(world, effects)
            except Crash:
                world.assert_proved()
        assert_completed(world, effects)


@pytest.mark.parametrize("effect", [*ROWS, *MARK])
def test_a_replay_that_is_overtaken_at_any_effect_adds_nothing(
    world: World, template: World, effects: Effects, counts: Counter[str], effect: str
) -> None:
    for nth, when in product(chosen(counts[effect]), MOMENTS):
        fresh(world, template, effects)
        effects.plan(Fault(effect, nth, when, lambda: assert_replayed(world)))
        replayer_of(world).run(Selection())
        assert effects.happened == 1
        world.assert_exact()


def assert_replayed(world: World) -> None:
    replayer_of(world).run(Selection())
    world.assert_exact()


def test_a_record_whose_position_has_not_moved_is_left_to_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, effects: Effects
) -> None:
    world = World("memory", MemoryTopic(2), tmp_path)
    world.contract = tight_contract_for(world.topic.name)
    world.topic.extend([fill(number) for number in range(490, 520)])
    with in_step(monkeypatch, records_per_poll=50):
        effects.plan(Fault("commit ingest", 1, "before", effects.crash))
        with pytest.raises(Crash):
            world.drain()
        effects.plan()
        assert len(world.quarantined()) == 20
        world.contract = contract_for(world.topic.name)

        report = world.replay()

        assert (report.pending, report.replayed) == (20, 0)
        world.drain()
    assert len(world.landed()) == 10
    assert world.replay().replayed == 20
    world.assert_exact()


def test_two_replay_processes_at_once_land_each_record_once(world: World) -> None:
    with start_replay(world) as one, start_replay(world) as other:
        assert (one.end(), other.end()) == (0, 0), one.said + other.said
    assert sum(json.loads(process.said)["replayed"] for process in (one, other)) == HOME
    world.assert_exact()
