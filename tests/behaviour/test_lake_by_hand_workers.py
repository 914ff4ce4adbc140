"""Tables by hand beside tables of workers, and what may be done by hand to those."""

import shutil

import pytest
from polars.testing import assert_frame_equal

from headrace.errors import (
    ConfigError,
    MaintenanceHeldError,
    WrongTableError,
)
from headrace.lake import Lake
from headrace.lake.quarantine import quarantine_name
from tests.behaviour.handmade import prices, rows
from tests.behaviour.latest import LatestWorld
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.upkeep import feed, outcomes, rounds_of
from tests.behaviour.world import TABLE, World


def test_rows_of_workers_are_left_to_workers(memory_world: World) -> None:
    world = memory_world
    feed(world, 3)
    lake = Lake(str(world.root))
    version = world.table().version()
    frame = lake.read(TABLE).collect()

    for table in (TABLE, quarantine_name(TABLE)):
        for write in (
            lambda: lake.append(table, frame),  # noqa: B023
            lambda: lake.replace(table, frame),  # noqa: B023
            lambda: lake.merge(table, frame, on="fill_id"),  # noqa: B023
            lambda: lake.restore(table, 0),  # noqa: B023
        ):
            with pytest.raises(WrongTableError, match=f"by hand in {table}: .* Emit events to {world.topic.name}"):
                write()

    assert world.table().version() == version
    world.assert_proved()


def test_tables_of_workers_are_optimized_by_hand_and_proved_after_it(memory_world: World) -> None:
    world = memory_world
    feed(world, 3)
    lake = Lake(str(world.root))

    for table in (TABLE, quarantine_name(TABLE)):
        assert lake.optimize(table).merges == 1
        assert lake.vacuum(table, orphans=True).files == ()
    assert lake.optimize(TABLE, z_order=["price", "symbol"], contracts={TABLE: world.contract}).merges == 1

    assert [done.kind for done in lake.history(TABLE, 2)] == ["compact", "compact"]
    feed(world, 1)
    world.assert_proved()


def test_a_table_of_workers_goes_with_its_quarantine_and_is_made_anew(memory_world: World) -> None:
    world = memory_world
    feed(world, 2)
    lake = Lake(str(world.root))

    with pytest.raises(ConfigError, match=f"goes with {TABLE}"):
        lake.delete(quarantine_name(TABLE), confirm=quarantine_name(TABLE))
    assert lake.delete(TABLE, confirm=TABLE).tables == (TABLE, quarantine_name(TABLE))

    assert list(world.root.iterdir()) == []
    world.drain(quarantine_max_ratio=1.0)
    world.assert_proved()


def test_a_half_that_an_interrupted_deletion_left_can_be_deleted(memory_world: World) -> None:
    world = memory_world
    feed(world, 1)
    shutil.rmtree(world.root / TABLE)

    assert Lake(str(world.root)).delete(TABLE, confirm=TABLE).tables == (quarantine_name(TABLE),)

    assert list(world.root.iterdir()) == []


def test_maintenance_looks_after_tables_made_by_hand_and_lends_them(
    memory_world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world = memory_world
    feed(world, 1)
    lake = Lake(str(world.root))
    lake.create("prices", prices(0), time_travel_days=30)
    for number in range(1, 10):
        lake.append("prices", prices(number))
    before = rows(lake)

    with rounds_of(world) as rounds:
        found = {each.table: each for each in rounds.go(lambda: False)}
        assert ("compact", "done") in outcomes(found["prices"])
        # Between two looks its lease is free.
        assert lake.optimize("prices", z_order="symbol").merges == 1
        with pytest.raises(MaintenanceHeldError):
            lake.delete(TABLE, confirm=TABLE)
        assert_frame_equal(rows(lake), before)
        lake.delete("prices", confirm="prices")
        assert "prices" not in {each.table for each in rounds.go(lambda: False)}
    assert "left_alone" not in caplog.text


def test_latest_rows_are_left_to_the_workers_that_merge_them(memory_world: World) -> None:
    world = LatestWorld("memory", MemoryTopic(3), memory_world.folder / "latest")
    world.send(1, at=1)
    world.drain()

    done = Lake(str(world.root)).optimize(TABLE)

    assert (done.merges, done.told) == (0, "workers merge the files of a table of latest rows while they write")
