"""Worker processes on a real Kafka: killed, terminated, frozen, and out of disk."""

import json
import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from headrace.testing.waiting import wait_for_more
from tests.behaviour.memberships import BY_HAND, CLASSIC, CLASSIC_STATIC, CONSUMER, Membership
from tests.behaviour.world import World, fill
from tests.faults.chance import seeded
from tests.faults.limits import limit_files
from tests.faults.processes import WorkerProcess, producing, stream

ROUNDS = 7


@pytest.mark.kafka
@pytest.mark.timeout(300)
@pytest.mark.parametrize("membership", [CLASSIC, CLASSIC_STATIC, BY_HAND], ids=lambda membership: membership.name)
def test_a_worker_killed_at_random_moments_leaves_each_record_once_every_time(
    kafka_world: World, membership: Membership
) -> None:
    world = replace(kafka_world, membership=membership)
    chance = seeded()
    # Longer than a round: a static member that comes back does not wait for the session of the dead one.
    session = "6000" if membership.static else "1500"
    versions: list[int] = []
    with producing(world, stream()) as sent:
        for number in range(ROUNDS):
            with WorkerProcess(world, kafka__session_timeout_ms=session) as worker:
                if number % 3:  # in the midst of flushes; else also while it starts
                    worker.await_said('"event": "flush"')
                assert worker.runs_for(chance.uniform(0.0, 0.4 if number % 3 else 1.0)), worker.said
                worker.signal(signal.SIGKILL)
                assert worker.end() == -signal.SIGKILL
            if world.exists():
                world.assert_proved()
                versions.append(world.table().version())
    assert len(set(versions)) > ROUNDS // 2, "most of the rounds hit a worker at work"
    assert len(sent) > 500
    with WorkerProcess(world, drain=True, kafka__session_timeout_ms=session) as worker:
        assert worker.end() == 0, worker.said
    world.assert_exact()


@pytest.mark.kafka
@pytest.mark.timeout(300)
@pytest.mark.parametrize("membership", [CLASSIC, CONSUMER], ids=lambda membership: membership.name)
def test_a_frozen_process_that_wakes_after_its_partitions_moved_adds_nothing(
    kafka_world: World, membership: Membership
) -> None:
    world = replace(kafka_world, membership=membership)
    with producing(world, stream()) as sent, WorkerProcess(world) as zombie:
        zombie.await_said('"event": "flush"')
        with WorkerProcess(world) as other:
            other.await_said('"event": "flush"')
            for _ in range(2):
                zombie.signal(signal.SIGSTOP)
                # Everything that is sent from now on lands although one of the two stands still.
                before = len(sent)
                wait_for_more(sent, 200)
                world.await_landing(*sent[before : before + 200])
                woken_at = len(zombie.said)
                zombie.signal(signal.SIGCONT)
                zombie.await_said('"event": "flush"', after=woken_at)
                world.assert_proved()
            with ExitStack() as ends:
                for worker in (zombie, other):
                    worker.signal(signal.SIGTERM)
                    ends.callback(worker.end)
            assert (zombie.end(), other.end()) == (0, 0), zombie.said + other.said
            assert '"event": "lost"' in zombie.said, "its partitions had moved"
    with WorkerProcess(world, drain=True) as last:
        assert last.end() == 0, last.said
    world.assert_exact()


@pytest.mark.kafka
def test_sigterm_makes_durable_what_was_read_and_ends_with_0(kafka_world: World) -> None:
    world = kafka_world
    # Its last offsets reach the group within the session, on a slow machine too.
    with producing(world, stream()), WorkerProcess(world, kafka__session_timeout_ms="6000") as worker:
        worker.await_said('"event": "flush"')
        worker.signal(signal.SIGTERM)
        assert worker.end() == 0, worker.said
        last = [json.loads(line) for line in worker.said.splitlines() if '"event": "flush"' in line][-1]
    assert {int(p): at for p, at in last["positions"].items()}.items() <= world.positions().items()
    world.assert_proved()
    assert world.topic.group_offsets(world.topic.name) == {p: at for p, at in world.positions().items() if at}


@pytest.mark.kafka
def test_a_second_signal_ends_the_worker_at_once_and_loses_nothing(kafka_world: World) -> None:
    world = kafka_world
    with producing(world, stream()), WorkerProcess(world) as worker:
        worker.await_said('"event": "flush"')
        # Both are pending when it goes on: no time between them in which it could end gracefully.
        worker.signal(signal.SIGSTOP, signal.SIGTERM, signal.SIGINT, signal.SIGCONT)
        assert worker.end(20) == 143, worker.said
        world.assert_proved()
    with WorkerProcess(world, drain=True) as worker:
        assert worker.end() == 0, worker.said
    world.assert_exact()


class SmallDisk:
    """A lake on a disk that is soon full: a tmpfs where mounting is permitted, else a limit on the size of files."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True)
        self._root = root
        self.mounted = self._mount("size=300k")

    def _mount(self, options: str) -> bool:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self._root)]
        return os.geteuid() == 0 and subprocess.run(command, check=False, capture_output=True).returncode == 0

    def grow(self) -> None:
        if self.mounted:
            assert self._mount("remount,size=64m")

    def release(self) -> None:
        if self.mounted:
            subprocess.run(["umount", "--lazy", str(self._root)], check=True)


@pytest.mark.kafka
def test_a_full_disk_stops_the_worker_with_its_reason_and_nothing_is_lost(kafka_world: World) -> None:
    world = kafka_world
    disk = SmallDisk(world.root)

    def large() -> Iterator[list[bytes | None]]:
        for begin in count(0, 1000):
            yield [fill(n, note=secrets.token_hex(24)) for n in range(begin, begin + 1000)]

    try:
        with WorkerProcess(world, prepare=None if disk.mounted else limit_files) as worker:
            world.topic.extend([fill(n) for n in range(20)])
            worker.await_said('"event": "flush"')
            with producing(world, large()):
                assert worker.end() == 74, worker.said
            assert "StoreError" in worker.said
            assert "nothing was lost" in worker.said.lower()
            assert not disk.mounted or "disk is full" in worker.said
        assert 0 < len(world.landed()) < len(world.topic.records)
        world.assert_proved()
        disk.grow()
        with WorkerProcess(world, drain=True) as worker:
            assert worker.end() == 0, worker.said
        world.assert_exact()
    finally:
        disk.release()
