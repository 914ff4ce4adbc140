"""What a worker relies on of its consumer, on the broker in memory, the embedded one and a real Kafka."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest

from headrace.errors import PositionLostError
from headrace.offsets import Address
from headrace.testing.waiting import wait_until
from headrace_ingest.ports import Consumer
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.world import World, fill


@dataclass
class Listener:
    """Gives each partition the position it was told to, and writes down what happens."""

    starts: dict[int, int] = field(default_factory=dict)
    held: set[int] = field(default_factory=set)
    events: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)
    failure: Exception | None = None

    def assigned(self, partitions: Sequence[int]) -> Mapping[int, int]:
        self.events.append(("assigned", tuple(sorted(partitions))))
        if self.failure is not None:
            raise self.failure
        self.held |= set(partitions)
        return {p: self.starts.get(p, 0) for p in partitions}

    def revoked(self, partitions: Sequence[int]) -> None:
        self.events.append(("revoked", tuple(sorted(partitions))))
        self.held -= set(partitions)

    def lost(self, partitions: Sequence[int]) -> None:
        self.events.append(("lost", tuple(sorted(partitions))))
        self.held -= set(partitions)


class Reading:
    """A consumer, its listener, and all that it has handed out."""

    def __init__(self, consumer: Consumer, listener: Listener) -> None:
        self.consumer, self.listener = consumer, listener
        self.values: dict[Address, bytes | None] = {}
        self.order: list[Address] = []
        self.ends: dict[int, int] = {}
        consumer.subscribe(listener)

    def step(self, seconds: float = 0.1) -> None:
        poll = self.consumer.poll(1000, seconds)
        addresses = list(zip(poll.records.partitions, poll.records.offsets, strict=True))
        self.order += addresses
        self.values |= dict(zip(addresses, poll.records.values, strict=True))
        self.ends |= poll.ends

    def until(self, holds: Callable[[], bool], what: str) -> None:
        def stepped() -> bool:
            self.step()
            return holds()

        wait_until(stepped, what)

    def until_read(self, *addresses: Address) -> None:
        self.until(lambda: set(addresses) <= self.values.keys(), f"{addresses[:3]} are read")


@contextmanager
def reading(world: World, **starts: int) -> Iterator[Reading]:
    """A member of the group of `world`; `p2=5` begins partition 2 at 5."""
    listener = Listener({int(name[1:]): at for name, at in starts.items()})
    consumer = world.consumer()
    try:
        yield Reading(consumer, listener)
    finally:
        consumer.close()


def test_reading_begins_where_the_listener_says_and_ends_at_the_end(world: World) -> None:
    world.topic.extend([fill(n) for n in range(40)])
    wanted = {a: r.value for a, r in world.topic.records.items() if a[1] >= {0: 7, 1: 3}.get(a[0], 0)}
    with reading(world, p0=7, p1=3) as member:
        member.until(lambda: len(member.ends) == world.topic.partitions, "every partition is read to its end")
        assert member.values == wanted
        assert len(member.order) == len(wanted)
        assert member.ends == {p: max(o for q, o in world.topic.records if q == p) + 1 for p in member.ends}
        after = world.topic.append(fill(99), partition=0)
        member.until_read(after)
        member.until(lambda: member.ends[0] == after[1] + 1, "the new end is told")
    assert member.listener.events[-1][0] == "revoked"
    assert member.listener.held == set()


def test_the_end_of_a_partition_is_not_a_record(world: World) -> None:
    first = world.topic.append(fill(1), partition=0)
    everything = set(range(world.topic.partitions))
    with reading(world) as member:
        member.until(lambda: member.ends.keys() == everything or len(member.order) > 1, "every end is told")
        assert member.values == {first: fill(1)}
        assert member.ends == {p: int(p == 0) for p in everything}
        second = world.topic.append(fill(2), partition=0)
        member.until_read(second)
        assert member.values[second] == fill(2)
        assert member.order == [first, second]


def test_a_seek_brings_the_same_records_once_more(world: World) -> None:
    world.topic.extend([fill(n) for n in range(20)])
    with reading(world) as member:
        member.until_read(*world.topic.records)
        member.order.clear()
        again = [a for a in world.topic.records if a[0] == 1 and a[1] >= 2]
        member.consumer.seek(1, 2)
        member.until(lambda: len(member.order) >= len(again), "partition 1 is read again")
        assert member.order == again


def test_a_paused_partition_brings_nothing_until_it_is_resumed(world: World) -> None:
    with reading(world) as member:
        member.until(lambda: len(member.listener.held) == world.topic.partitions, "the partitions are assigned")
        member.consumer.pause([0])
        held_back = world.topic.append(fill(1), partition=0)
        others = [world.topic.append(fill(n), partition=1) for n in range(5)]
        member.until_read(*others)
        assert held_back not in member.values
        member.consumer.resume([0])
        member.until_read(held_back)


@pytest.mark.parametrize("at", [5, -1], ids=["beyond-the-end", "before-the-beginning"])
def test_a_position_that_the_broker_does_not_have_is_an_error_and_never_a_jump(world: World, at: int) -> None:
    if at < 0:
        at = make_records_disappear(world)
    with reading(world, p0=at) as member, pytest.raises(PositionLostError):
        member.until(lambda: 0 in member.ends or any(a[0] == 0 for a in member.values), "partition 0 is read")


def make_records_disappear(world: World) -> int:
    """Leaves partition 0 without its first records; returns a position before what is left."""
    if world.kind == "embedded":
        for number in range(12):  # 6 MB, and the embedded broker keeps 5 of a partition
            world.topic.append(bytes(str(number), "ascii") * 500_000, partition=0)
    else:
        for number in range(12):
            world.topic.append(fill(number), partition=0)
        world.topic.delete_before(0, 6)
    return 0


def test_partitions_go_from_one_member_to_the_next_through_revocation(strict_world: World) -> None:
    world = strict_world
    world.topic.extend([fill(n) for n in range(20)])
    everything = set(range(world.topic.partitions))
    with reading(world) as first:
        first.until(lambda: first.listener.held == everything, "the first member holds all partitions")
        with reading(world) as second:
            first_step = first.step

            def shared() -> bool:
                first_step(0.01)
                held = first.listener.held, second.listener.held
                return held[0] | held[1] == everything and all(held) and not held[0] & held[1]

            second.until(shared, "the partitions are shared")
            assert ("revoked", tuple(sorted(second.listener.held))) in first.listener.events
        first.until(lambda: first.listener.held == everything, "the first member holds all partitions again")


def test_what_a_listener_raises_comes_out_of_poll_and_no_record_does(world: World) -> None:
    world.topic.extend([fill(n) for n in range(20)])
    member = Reading(world.consumer(), Listener(failure=ZeroDivisionError("the table cannot be read")))
    with pytest.raises(ZeroDivisionError):
        member.until(lambda: False, "the assignment fails")
    with suppress(ZeroDivisionError):  # told once more
        member.consumer.close()
    assert member.values == {}
    assert [kind for kind, _ in member.listener.events].count("assigned") == 1


def test_an_expelled_member_learns_that_its_partitions_are_lost(memory_world: World) -> None:
    world = memory_world
    assert isinstance(world.topic, MemoryTopic)
    with reading(world) as member:
        member.until(lambda: len(member.listener.held) == 3, "the partitions are assigned")
        world.expel(member.consumer)
        member.until(lambda: ("lost", (0, 1, 2)) in member.listener.events, "the loss is told")
        member.until(lambda: len(member.listener.held) == 3, "the partitions are assigned again")
