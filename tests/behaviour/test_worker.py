"""What a worker promises, on the broker in memory, the embedded one and a real Kafka, in each kind of membership."""

import random
from contextlib import ExitStack
from datetime import timedelta

import pytest

from headrace.errors import QuarantineLimitError
from headrace.testing.waiting import wait_until
from tests.behaviour.world import DAY, TABLE, World, fill, poison
from tests.logged import capture_logs


def test_each_record_lands_exactly_once_with_its_value(member_world: World) -> None:
    world = member_world
    world.topic.extend([fill(n) for n in range(500)])
    with world.running() as worker:
        world.await_landing(*world.topic.records)
        more = world.topic.extend([poison(n) if n % 50 == 0 else fill(n) for n in range(500, 1000)])
        world.await_landing(*more)
        worker.stop()
    world.assert_exact()
    assert len(world.landed()) == 990


@pytest.mark.parametrize("bad", [{0}, {2}, {4}, {0, 1, 2, 3, 4}, set()], ids=["first", "middle", "last", "all", "none"])
@pytest.mark.parametrize("batch_of", [5, 1], ids=["in-a-batch", "alone"])
def test_a_record_that_cannot_be_a_row_goes_to_the_quarantine_as_it_came(
    memory_world: World, bad: set[int], batch_of: int
) -> None:
    world = memory_world
    for number in range(5):
        value = poison(number) if number in bad else fill(number)
        world.topic.append(value, partition=0, key=b"\x00key", headers=[("trace", b"\xff"), ("empty", None)])
        if batch_of == 1:
            world.drain()
    world.drain()
    world.assert_exact()
    assert world.quarantined().keys() == {(0, number) for number in bad}


def test_raw_bytes_key_headers_and_reason_survive_in_the_quarantine(world: World) -> None:
    headers = [("trace", b"\x00\xff"), ("trace", b"again"), ("empty", None)]
    torn = world.topic.append(b"\xff\x00{", partition=1, key=b"\x80", headers=headers, timestamp_ms=1_700_000_000_123)
    tombstone = world.topic.append(None, partition=1, key=b"gone")
    world.drain()
    world.assert_exact()
    row, dead = world.quarantined()[torn], world.quarantined()[tombstone]
    assert (row["topic"], row["value"], row["key"]) == (world.topic.name, b"\xff\x00{", b"\x80")
    assert [(h["key"], h["value"]) for h in row["headers"]] == headers
    assert row["_kafka_timestamp"].timestamp() == 1_700_000_000.123
    assert row["resolution"] is None
    assert row["detail"]
    assert (dead["value"], dead["key"], dead["reason"]) == (None, b"gone", "tombstone")


def test_the_group_is_told_where_the_table_stands(member_world: World) -> None:
    world = member_world
    world.topic.extend([fill(n) for n in range(40)])
    world.drain()
    positions = world.positions()
    assert sum(positions.values()) == 40
    assert world.topic.group_offsets(world.topic.name) == {p: at for p, at in positions.items() if at}


def test_a_restarted_worker_goes_on_where_the_table_stands(member_world: World) -> None:
    world = member_world
    for begin in range(0, 90, 30):
        world.topic.extend([poison(n) if n % 10 == 3 else fill(n) for n in range(begin, begin + 30)])
        world.drain()
        world.assert_exact()


def test_a_drain_of_nothing_new_changes_nothing(memory_world: World) -> None:
    memory_world.topic.extend([fill(n) for n in range(10)])
    memory_world.drain()
    version = memory_world.table().version()
    memory_world.drain()
    assert memory_world.table().version() == version


def test_two_workers_share_the_partitions_while_they_come_and_go(group_world: World) -> None:
    world, sent = group_world, iter(range(10_000))

    def send() -> None:
        world.await_landing(*world.topic.extend([fill(next(sent)) for _ in range(40)]))

    with world.running() as first:
        send()
        with world.running(member="two") as second:
            send()
            wait_until(lambda: bool(second.worker._leases), "the second has its share")
            first.stop()
            with ExitStack() as back:
                if world.membership.static:  # the group keeps its partitions for it while it is away
                    back.enter_context(world.running())
                send()
    world.assert_exact()
    assert len(world.landed()) == 120


def test_late_events_go_to_the_date_on_which_they_happened(memory_world: World) -> None:
    world = memory_world
    for days in (0, -400, 0, 3, -1):
        world.topic.append(fill(days + 1000, at=DAY + timedelta(days=days)))
    world.drain()
    world.assert_exact()
    dates = [(row["date"], row["timestamp"].date().isoformat()) for row in world.rows()]
    assert len({date for date, _ in dates}) == 4
    assert all(date == happened for date, happened in dates)


def test_offsets_without_a_record_are_accounted_for_as_gaps(memory_world: World) -> None:
    world = memory_world
    world.memory.skip(0, 3)
    for number in range(5):
        world.topic.append(fill(number), partition=0)
    world.memory.skip(0, 2)
    world.topic.append(fill(9), partition=0)
    world.memory.skip(0, 4)
    world.drain()
    world.assert_exact()
    assert world.positions()[0] == 15
    ranges = [note["partitions"]["0"] for note in world.notes() if "partitions" in note]
    assert sum(found["gap_records"] for found in ranges) == 9
    assert [gap for found in ranges for gap in found["gaps"]] == [[0, 3], [8, 10], [11, 15]]


def test_a_range_of_gaps_alone_moves_the_position(memory_world: World) -> None:
    world = memory_world
    world.memory.skip(0, 5)
    world.drain()
    assert world.positions()[0] == 5
    assert world.rows() == []
    world.assert_proved()


def test_a_range_without_a_record_is_committed_once_an_age_and_not_more_often(memory_world: World) -> None:
    world = memory_world
    with world.running(flush_seconds=0.05) as worker:
        for number in range(3):
            world.memory.skip(0, 5)
            world.await_landing((0, 5 * number + 4))
        version = world.table().version()
        worker.stop()
    assert [note["kind"] for note in world.notes()].count("ingest") == 3
    assert world.table().version() == version
    assert world.rows() == []
    assert world.positions()[0] == 15
    world.assert_proved()


def test_what_was_read_is_durable_when_a_stopped_worker_ends(memory_world: World) -> None:
    world = memory_world
    world.topic.extend([fill(n) for n in range(60)])
    with world.running(flush_seconds=3600) as running:
        wait_until(lambda: running.worker._batch.records == 60, "everything is read")
        assert world.rows() == []
        running.stop()
    assert len(world.landed()) == 60
    world.assert_exact()


def test_a_drain_waits_for_the_partitions_of_others(memory_world: World) -> None:
    world = memory_world
    with world.running(flush_seconds=0.3):
        world.topic.extend([fill(n) for n in range(60)])
        world.drain()
        assert len(world.landed()) == 60
    world.assert_exact()


def test_small_batches_of_random_sizes_lose_nothing(memory_world: World) -> None:
    world, chance = memory_world, random.Random(11)
    world.topic.extend([poison(n) if chance.random() < 0.2 else fill(n) for n in range(300)])
    for _ in range(10):
        partition = chance.randrange(3)
        world.memory.skip(partition, chance.randrange(1, 4))
        world.topic.append(fill(chance.randrange(1000)), partition=partition)
    world.drain(flush_rows=7)
    world.assert_exact()


def test_a_wrong_contract_stops_the_worker_before_the_topic_moves_to_the_quarantine(memory_world: World) -> None:
    memory_world.topic.extend([poison(n) for n in range(50)])
    with pytest.raises(QuarantineLimitError, match="wrong contract"):
        memory_world.drain(quarantine_max_consecutive=20, flush_seconds=3600)
    assert memory_world.quarantined() == {}
    assert memory_world.rows() == []
    assert set(memory_world.positions().values()) == {0}


def test_positions_are_stored_under_the_topics_own_id(memory_world: World) -> None:
    memory_world.drain()
    log = (memory_world.root / TABLE / "_delta_log" / f"{0:020d}.json").read_text()
    for partition in range(3):
        assert f'"appId":"{TABLE}/memory/memory-topic/{partition}"' in log


@pytest.mark.parametrize("collected", [3, 0])
def test_partitions_that_are_taken_away_are_logged_with_what_is_dropped(memory_world: World, collected: int) -> None:
    world = memory_world
    with capture_logs() as lines, world.running(flush_seconds=3600) as running:
        world.topic.extend([fill(number) for number in range(collected)])
        wait_until(lambda: len(running.worker._leases) == 3, "it has all partitions")
        wait_until(lambda: running.worker._batch.records == collected, "all is read")
        world.expel(running.worker.consumer)
        wait_until(lambda: any(line["event"] == "lost" for line in lines), "it learns so")
    assert [line["unflushed"] for line in lines if line["event"] == "lost"] == [collected]
