"""What docs/maintenance.md lists is what the source has: jobs, log lines, keys of the report."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from headrace_cli.maintain import told, told_job
from headrace_maintenance.jobs import Job, JobKind
from headrace_maintenance.rounds import TableRound
from tests.unit.test_docs import LEVELS, NAMED, rows

ROOT = Path(__file__).parents[2]
EXPORTER = ROOT / "services" / "headrace_exporter"
PROCESS = ROOT / "shared" / "headrace" / "process.py"
PAGE = (ROOT / "docs" / "maintenance.md").read_text()


def keys(head: str) -> list[str]:
    table = PAGE.partition(f"| {head} | |\n")[2].partition("\n\n")[0]
    return [name for row in table.splitlines()[1:] for name in NAMED.findall(row.split("|")[1])]


def test_every_kind_of_job_is_told() -> None:
    assert [row[0].strip("`") for row in rows("maintenance.md", "## What is done, and when")] == list(JobKind)


def test_every_key_of_the_report_is_listed() -> None:
    assert sorted(keys("Key of a table")) == sorted(told(TableRound("t")))
    assert sorted(keys("Key of a job")) == sorted(told_job(Job(JobKind.VACUUM, "because"), None))


def events(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Call(func=ast.Attribute(attr=level), args=[ast.Constant(value=str(event))]) if level in LEVELS:
                yield event
            case ast.Call(func=ast.Name(id="say"), args=[ast.Constant(value=str(event))]):
                yield event


def test_every_log_line_is_listed() -> None:
    listed = {row[0].strip("`") for row in rows("maintenance.md", "## Log")}
    files = [*(ROOT / "services" / "headrace_maintenance").glob("*.py"), PROCESS]
    assert listed == {event for file in files for event in events(file)}
    assert re.search(r"`maintained` with outcome\n`violation`", PAGE)
