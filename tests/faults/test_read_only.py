"""A store that refuses writes, also to root."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from headrace.errors import AccessDeniedError
from tests.behaviour.world import World, fill, poison
from tests.faults.processes import WorkerProcess, producing, stream

pytestmark = pytest.mark.kafka

_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE = 1
_libc = ctypes.CDLL(None, use_errno=True)


def heed_permissions() -> None:
    """In the child: root, too, may write only where the mode of a folder lets it."""
    if os.geteuid() == 0 and _libc.prctl(_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "the capability could not be dropped")


@contextmanager
def read_only(root: Path) -> Iterator[None]:
    """Within the context nobody who heeds permissions writes below `root`."""
    folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        yield
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_a_read_only_lake_is_refused_before_anything_is_read(kafka_world: World) -> None:
    world = kafka_world
    world.topic.extend([poison(n) if n % 10 == 3 else fill(n) for n in range(50)])
    world.root.mkdir()
    with read_only(world.root), WorkerProcess(world, prepare=heed_permissions) as worker:
        assert worker.end() == AccessDeniedError.exit_code == 77, worker.said
        assert "The folder is read-only or belongs to another user" in worker.said
        assert list(world.root.iterdir()) == []
    with WorkerProcess(world, drain=True, prepare=heed_permissions) as worker:
        assert worker.end() == 0, worker.said
    world.assert_exact()


def test_a_lake_that_becomes_read_only_stops_the_worker_and_nothing_is_lost(kafka_world: World) -> None:
    world = kafka_world
    with producing(world, stream()), WorkerProcess(world, prepare=heed_permissions) as worker:
        worker.await_said('"event": "flush"')
        with read_only(world.root):
            assert worker.end() == AccessDeniedError.exit_code, worker.said
            assert "The folder is read-only or belongs to another user" in worker.said
            world.assert_proved()
    with WorkerProcess(world, drain=True, prepare=heed_permissions) as worker:
        assert worker.end() == 0, worker.said
    world.assert_exact()
