"""What a feed tells of a table that workers write, replay and maintain."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from headrace.errors import StoreError, TopicRecreatedError, WrongTableError
from headrace.kafka.topics import TopicIdentity
from headrace.lake.store import Store
from headrace.read.feed import NewRow, RowFeed
from tests.behaviour.made_up import contract_for, tight_contract_for
from tests.behaviour.upkeep import maintain
from tests.behaviour.world import TABLE, World, fill


def identity_of(world: World) -> TopicIdentity:
    return world.topic.ends(world.settings(), world.contract, "g").topic.identity()


def feed_of(world: World) -> RowFeed:
    return RowFeed(Store(str(world.root)), TABLE, "fill_id", identity_of(world))


def look(feed: RowFeed) -> list[NewRow]:
    found = feed.look()
    assert found is not None
    assert not found.begins
    return sorted(found.rows, key=lambda row: row.value)


def test_each_row_is_told_once_and_merged_files_bring_none(memory_world: World) -> None:
    world = memory_world
    world.topic.extend([fill(n) for n in range(5)])
    world.drain()
    feed = feed_of(world)
    begun = feed.look()
    assert begun is not None
    assert (begun.begins, begun.rows, begun.positions) == (True, (), {0: 2, 1: 2, 2: 1})

    for number in range(5, 20):
        address = world.topic.append(fill(number))
        world.drain()
        assert look(feed) == [NewRow(f"fill-{number}", address)]
    maintain(world, compact_files=8)
    assert len(world.table().file_uris()) < 10
    assert look(feed) == []
    world.topic.append(fill(99))
    world.drain()
    assert [row.value for row in look(feed)] == ["fill-99"]
    last = feed.look()
    assert last is not None
    assert last.positions == world.positions()


def test_a_table_that_is_made_later_is_told_from_its_beginning(memory_world: World) -> None:
    feed = feed_of(memory_world)
    assert feed.look() is None
    memory_world.topic.extend([fill(n) for n in range(3)])
    memory_world.drain()

    begun = feed.look()

    assert begun is not None
    assert (begun.begins, begun.positions) == (True, {0: 0, 1: 0, 2: 0})
    assert len(look(feed)) == 3


def test_rows_that_a_replay_brings_home_are_not_told(memory_world: World) -> None:
    world = memory_world
    world.contract = tight_contract_for(world.topic.name)
    world.drain()
    feed = feed_of(world)
    feed.look()
    world.topic.append(fill(700))  # costs 7.00
    world.drain()
    assert look(feed) == []
    world.contract = contract_for(world.topic.name)
    assert world.replay().replayed == 1
    assert look(feed) == []


def test_a_table_that_takes_the_place_of_another_is_told_from_its_beginning(memory_world: World) -> None:
    world = memory_world
    world.topic.extend([fill(n) for n in range(3)])
    world.drain()
    feed = feed_of(world)
    feed.look()
    shutil.rmtree(world.root)
    world.drain()

    found = [feed.look() for _ in range(100)]

    assert [len(each.rows) for each in found if each is not None and each.rows] == [3]


def test_after_a_file_that_cannot_be_read_it_begins_anew(memory_world: World) -> None:
    world = memory_world
    world.drain()
    feed = feed_of(world)
    feed.look()
    world.topic.append(fill(1))
    world.drain()
    (path,) = world.table().file_uris()
    Path(path.removeprefix("file://")).unlink()

    with pytest.raises(StoreError, match="run headrace verify"):
        feed.look()
    begun = feed.look()

    assert begun is not None
    assert begun.begins


def test_a_table_of_another_topic_is_refused(memory_world: World) -> None:
    memory_world.drain()
    own = identity_of(memory_world)
    for identity, failure in (
        (replace(own, name="another"), WrongTableError),
        (replace(own, topic_id="anew"), TopicRecreatedError),
    ):
        with pytest.raises(failure):
            RowFeed(Store(str(memory_world.root)), TABLE, "fill_id", identity).look()
