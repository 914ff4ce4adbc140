"""Many workers that create one table at the same moment."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from headrace.errors import WrongTableError
from headrace.testing.waiting import PATIENCE_SECONDS
from tests.behaviour.gates import Gate
from tests.behaviour.running import Running
from tests.behaviour.world import TABLE, World, fill, poison
from tests.faults.effects import Crash, Effects, Fault

CREATORS = 8


@pytest.mark.parametrize("attempt", range(3))
def test_of_many_creators_at_once_one_creates_the_table_and_all_work_on_it(memory_world: World, attempt: int) -> None:
    world = memory_world
    world.topic.extend([fill(n) for n in range(20 + attempt)])
    barrier = threading.Barrier(CREATORS)

    def create(_number: int) -> None:
        barrier.wait(PATIENCE_SECONDS)
        world.worker()

    with ThreadPoolExecutor(CREATORS) as pool:
        list(pool.map(create, range(CREATORS)))
    for table in (TABLE, f"{TABLE}__quarantine"):
        assert [note.get("kind") for note in world.notes(table)] == ["create"]
    world.drain()
    world.assert_exact()


def test_a_creator_that_is_overtaken_takes_what_is_there(memory_world: World, effects: Effects) -> None:
    """It would have begun elsewhere: `latest` was resolved before the records that the other has landed."""
    world = memory_world
    gate = Gate()
    effects.plan(Fault("write version 0 of the table", 1, "before", gate.hold))
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(world.worker, start="latest")
        gate.await_reached("it is about to create")
        world.topic.extend([fill(n) for n in range(10)])
        world.drain(start="earliest")
        version_0 = (world.root / TABLE / "_delta_log" / f"{0:020d}.json").read_bytes()
        gate.opened.set()
    assert (world.root / TABLE / "_delta_log" / f"{0:020d}.json").read_bytes() == version_0
    with Running(late.result()):
        world.await_landing(*world.topic.extend([fill(n) for n in range(10, 20)]))
    world.assert_exact()


def test_a_first_start_that_died_between_quarantine_and_table_is_taken_up(
    memory_world: World, effects: Effects
) -> None:
    world = memory_world
    world.topic.extend([fill(n) for n in range(10)])
    effects.plan(Fault("write version 0 of the table", 1, "before", effects.crash))
    with pytest.raises(Crash):
        world.worker()
    effects.plan()
    assert (world.root / f"{TABLE}__quarantine").is_dir()
    assert not (world.root / TABLE).exists()

    world.drain()

    world.assert_exact()


@pytest.mark.parametrize("lost", [TABLE, f"{TABLE}__quarantine"])
def test_a_worker_makes_no_empty_one_in_place_of_a_lost_half(memory_world: World, lost: str) -> None:
    world = memory_world
    world.topic.extend([poison(n) if n % 5 == 3 else fill(n) for n in range(20)])
    world.drain()
    shutil.rmtree(world.root / lost)

    with pytest.raises(WrongTableError, match=f"/{lost} is gone"):
        world.drain()

    assert not (world.root / lost).exists()
