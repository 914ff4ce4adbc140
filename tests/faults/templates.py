"""Lakes that are made once, and copied or put back before each fault."""

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from tests.behaviour.world import World
from tests.faults.effects import Effects, recorded

W = TypeVar("W", bound=World)


def copied(template: W, folder: Path) -> W:
    """The world of a template, with a lake of its own."""
    world = replace(template, folder=folder)
    shutil.copytree(template.root, world.root)
    return world


def fresh(world: World, template: World, effects: Effects) -> None:
    """The lake as the template has it, and durable; no fault is planned."""
    effects.plan()
    shutil.rmtree(world.root, ignore_errors=True)
    shutil.copytree(template.root, world.root)
    found = sorted(world.root.rglob("*"), key=lambda path: path.is_dir())
    effects.synced[:] = [*found, world.root]


def counted(world: W, act: Callable[[W], object], prepare: Callable[[pytest.MonkeyPatch], None]) -> Counter[str]:
    """How often each effect takes place while something is done to a copy, without faults."""
    with pytest.MonkeyPatch.context() as patch, recorded(patch) as effects:
        prepare(patch)
        act(world)
        return Counter(effects.calls)
