import pytest

from headrace_cli.demo.story import State, Story, Tone

TABLES = {"trades-1": "trades", "trades-2": "trades", "greeks": "greeks"}


def assigned(**positions: int) -> dict[str, object]:
    return {"event": "assigned", "positions": {name.strip("p"): at for name, at in positions.items()}}


def flush(version: int | None, positions: dict[str, int], dropped: dict[str, int] | None = None) -> dict[str, object]:
    return {"event": "flush", "version": version, "positions": positions, "dropped": dropped or {}, "rows": 10}


def state(story: Story, name: str) -> State:
    return story.workers[name].state


@pytest.fixture
def story() -> Story:
    """Two workers that share a table, and one of another table."""
    story = Story(TABLES)
    for pid, name in enumerate(TABLES, 100):
        story.started(name, pid, 0.0)
    story.heard("trades-1", assigned(p0=0, p2=0), 1.0)
    story.heard("trades-2", assigned(p1=0, p3=0), 1.0)
    story.heard("greeks", assigned(p0=0, p1=0, p2=0, p3=0), 1.0)
    story.heard("trades-1", flush(3, {"0": 50, "2": 60}), 2.0)
    return story


def test_workers_are_followed_through_what_they_log(story: Story) -> None:
    worker = story.workers["trades-1"]
    assert (worker.pid, worker.state, worker.since) == (100, State.RUNNING, 1.0)
    assert (worker.positions, worker.rows, worker.committed_at) == ({0: 50, 2: 60}, 10, 2.0)
    story.heard("trades-1", {"event": "revoked", "partitions": [2]}, 3.0)
    assert story.workers["trades-1"].positions == {0: 50}
    story.stopping("trades-1", 4.0)
    assert state(story, "trades-1") is State.STOPPING
    story.heard("trades-1", {"event": "stopped"}, 5.0)
    assert state(story, "trades-1") is State.DRAINED


def test_a_kill_is_told_until_somebody_commits_to_the_dead_workers_partitions(story: Story) -> None:
    story.killed("trades-1", 10.0)
    assert story.workers["trades-1"].positions == {}
    story.started("trades-1", 200, 10.1)
    story.heard("trades-2", assigned(p0=50), 15.0)
    story.heard("greeks", flush(9, {"0": 500, "2": 400}), 15.2)
    assert story.vacancy is not None
    assert not story.vacancy.filled
    story.heard("trades-1", assigned(p2=60), 15.5)
    story.heard("trades-1", flush(12, {"2": 90}), 16.5)
    assert story.vacancy.filled
    assert [(h.at, h.text, h.tone) for h in story.happenings] == [
        (10.0, "SIGKILL to trades-1 (pid 100), owner of partitions 0 and 2 at 50 and 60", Tone.ACT),
        (
            15.0,
            "5.0 s after the kill trades-2 claims partition 0 and goes on from the table's positions, 50",
            Tone.NOTE,
        ),
        (
            15.5,
            "5.5 s after the kill trades-1, started anew, claims partition 2 "
            "and goes on from the table's positions, 60",
            Tone.NOTE,
        ),
        (16.5, "6.5 s after the kill trades-1 commits their next rows: version 12", Tone.GOOD),
    ]


def frozen_and_woken(story: Story) -> None:
    story.frozen("trades-2", 10.0, file_written=True)
    story.heard("trades-1", assigned(p1=0, p3=0), 20.0)
    story.heard("trades-1", flush(12, {"1": 70, "3": 80}), 21.0)
    story.woken("trades-2", 22.0)
    assert story.workers["trades-2"].positions == {1: 0, 3: 0}
    story.happenings.clear()


def test_a_zombie_whose_commit_delta_refuses_is_told_as_such(story: Story) -> None:
    frozen_and_woken(story)
    story.heard("trades-2", flush(None, {}, {"1": 70, "3": 80}), 22.1)
    assert state(story, "trades-2") is State.FENCED
    assert story.workers["trades-2"].positions == {}
    assert story.workers["trades-2"].rows == 0
    (told,) = story.happenings
    assert told.text.startswith("the Delta log refuses the commit of trades-2: somebody else owns partitions 1 and 3")
    assert told.text.endswith("at 70 and 80. None of its rows is in the table")


@pytest.mark.parametrize(
    ("unflushed", "said"),
    [(0, "it had collected nothing"), (1234, "the 1,234 records it had collected are dropped")],
)
def test_a_zombie_that_the_group_tells_first_is_told_as_such(story: Story, unflushed: int, said: str) -> None:
    frozen_and_woken(story)
    story.heard("trades-2", {"event": "lost", "partitions": [1, 3], "unflushed": unflushed}, 22.1)
    assert state(story, "trades-2") is State.FENCED
    story.heard("trades-2", assigned(p3=95), 30.0)
    assert state(story, "trades-2") is State.RUNNING
    assert [h.text.partition(":")[0] for h in story.happenings] == [
        f"the group tells trades-2 that partitions 1 and 3 went to somebody else; {said}",
        "trades-2 is a worker like any other again",
    ]


def test_many_partitions_are_counted_instead_of_listed() -> None:
    story = Story({"trades-1": "trades"})
    story.started("trades-1", 1, 0.0)
    story.heard("trades-1", assigned(**{f"p{p}": p for p in range(30)}), 1.0)
    story.killed("trades-1", 2.0)
    assert story.happenings[0].text.endswith("owner of 30 partitions at 0, 1, 2, 3, 4, 5 and so on")
