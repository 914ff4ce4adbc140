"""A lake that was made once and is put back before each fault."""

import shutil

from tests.behaviour.world import World
from tests.faults.effects import Effects


def fresh(world: World, template: World, effects: Effects) -> None:
    """The lake as the template has it, and durable; no fault is planned."""
    effects.plan()
    shutil.rmtree(world.root, ignore_errors=True)
    shutil.copytree(template.root, world.root)
    found = sorted(world.root.rglob("*"), key=lambda path: path.is_dir())
    effects.synced[:] = [*found, world.root]
