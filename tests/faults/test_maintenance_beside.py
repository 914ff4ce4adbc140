"""Maintenance beside whatever else may be at work, at the worst moments: no row changes, and the proof passes."""

import fcntl
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from headrace.errors import InvariantError
from headrace.lake import rewrite
from headrace.read.proof.findings import Code
from headrace.read.proof.report import TableReport
from headrace.read.proof.verify import Verifier
from headrace.testing.waiting import wait_until
from tests.behaviour.made_up import contract_for, tight_contract_for
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.upkeep import COLD, age_removals, feed, files, maintain, neglect
from tests.behaviour.world import TABLE, World, fill, poison
from tests.faults.effects import Effects, Fault, Moment, in_step
from tests.faults.maintaining import all_active, run
from tests.faults.processes import WorkerProcess, producing, start_maintenance, stream
from tests.faults.templates import fresh

MOMENTS_OF_A_ROUND: list[tuple[str, Moment]] = [
    ("write a commit to the table", "before"),
    ("write a commit to the table", "after"),
    ("write a commit to the quarantine", "before"),
    ("delete rows of the table", "before"),
    ("delete a commit to the table", "after"),
]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A table with debts, a quarantine to replay, and records of which a worker has yet to read the last."""
    world = World("memory", MemoryTopic(2), tmp_path_factory.mktemp("busy"))
    world.contract = tight_contract_for(world.topic.name)
    neglect(world)
    feed(world, 5)  # of the others before it, the tight contract refused whole batches
    world.topic.extend([*(fill(number, note="late") for number in range(30)), poison(1)])
    world.contract = contract_for(world.topic.name)
    return world


@pytest.fixture
def world(template: World, tmp_path: Path) -> World:
    return World("memory", template.topic, tmp_path)


@pytest.fixture
def leases_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing keeps a second process from the table."""
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)


def ingest(world: World) -> None:
    world.drain(quarantine_max_ratio=1.0)


def replay(world: World) -> None:
    assert world.replay().replayed > 0


def verify(world: World) -> None:
    world.assert_proved()


def maintain_too(world: World) -> None:
    run(world)


@pytest.mark.usefixtures("leases_are_lost")
@pytest.mark.parametrize("other", [ingest, replay, verify, maintain_too])
@pytest.mark.parametrize(("effect", "when"), MOMENTS_OF_A_ROUND)
def test_whatever_is_done_in_the_midst_of_a_round_changes_no_row(
    world: World, template: World, effects: Effects, effect: str, when: Moment, other: Callable[[World], None]
) -> None:
    fresh(world, template, effects)
    effects.plan(Fault(effect, 1, when, lambda: other(world)))

    run(world)

    assert effects.happened == 1
    ingest(world)
    if other is not replay:
        replay(world)
    world.assert_exact()


@pytest.mark.usefixtures("leases_are_lost")
def test_files_that_two_replaced_at_once_are_noticed_and_nobody_goes_on(
    world: World, template: World, effects: Effects, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtake() -> None:
        run(world)
        monkeypatch.setattr(rewrite, "_active", all_active)

    fresh(world, template, effects)
    effects.plan(Fault("write rows of the table", 1, "after", overtake))

    with pytest.raises(InvariantError, match="which another commit had replaced before"):
        run(world)
    with pytest.raises(InvariantError, match="is not maintained since this was found"):
        run(world)


@pytest.mark.parametrize(
    "effect",
    [
        "write rows of the table",
        "commit replay",
        "write rows of the quarantine",
        "write a commit to the quarantine",
        "sync a commit to the quarantine",
    ],
)
def test_maintenance_in_the_midst_of_a_replay_leaves_each_record_home_once(
    world: World, template: World, effects: Effects, effect: str
) -> None:
    fresh(world, template, effects)
    effects.plan(Fault(effect, 1, "before", lambda: run(world)))

    replay(world)

    assert effects.happened == 1
    ingest(world)
    world.assert_exact()
    assert world.replay().replayed == 0


def verified(world: World, in_the_midst: list[Callable[[], object]]) -> TableReport:
    """What `headrace verify` finds; each of its attempts is disturbed by one thing, after the first file was read."""
    ready = False

    def progress(stage: str, done: int, total: int) -> None:
        nonlocal ready
        if not stage.endswith("files"):
            ready = True
        elif ready and 0 < done < total and in_the_midst:
            ready = False
            in_the_midst.pop(0)()

    truth = world.topic.truth(world.folder)
    return Verifier(world.root, {TABLE: world.contract}, truth, progress).verify(TABLE)


def merge_and_vacuum(world: World, patch: pytest.MonkeyPatch) -> None:
    """All files of the table are replaced, and those that were are gone; then a worker brings new ones."""
    before = files(world)
    maintain(world, COLD)
    age_removals(world, days=8)
    maintain(world, COLD)
    assert not any((world.root / TABLE / path).exists() for path in before)
    with in_step(patch, records_per_poll=5):
        world.drain(flush_rows=5)


def test_verify_whose_files_vanish_looks_at_the_newer_version(
    memory_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(memory_world, 12)
    memory_world.topic.extend([fill(number, note="later") for number in range(40)])

    report = verified(memory_world, [lambda: merge_and_vacuum(memory_world, monkeypatch)])

    assert report.verdict == "PASS", [f for p in report.partitions for f in p.findings]
    assert report.version == memory_world.table().version()


def test_verify_whose_files_vanish_again_says_so_and_finds_no_fault(
    memory_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(memory_world, 12)
    memory_world.topic.extend([fill(number, note="later") for number in range(40)])

    report = verified(memory_world, [lambda: merge_and_vacuum(memory_world, monkeypatch)] * 2)

    assert (report.verdict, [finding.code for finding in report.findings]) == ("UNKNOWN", [Code.MOVED_ON])
    memory_world.assert_exact()


def merges(log: Path) -> int:
    """How often processes say that they merged files."""
    return log.read_text().count('"job": "compact"') if log.exists() else 0


def has_merged(log: Path, before: int) -> bool:
    return merges(log) > before


@pytest.mark.kafka
@pytest.mark.timeout(300)
def test_two_maintenance_processes_killed_again_and_again_beside_ingest_and_verify(kafka_world: World) -> None:
    world = kafka_world
    log = world.folder / "maintenance.log"
    with producing(world, stream()) as sent, WorkerProcess(world) as worker:
        worker.await_said('"event": "flush"')
        for round_ in range(3):
            merged = partial(has_merged, log, merges(log))
            with start_maintenance(world) as one, start_maintenance(world) as other:
                wait_until(merged, "files are merged")
                if round_ % 2:
                    world.assert_proved()
                assert (one.kill(), other.kill()) == (-signal.SIGKILL, -signal.SIGKILL)
            world.assert_proved()
        assert worker.alive, worker.said
    assert len(sent) > 500
    assert '"outcome": "violation"' not in log.read_text()
    with WorkerProcess(world, drain=True) as worker:
        assert worker.end() == 0, worker.said
    world.assert_exact()
    maintain(world, COLD)
    world.assert_exact()
