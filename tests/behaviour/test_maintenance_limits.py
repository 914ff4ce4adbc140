"""Merges in a process of their own: what happens when it takes too much, or dies."""

import multiprocessing
import os
import re
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial
from multiprocessing import forkserver
from multiprocessing.connection import Listener
from pathlib import Path

import psutil
import pytest

from headrace.errors import MergeLostError, StoreError
from headrace.lake.quarantine import quarantine_name
from headrace.lake.store import Store
from headrace.sections import MIB
from headrace.testing.waiting import wait_until
from headrace_maintenance.child import ChildRewriter, Limits
from headrace_maintenance.rounds import Rounds
from tests.behaviour.upkeep import NOW, feed, files, outcomes, rounds_of
from tests.behaviour.world import TABLE, World
from tests.faults.holding import hold_merges
from tests.faults.processes import Process, process_environment, start_maintenance

AMPLE = Limits(2048 * MIB, 600)
LITTLE_MEMORY = Limits(1, 600)
NO_TIME = Limits(2048 * MIB, 0)


def idle() -> None:
    """Nothing is done while a merge is at work."""


def kill_merges() -> None:
    """As the kernel does where memory is short."""
    for child in multiprocessing.active_children():
        child.kill()


def limited(world: World, limits: Limits, lives: Callable[[], None] = idle) -> AbstractContextManager[Rounds]:
    return rounds_of(world, rewrite=ChildRewriter(Store(str(world.root)), limits, lives).rewrite)


def test_a_merge_in_a_child_is_the_same_merge(memory_world: World) -> None:
    feed(memory_world, 12)

    with limited(memory_world, AMPLE) as rounds:
        found = {each.table: each for each in rounds.go(lambda: False)}

    assert ("compact", "done") in outcomes(found[TABLE])
    assert len(files(memory_world)) == len(files(memory_world, quarantine_name(TABLE))) == 1
    memory_world.assert_exact()


@pytest.mark.parametrize(
    ("limits", "lives", "reason", "told"),
    [
        (LITTLE_MEMORY, idle, "memory", "more than 0 MiB of memory; raise HEADRACE_MAINTAIN__MEMORY_MIB or lower"),
        (NO_TIME, idle, "time", "more than 0 minutes; raise HEADRACE_MAINTAIN__MERGE_MINUTES or lower"),
        (AMPLE, kill_merges, "killed", "killed or crashed: .* half as large for a day"),
    ],
)
def test_a_merge_that_is_ended_changes_nothing_and_the_next_is_smaller_until_it_waits(
    memory_world: World, limits: Limits, lives: Callable[[], None], reason: str, told: str
) -> None:
    feed(memory_world, 9)
    before = files(memory_world)
    tried = []

    with limited(memory_world, limits, lives) as rounds:
        for _ in range(5):
            found = {each.table: each for each in rounds.go(lambda: False)}[TABLE]
            merges = [done for done in found.done if done.job.files]
            tried.append(max((len(done.job.files) for done in merges), default=0))
            assert {done.outcome for done in merges} <= {reason}
            assert isinstance(found.problem, MergeLostError) == bool(merges)
            assert not merges or re.search(told, str(found.problem))
            assert ("orphans", "done") in outcomes(found) or len(tried) > 1  # the others of a plan are done

    assert tried == [9, 4, 2, 0, 0]
    assert files(memory_world) == before
    memory_world.assert_exact()


def test_a_process_that_comes_later_knows_of_the_setback_and_higher_limits_end_it(memory_world: World) -> None:
    feed(memory_world, 9)
    with limited(memory_world, LITTLE_MEMORY) as rounds:
        rounds.go(lambda: False)

    with rounds_of(memory_world) as rounds:
        found = {each.table: each for each in rounds.look()}[TABLE]
    assert [len(job.files) for job in found.plan.jobs] == [4, 4]
    (waiting,) = found.plan.waiting
    assert re.fullmatch(r"merges of partition \S+ have at most 0.0 MiB for a day: a larger one took too .*", waiting)

    for after, policy in ((NOW, {"memory_mib": 4096}), (timedelta(hours=25), {"hot_minutes": 1e6})):
        with rounds_of(memory_world, after, **policy) as rounds:
            (job, *_) = {each.table: each for each in rounds.look()}[TABLE].plan.jobs
        assert len(job.files) == 9


def test_what_fails_in_the_child_is_raised_here(memory_world: World) -> None:
    feed(memory_world, 9)
    (memory_world.root / TABLE / files(memory_world)[0]).unlink()

    with limited(memory_world, AMPLE) as rounds:
        found = {each.table: each for each in rounds.go(lambda: False)}[TABLE]

    assert isinstance(found.problem, StoreError)
    assert "run headrace verify" in str(found.problem)


def gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_merge_after_the_process_that_forks_was_killed_is_a_merge(memory_world: World) -> None:
    feed(memory_world, 9)
    forkserver.ensure_running()
    server = psutil.Process(forkserver._forkserver._forkserver_pid)  # type: ignore[attr-defined]
    server.kill()
    wait_until(partial(gone, server), "it has ended")

    with limited(memory_world, AMPLE) as rounds:
        rounds.go(lambda: False)
        rounds.go(lambda: False)

    assert len(files(memory_world)) == 1
    memory_world.assert_exact()


def test_no_process_of_a_merge_outlives_maintenance(memory_world: World, tmp_path: Path) -> None:
    feed(memory_world, 9)
    address = str(tmp_path / "gate")
    prepare = partial(hold_merges, address)
    with (
        Listener(address) as listener,
        start_maintenance(memory_world, prepare=prepare) as process,
        listener.accept() as held,
    ):
        merge = psutil.Process(held.recv())
        server = merge.parent()
        assert server is not None
        assert process.kill() == -signal.SIGKILL

        for each in (merge, server):
            wait_until(partial(gone, each), "it has ended")
    memory_world.assert_exact()


def test_a_signal_ends_after_the_merge_at_hand(memory_world: World, tmp_path: Path) -> None:
    feed(memory_world, 9)
    address = str(tmp_path / "gate")
    prepare = partial(hold_merges, address)
    with Listener(address) as listener, start_maintenance(memory_world, prepare=prepare) as process:
        with listener.accept() as held:
            merge = held.recv()
            for each in (process.pid, merge, psutil.Process(merge).ppid()):
                os.kill(each, signal.SIGTERM)
        assert process.end() == 0, process.said
    assert len(files(memory_world)) == 1
    memory_world.assert_exact()


def test_no_file_of_a_merge_stays_in_the_folder_for_temporary_files(memory_world: World, tmp_path: Path) -> None:
    feed(memory_world, 9)
    (tmp_path / "T").mkdir()
    environment = process_environment(memory_world, {"maintain__compact_files": "8"})
    with Process(["maintain", "--once"], environment | {"TMPDIR": str(tmp_path / "T")}, tmp_path / "log") as process:
        assert process.end() == 0, process.said
    assert len(files(memory_world)) == 1
    assert list((tmp_path / "T").iterdir()) == []
