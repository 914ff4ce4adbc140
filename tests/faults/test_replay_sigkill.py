"""Replays that are killed as processes are, at random moments."""

import signal
from functools import partial
from pathlib import Path

import pytest

from headrace.testing.waiting import wait_until
from tests.behaviour.made_up import contract_for, tight_contract_for
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.world import TABLE, World, fill
from tests.faults.chance import seeded
from tests.faults.processes import Process, start_replay

RECORDS = 60_000


def has_gone_on(process: Process, commits: Path, before: int) -> bool:
    return len(list(commits.iterdir())) > before or not process.alive


@pytest.mark.timeout(300)
def test_a_replay_killed_at_random_moments_is_completed_by_the_next(tmp_path: Path) -> None:
    chance = seeded()
    world = World("memory", MemoryTopic(2), tmp_path)
    world.contract = tight_contract_for(world.topic.name)
    world.topic.extend([fill(500 + number % 500, note=f"{number}") for number in range(RECORDS)])
    world.drain(flush_rows=10_000, quarantine_max_ratio=1.0, quarantine_max_consecutive=RECORDS + 1)
    world.contract = contract_for(world.topic.name)
    commits = world.root / TABLE / "_delta_log"
    killed_at_work = 0
    for number in range(4):
        before = len(list(commits.iterdir()))
        with start_replay(world) as process:
            wait_until(partial(has_gone_on, process, commits, before), "the replay commits, or has ended")
            if number:  # the first one at once: there is most to do
                process.runs_for(chance.uniform(0.0, 0.3))
            killed_at_work += process.kill() == -signal.SIGKILL
        world.assert_proved()
    assert killed_at_work

    with start_replay(world) as process:
        assert process.end() == 0, process.said
    assert len(world.landed()) == RECORDS
    world.assert_exact()
