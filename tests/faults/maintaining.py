"""Rounds of maintenance, in which faults are planted."""

from typing import Any

from headrace.lake.latest.live import escaped
from tests.behaviour.upkeep import rounds_of
from tests.behaviour.world import World


def run(world: World) -> None:
    """One round; raises what a table ended with."""
    with rounds_of(world, checkpoint_versions=10, orphans_days=3650) as rounds:
        for found in rounds.go(lambda: False):
            if found.problem is not None:
                raise found.problem


class _Everything(dict[str, tuple[str, int]]):
    """Files of any path, a byte each."""

    def keys(self) -> Any:
        return self

    def __ge__(self, _others: object) -> bool:
        return True

    def __missing__(self, path: str) -> tuple[str, int]:
        return escaped(path), 1


def all_active(_handle: object) -> dict[str, tuple[str, int]]:
    """In place of the look at which files of a table are active: whatever is asked for is."""
    return _Everything()
