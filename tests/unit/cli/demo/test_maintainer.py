from headrace_cli.demo.maintainer import MaintainerState, MaintainerStory
from headrace_cli.demo.story import State, Story, Tone


def merged(table: str, files: int, **more: object) -> dict[str, object]:
    said = {"event": "maintained", "table": table, "job": "compact", "outcome": "done", "files": files, "version": 9}
    return said | more


def test_it_is_followed_through_what_it_logs_and_only_the_first_merge_is_told() -> None:
    story = Story({})
    maintainer = MaintainerStory(story)
    maintainer.started(77, 1.0)
    assert maintainer.state == MaintainerState(77, State.STARTING, 1.0)
    maintainer.heard({"event": "maintaining"}, 2.0)
    assert (maintainer.state.state, maintainer.state.since) == (State.RUNNING, 2.0)
    for entry, at in (
        ({"event": "maintained", "table": "trades", "job": "orphans", "outcome": "done"}, 2.5),
        (merged("trades", 8, outcome="overtaken"), 2.6),
        (merged("trades", 8), 3.0),
        (merged("greeks", 12), 4.0),
    ):
        maintainer.heard(entry, at)
    assert (maintainer.state.merged, maintainer.state.made, maintainer.state.merged_at) == (20, 2, 4.0)
    assert [(h.at, h.text.split(", while")[0], h.tone) for h in story.happenings] == [
        (3.0, "maintain merges 8 files of trades into one, version 9", Tone.GOOD)
    ]
    maintainer.stopping(5.0)
    assert maintainer.state.since == 5.0
    maintainer.heard({"event": "maintenance_stopped"}, 6.0)
    assert (maintainer.state.state, maintainer.state.since) == (State.DRAINED, 6.0)


def test_sealing_is_not_told_as_a_merge_beside_workers() -> None:
    story = Story({})
    maintainer = MaintainerStory(story)
    maintainer.heard(merged("trades", 5, job="seal"), 1.0)
    assert (maintainer.state.made, story.happenings) == (1, [])
