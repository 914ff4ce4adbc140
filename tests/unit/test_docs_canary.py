"""What docs/canary.md lists is what the source has: metrics and log lines."""

import ast
import re
from pathlib import Path

from headrace.metrics import CANARY, canary
from tests.unit.test_docs import LEVELS, NAMED, rows
from tests.unit.test_docs_maintenance import PROCESS

ROOT = Path(__file__).parents[2]


def test_every_fate_of_a_heartbeat_names_its_metric() -> None:
    named = {name for row in rows("canary.md", "## What is counted") for name in NAMED.findall(row[2])}
    queries = set(re.findall(r"headrace_canary_\w+", (ROOT / "docs" / "canary.md").read_text()))

    assert named | {canary.LAST_ARRIVAL.name} == {metric.name for metric in CANARY}
    assert queries <= {metric.name + suffix for metric in CANARY for suffix in ("", "_bucket")}


def test_every_log_line_is_listed_with_its_fields() -> None:
    listed = [(row[0].strip("`"), row[1], NAMED.findall(row[2])) for row in rows("canary.md", "## Log")]
    logged = []
    for file in (*(ROOT / "services" / "headrace_canary").glob("*.py"), PROCESS):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="log"), attr=level), args=[ast.Constant(value=str(event))]
                ) if level in LEVELS:
                    logged.append((event, level, [str(keyword.arg) for keyword in node.keywords]))

    assert sorted(listed) == sorted(logged)
