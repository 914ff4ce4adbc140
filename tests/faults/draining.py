"""A worker from its start to the end of the topic, in which faults are planted."""

import shutil
from dataclasses import replace

from tests.behaviour.world import World
from tests.faults.effects import Crash, Effects


def run(world: World, effects: Effects, *, flush_rows: int = 10) -> None:
    """One worker to the end of the topic, a checkpoint at every second version."""
    worker = world.worker(drain=True, flush_rows=flush_rows, flush_seconds=3600)
    worker.writer._target = replace(worker.writer._target, checkpoint_every=2)
    worker.run()
    if effects.dead:  # it died on the writer thread, after all that the loop waits for
        raise Crash


def fresh(world: World) -> None:
    """Takes the lake away, and what the group was told; the topic stays."""
    shutil.rmtree(world.root, ignore_errors=True)
    world.memory.committed.clear()


def assert_group_is_not_ahead(world: World) -> None:
    """The group knows no more than the table."""
    if told := world.memory.committed:
        stands = world.positions()
        assert all(position <= stands[p] for p, position in told.items())
