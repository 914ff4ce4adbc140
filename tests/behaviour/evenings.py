"""A table that lives for many days and keeps the last version of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from headrace.lake.upkeep.lease import record_path
from tests.behaviour.upkeep import COLD, feed, maintain, pass_days
from tests.behaviour.world import TABLE, World


@dataclass
class Evening:
    """What stood in the table at the end of a day.

    Attributes:
        version: its last one.
        places: of its rows, rising.
        age: in days.
    """

    version: int
    places: list[tuple[int, int]]
    age: int = 0


def live(world: World, steps: list[int], *, kept_days: int, before: Sequence[Evening] = ()) -> list[Evening]:
    """A day of work and maintenance, then so many days that pass; again and again.

    Args:
        world: its table is made on the first day.
        steps: days.
        kept_days: for how long the table promises to keep evenings.
        before: evenings that it has had, which grow older too.
    """
    evenings = list(before)
    for days in steps:
        feed(world, 1, time_travel_days=kept_days)
        maintain(world, COLD, checkpoint_versions=10)
        evenings.append(Evening(world.table().version(), read_by_deltalake(world, world.table().version())))
        pass_days(world, days)
        (world.root / record_path(TABLE)).unlink()  # or orphans are looked for once in all these days
        for evening in evenings:
            evening.age += days
    return evenings


def read_by_deltalake(world: World, when: int | datetime) -> list[tuple[int, int]]:
    """Places of all rows of a version, or of the one of that moment."""
    table = world.table()
    table.load_as_version(when)
    return places(table.to_pyarrow_table(columns=["_partition", "_offset"]).to_pydict())


def places(columns: Mapping[str, list[int]]) -> list[tuple[int, int]]:
    """Rising."""
    return sorted(zip(columns["_partition"], columns["_offset"], strict=True))
