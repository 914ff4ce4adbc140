"""A rebuild dies, fails or is overtaken at every effect; the table is the old one or the new one, never between."""

import shutil
import signal
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path

import pytest

import headrace.lake.latest.merging
import headrace_ingest.rebuild.sources
from headrace.errors import CommitTimeoutError, StoreError, WrongTableError
from headrace.lake.quarantine import quarantine_name
from headrace.lake.store import Store
from headrace.testing.waiting import wait_until
from headrace_ingest.evolution import apply_schema
from headrace_ingest.rebuild.building import Build
from tests.behaviour.gates import Gate, freeze_polls
from tests.behaviour.holdings import LOG, grown_latest_contract_for
from tests.behaviour.latest import LatestWorld
from tests.behaviour.running import Running
from tests.behaviour.test_latest_proof import last_wins
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.world import TABLE, Row, poison
from tests.faults.chance import seeded
from tests.faults.effects import MOMENTS, Crash, Effects, Fault, Moment, full_disk, lost_answer, raising
from tests.faults.processes import start_rebuild
from tests.faults.templates import copied, counted, fresh
from tests.faults.test_replay_sigkill import has_gone_on

SWITCH = (
    "commit rebuild",
    "write rows of the table",
    "sync rows of the table",
    "write deleted rows of the table",
    "sync deleted rows of the table",
    "write a commit to the table",
    "sync a commit to the table",
)


def made(folder: Path) -> LatestWorld:
    """A table whose rows a wrong program chose: of few keys of a file events came again, and not all of them later."""
    world = LatestWorld("memory", MemoryTopic(2), folder)
    for account in range(24):
        world.send(account, at=10)
    world.topic.append(poison(1), partition=0)
    for account in (3, 4, 5, 6):
        world.send(account, at=5 + account % 4, price=1)
    world.forget(7)
    world.send(8, at=20, desk="B")
    world.memory.skip(0, 2)
    with pytest.MonkeyPatch.context() as patch:
        last_wins(patch)
        world.drain(flush_rows=8, flush_seconds=3600)
    assert world.found()
    return world


def in_small(patch: pytest.MonkeyPatch) -> None:
    """Files of a few rows are large here, and batches small, so that files only say which of their rows are deleted."""
    patch.setattr(headrace.lake.latest.merging, "SMALL", 1)
    patch.setattr(headrace_ingest.rebuild.sources, "BATCH_ROWS", 12)


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    in_small(monkeypatch)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> LatestWorld:
    with pytest.MonkeyPatch.context() as patch:
        in_small(patch)
        return made(tmp_path_factory.mktemp("wrong"))


@pytest.fixture
def world(template: LatestWorld, tmp_path: Path) -> LatestWorld:
    return copied(template, tmp_path)


@pytest.fixture(scope="module")
def counts(template: LatestWorld, tmp_path_factory: pytest.TempPathFactory) -> Counter[str]:
    """How often each effect takes place in a rebuild without faults."""
    return counted(copied(template, tmp_path_factory.mktemp("clean")), LatestWorld.rebuild, in_small)


def rows_of(world: LatestWorld) -> list[Row]:
    rows = [{name: value for name, value in row.items() if name != "_ingested_at"} for row in world.rows()]
    return sorted(rows, key=lambda row: str(row["account"]))


def assert_old_or_new(world: LatestWorld, template: LatestWorld) -> None:
    """Readers see the one or the other."""
    if world.notes()[-1]["kind"] == "rebuild":
        world.assert_latest()
    else:
        assert rows_of(world) == rows_of(template)


def test_every_effect_of_putting_in_place_is_a_crash_point_here(counts: Counter[str]) -> None:
    assert set(SWITCH) <= set(counts)
    assert "tell the group" not in counts
    assert "commit ingest" not in counts


@pytest.mark.parametrize("effect", SWITCH)
def test_a_rebuild_that_dies_at_any_effect_leaves_the_old_table_or_the_new(
    world: LatestWorld, template: LatestWorld, effects: Effects, counts: Counter[str], effect: str
) -> None:
    # The last ones are those on the table; what comes before them is done to the one beside.
    for nth in range(max(1, counts[effect] - 1), counts[effect] + 1):
        fresh(world, template, effects)
        effects.plan(Fault(effect, nth, "after", effects.crash))
        with pytest.raises(Crash):
            world.rebuild()
        effects.plan()
        assert_old_or_new(world, template)
        world.rebuild()
        world.assert_latest()


@pytest.mark.parametrize("torn", [False, True], ids=["gone", "torn"])
def test_power_lost_at_any_effect_leaves_the_old_table_or_the_new(
    world: LatestWorld, template: LatestWorld, effects: Effects, counts: Counter[str], torn: bool
) -> None:
    for effect in ("write rows of the table", "write deleted rows of the table", "write a commit to the table"):
        nth = counts[effect]
        fresh(world, template, effects)
        effects.plan(Fault(effect, nth, "after", effects.crash))
        with pytest.raises(Crash):
            world.rebuild()
        effects.lose_power(world.root, torn=torn)
        effects.plan()
        if not torn:
            assert_old_or_new(world, template)
        world.drain()
        world.rebuild()
        world.assert_latest()


@pytest.mark.parametrize("effect", SWITCH)
@pytest.mark.parametrize(("when", "error"), [("before", full_disk), ("after", lost_answer)], ids=["full", "unanswered"])
def test_an_error_at_any_effect_leaves_the_old_table_or_the_new(
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
        world.rebuild()
    except StoreError:
        assert_old_or_new(world, template)
    else:
        world.assert_latest()
    assert effects.happened == 1
    effects.plan()
    world.rebuild()
    world.assert_latest()


@pytest.mark.parametrize(("effect", "when"), [*product(SWITCH, MOMENTS)])
def test_workers_that_come_in_between_lose_nothing(
    world: LatestWorld, template: LatestWorld, effects: Effects, counts: Counter[str], effect: str, when: Moment
) -> None:
    """A worker reads more, of accounts that are there and new ones, in the midst of the last step."""
    topic = MemoryTopic(2)
    for (partition, offset), record in template.topic.records.items():
        topic.broker._partitions[partition].end = offset
        topic.append(record.value, key=record.key, partition=partition, timestamp_ms=record.timestamp_ms)
    topic.broker.skip(0, 2)
    beside = LatestWorld("memory", topic, world.folder)

    def ingest() -> None:
        for account in range(0, 14, 2):
            beside.send(account, at=100, price=9)
        beside.forget(4)
        beside.drain()

    fresh(world, template, effects)
    effects.plan(Fault(effect, counts[effect], when, ingest))
    beside.rebuild()
    assert effects.happened == 1
    beside.assert_latest()


@pytest.mark.parametrize(("effect", "when"), [*product(SWITCH, MOMENTS)])
def test_columns_that_come_in_between_keep_the_old_rows(
    world: LatestWorld, effects: Effects, counts: Counter[str], effect: str, when: Moment
) -> None:
    """Rows that a worker of the later contract has written since would lose them."""
    later = grown_latest_contract_for(world.topic.name)

    def grow() -> None:
        apply_schema(Store(str(world.root)), later)

    landed = effect == SWITCH[-1] or (effect, when) == (SWITCH[-2], "after")
    effects.plan(Fault(effect, counts[effect], when, grow))
    if landed:
        world.rebuild()
    else:
        with pytest.raises(WrongTableError, match="brought to schema_version 2"):
            world.rebuild()
        assert world.notes()[-1]["kind"] == "schema"
    assert effects.happened == 1
    world.contract = later
    world.rebuild()
    world.assert_proved()


def test_a_zombie_that_wakes_after_a_rebuild_writes_on_the_new_rows(world: LatestWorld, effects: Effects) -> None:
    gate = Gate()
    world.topic = MemoryTopic(2)
    shutil.rmtree(world.root)
    with pytest.MonkeyPatch.context() as patch:
        last_wins(patch)
        for account in range(20):
            world.send(account, at=account)
            world.send(account, at=0)
        world.drain()
    for account in range(0, 20, 3):
        world.send(account, at=1)
    effects.plan(Fault("write a commit to the table", 1, "before", gate.hold))
    zombie = Running(world.worker(flush_seconds=0.05))
    freeze_polls(zombie.worker.consumer, gate)
    with zombie:
        gate.await_reached("it is about to commit")
        world.rebuild()
        gate.opened.set()
        world.await_all()
        assert zombie.alive, zombie.failure
    world.assert_latest()


def test_a_table_that_never_stands_still_is_left_as_it_is(
    world: LatestWorld, template: LatestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing that was moved for it is left behind."""
    world.topic = MemoryTopic(2)
    shutil.rmtree(world.root)
    world.send(1, at=0)
    world.drain()
    extend = Build.extend
    rebuilder = world.rebuilder()

    def overtaken(build: Build, positions: dict[int, int]) -> None:
        # Not before: what comes earlier may take as long as it likes.
        object.__setattr__(rebuilder.subject, "deadline_seconds", 0.1)
        extend(build, positions)
        if build.shadow.files():
            world.send(1, at=0)
            world.drain()

    monkeypatch.setattr(Build, "extend", overtaken)
    with pytest.raises(CommitTimeoutError, match="Stop them for a moment"):
        rebuilder.run()
    commits = "".join(path.read_text() for path in (world.root / TABLE / "_delta_log").glob("*.json"))
    assert [path for path in (world.root / TABLE).glob("desk=*/*.parquet") if path.name not in commits] == []
    assert not (world.root / TABLE / "_headrace" / "rebuild.json").exists()
    monkeypatch.undo()
    world.assert_latest()


@pytest.mark.timeout(300)
def test_a_rebuild_killed_at_random_moments_leaves_the_old_table_or_the_new(tmp_path: Path) -> None:
    chance = seeded()
    world = LatestWorld("memory", MemoryTopic(2), tmp_path)
    for number in range(2_000):
        world.send(number % 500, at=chance.randrange(1000), price=number % 50)
    with pytest.MonkeyPatch.context() as patch:
        last_wins(patch)
        world.drain(flush_rows=500)
    world.drain_log()
    wrong, begun = rows_of(world), world.root / quarantine_name(TABLE) / "_delta_log"
    killed_at_work = 0
    for _ in range(6):
        before = len(list(begun.iterdir()))
        with start_rebuild(world, LOG) as process:
            wait_until(partial(has_gone_on, process, begun, before), "the rebuild has begun, or has ended")
            process.runs_for(chance.uniform(0.0, 0.2))
            killed_at_work += process.kill() == -signal.SIGKILL
        if world.notes()[-1]["kind"] == "rebuild":
            world.assert_latest()
        else:
            assert rows_of(world) == wrong
    assert killed_at_work

    with start_rebuild(world, LOG) as process:
        assert process.end() == 0, process.said
    world.assert_latest()
