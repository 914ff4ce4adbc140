"""What deploy/prometheus says, as data."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
FOLDER = DEPLOY / "prometheus"
RULES = sorted(FOLDER.glob("rules/*.yaml"))
TESTS = sorted(FOLDER.glob("tests/*.yaml"))


@dataclass(frozen=True)
class Rule:
    """One rule. `record` is empty for an alert, `alert` for a recording rule."""

    expr: str
    record: str = ""
    alert: str = ""
    hold: str = ""
    severity: str = ""
    annotations: Mapping[str, str] | None = None

    @property
    def name(self) -> str:
        return self.alert or self.record


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def _rules() -> Iterator[Rule]:
    for path in RULES:
        for group in read(path)["groups"]:
            for rule in group["rules"]:
                yield Rule(
                    rule["expr"],
                    rule.get("record", ""),
                    rule.get("alert", ""),
                    rule.get("for", ""),
                    rule.get("labels", {}).get("severity", ""),
                    rule.get("annotations"),
                )


ALL = tuple(_rules())
ALERTS = tuple(rule for rule in ALL if rule.alert)
RECORDED = {rule.record: rule for rule in ALL if rule.record}
