"""Rules and their tests, by Prometheus' own tool; and what every alert has to have."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.rules import ALERTS, FOLDER, RULES, TESTS, Rule, read


def run(*command: str | Path) -> str:
    ended = subprocess.run([str(part) for part in command], check=False, capture_output=True, text=True, cwd=FOLDER)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_prometheus_takes_its_configuration_and_every_rule(promtool: Path) -> None:
    said = run(promtool, "check", "config", "prometheus.yml")

    assert said.count(" rules found") == len(RULES)


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_not_else(path: Path, promtool: Path) -> None:
    run(promtool, "test", "rules", path)


def cases() -> Iterator[tuple[str, bool]]:
    """Alerts that are tested, and whether they have to fire."""
    for path in TESTS:
        for test in read(path)["tests"]:
            for case in test["alert_rule_test"]:
                yield case["alertname"], bool(case["exp_alerts"])


def test_every_alert_is_seen_to_fire_and_seen_not_to() -> None:
    names = {rule.alert for rule in ALERTS}

    assert set(cases()) == {(name, fires) for name in names for fires in (True, False)}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule.alert)
def test_an_alert_is_named_and_told_as_all_are(rule: Rule) -> None:
    told = rule.annotations or {}

    assert re.fullmatch(r"Headrace([A-Z][a-z]+)+", rule.alert)
    assert rule.severity in ("critical", "warning", "info")
    assert sorted(told) == ["description", "runbook_url", "summary"]
    assert told["runbook_url"] == f"deploy/runbooks/{rule.alert}.md"
    assert told["summary"].endswith(".")
    assert "{{" not in told["summary"]


def test_names_are_unique() -> None:
    names = [rule.alert for rule in ALERTS]

    assert sorted(names) == sorted(set(names))
