"""Where a worker begins and goes on, and when it must stop because that cannot be known."""

from datetime import UTC, datetime

import pytest

from headrace.errors import HeadraceError, PositionLostError, TableDamagedError, TopicRecreatedError
from tests.behaviour.world import TABLE, World, fill

NOON_MS = 1_772_452_800_000
"""2026-03-02T12:00:00Z."""


def send_around_noon(world: World) -> None:
    for minute in (-2, -1, 0, 1):
        for partition in range(3):
            if partition != 2 or minute < 0:  # nothing in partition 2 since noon
                world.topic.append(fill(minute + 10), partition=partition, timestamp_ms=NOON_MS + 60_000 * minute)


@pytest.mark.parametrize(
    ("start", "first"),
    [
        ("earliest", {0: 0, 1: 0, 2: 0}),
        ("latest", {0: 4, 1: 4, 2: 2}),
        (datetime(2026, 3, 2, 12, tzinfo=UTC), {0: 2, 1: 2, 2: 2}),
    ],
    ids=["earliest", "latest", "timestamp"],
)
def test_a_new_table_begins_where_it_is_told_and_never_anywhere_else(
    strict_world: World, start: str | datetime, first: dict[int, int]
) -> None:
    world = strict_world
    send_around_noon(world)
    world.worker(start=start)  # creates the table; no record is read yet
    assert world.positions() == first
    world.topic.extend([fill(n) for n in range(6)])
    world.drain(start="latest" if start == "earliest" else "earliest")  # an existing table does not ask
    world.assert_exact(records={a: r for a, r in world.topic.records.items() if a[1] >= first[a[0]]})


def test_a_partition_added_to_the_topic_is_read_from_its_first_record(strict_group_world: World) -> None:
    world = strict_group_world
    world.topic.extend([fill(n) for n in range(12)])
    with world.running(kafka={"metadata_refresh_seconds": 0.2}) as worker:
        world.await_landing(*world.topic.records)
        world.topic.add_partitions(2)
        added = [world.topic.append(fill(n), partition=n) for n in (3, 4, 3, 4)]
        world.await_landing(*added)
        worker.stop()
    assert sum(address[0] > 2 for address in world.landed()) == 4
    world.assert_exact()


def test_an_added_partition_whose_first_records_are_gone_stops_the_worker(strict_world: World) -> None:
    world = strict_world
    world.drain()
    world.topic.add_partitions(1)
    for number in range(4):
        world.topic.append(fill(number), partition=3)
    world.topic.delete_before(3, 2)
    with pytest.raises(PositionLostError, match="first records are gone"):
        world.drain()
    assert world.rows() == []


def test_records_deleted_before_they_were_read_stop_the_worker(strict_world: World) -> None:
    world = strict_world
    world.topic.extend([fill(n) for n in range(30)])
    world.drain()
    kept = dict(world.topic.records)
    world.topic.extend([fill(n) for n in range(30, 60)])
    world.topic.delete_before(1, 15)
    with pytest.raises(PositionLostError, match="the broker has 15 to 20") as stopped:
        world.drain()
    assert stopped.value.exit_code == 81
    assert world.landed() == {a: r.value for a, r in kept.items()}


def test_a_recreated_topic_stops_a_worker_that_starts(strict_world: World) -> None:
    world = strict_world
    world.topic.extend([fill(n) for n in range(30)])
    world.drain()
    before = world.landed()
    world.topic.recreate()
    world.topic.extend([fill(n) for n in range(60)])
    with pytest.raises(TopicRecreatedError) as stopped:
        world.drain()
    assert stopped.value.exit_code == 80
    assert world.landed() == before


def test_a_topic_recreated_under_a_running_worker_stops_it(strict_world: World) -> None:
    world = strict_world
    world.topic.extend([fill(n) for n in range(30)])
    running = world.running(kafka={"metadata_refresh_seconds": 0.2}).start()
    world.await_landing(*world.topic.records)
    before = world.landed()
    world.topic.recreate()
    with pytest.raises(HeadraceError) as stopped:
        running.join()
    # Missing: the worker looked between deletion and creation. Position lost: the consumer noticed first.
    assert stopped.value.exit_code in (80, 66, 81)
    world.topic.extend([fill(n) for n in range(30)])
    with pytest.raises(TopicRecreatedError):
        world.drain()
    assert world.landed() == before


def test_records_of_a_topic_created_anew_never_land_however_fast_they_come(strict_world: World) -> None:
    world = strict_world
    world.topic.extend([fill(n) for n in range(30)])
    running = world.running().start()
    world.await_landing(*world.topic.records)
    before = world.landed()
    world.topic.recreate()
    # More than the old position, at once: the worker goes on reading long before it looks at the topic again.
    world.topic.extend([fill(n, note="anew") for n in range(300)])
    with pytest.raises(HeadraceError) as stopped:
        running.join()
    assert stopped.value.exit_code in (80, 66, 81)
    assert world.landed() == before


def test_a_worker_does_not_start_on_a_damaged_log(memory_world: World) -> None:
    world = memory_world
    for begin in (0, 5):
        world.topic.extend([fill(n) for n in range(begin, begin + 5)])
        world.drain()
    newest = world.table().version()
    commit = world.root / TABLE / "_delta_log" / f"{newest:020d}.json"
    commit.write_bytes(commit.read_bytes()[:-20])
    with pytest.raises(TableDamagedError, match=f"commit {newest} of .*{TABLE}, .* is torn: .* verify") as stopped:
        world.drain()
    assert stopped.value.exit_code == 85


def test_a_position_the_table_should_have_is_not_guessed(memory_world: World) -> None:
    world = memory_world
    world.topic.extend([fill(n) for n in range(30)])
    world.drain()
    log = world.root / TABLE / "_delta_log"
    for commit in sorted(log.glob("*.json")):
        kept = [line for line in commit.read_text().splitlines() if '"appId":"fills/memory/memory-topic/1"' not in line]
        commit.write_text("".join(f"{line}\n" for line in kept))
    with pytest.raises(PositionLostError, match="records no position for partition 1"):
        world.drain()
