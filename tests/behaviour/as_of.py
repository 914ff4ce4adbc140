"""Rows of a table as of what is asked, and batches to ask about."""

from collections.abc import Mapping

from headrace.lake import AsOf, Lake
from headrace.offsets import Address
from tests.behaviour.world import TABLE, World, fill


def lake_of(world: World) -> Lake:
    return Lake(str(world.root))


def places(world: World, as_of: AsOf = None) -> list[Address]:
    rows = lake_of(world).read(TABLE, as_of=as_of, columns=["_partition", "_offset"]).collect()
    return sorted(rows.iter_rows())


def drained(world: World, *batches: int) -> Mapping[int, list[Address]]:
    """Drains batches of so many records; per version the places of its rows."""
    found: dict[int, list[Address]] = {}
    for number, size in enumerate(batches):
        world.topic.extend([fill(100 * number + n) for n in range(size)])
        world.drain()
        found[world.table().version()] = places(world)
    return found
