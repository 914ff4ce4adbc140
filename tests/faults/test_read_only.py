"""A store that refuses writes, also to root."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from headrace.errors import AccessDeniedError
from headrace.lake.quarantine import quarantine_name
from tests.behaviour.upkeep import feed, files
from tests.behaviour.world import TABLE, World, fill, poison
from tests.faults.limits import heed_permissions
from tests.faults.processes import WorkerProcess, producing, start_maintenance, stream


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


@pytest.mark.kafka
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


def maintained(world: World) -> tuple[int, str]:
    """Exit code and words of `headrace maintain --once`."""
    with start_maintenance(world, "--once", prepare=heed_permissions) as process:
        return process.end(), process.said


@pytest.mark.parametrize("folder", [TABLE, f"{TABLE}/_delta_log"])
def test_a_table_that_maintenance_may_not_write_to_is_named_and_nothing_is_left_behind(
    memory_world: World, folder: str
) -> None:
    world = memory_world
    feed(world, 9)
    before = sorted(world.root.rglob("*.parquet"))
    (world.root / folder).chmod(0o555)
    try:
        code, said = maintained(world)
    finally:
        (world.root / folder).chmod(0o755)

    assert code == AccessDeniedError.exit_code, said
    assert f"writing to {world.root / folder} failed: [Errno 13] Permission denied. The folder is read-only" in said
    left = set(world.root.rglob("*.parquet")) - set(before)
    assert {path.relative_to(world.root).parts[0] for path in left} == {quarantine_name(TABLE)}  # which goes on
    assert maintained(world)[0] == 0
    assert len(files(world)) == 1


@pytest.mark.kafka
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
