from pathlib import Path

import pytest

from headrace_bots.simulate import Progress
from headrace_bots.wiring import SimulationPlan
from headrace_cli.main import run


@pytest.fixture
def plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[SimulationPlan]:
    """The plans of the simulations that the command would run."""
    seen: list[SimulationPlan] = []

    def note(_kafka: object, plan: SimulationPlan, **_others: object) -> Progress:
        seen.append(plan)
        return Progress(1.0, 0, 0, 0.0, 0)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("headrace_cli.simulate.run_simulation", note)
    monkeypatch.setattr("headrace_cli.simulate.configure_logs", lambda *_: None)
    return seen


def test_command_without_options_runs_the_plan_as_it_is(plans: list[SimulationPlan]) -> None:
    assert run(["simulate", "--yes"]) == 0
    assert plans == [SimulationPlan()]


def test_options_reach_the_plan_and_no_rate_means_as_many_as_possible(plans: list[SimulationPlan]) -> None:
    assert run(["simulate", "--yes", "--events", "5", "--rate", "0", "--backlog-limit", "9", "--seed", "3"]) == 0
    assert plans == [SimulationPlan(events=5, rate=None, backlog_limit=9, seed=3)]
