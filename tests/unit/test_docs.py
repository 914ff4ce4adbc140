"""What the pages under docs/ list is what the source has: exit codes, log lines, reasons, JSON keys, tests, links."""

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
import typer

from headrace import errors
from headrace.contracts import RejectReason, load_contracts
from headrace.read.proof.findings import Code, Finding
from headrace.read.proof.report import PartitionReport, TableReport
from headrace_cli.doctor.examination import CHECKS
from headrace_cli.main import app
from headrace_ingest.rebuild.report import Comparison, Example, RebuildReport
from headrace_ingest.replay.report import ReplayReport

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GROUPS = (errors.HeadraceError, errors.PermanentError, errors.TransientError)
LEVELS = ("debug", "info", "warning", "error")
NAMED = re.compile(r"`([a-z0-9_]+)`")
NAMED_ANY = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def rows(page: str, heading: str) -> list[list[str]]:
    """Cells of the first table under a heading, without head and rule."""
    section = (DOCS / page).read_text().partition(f"\n{heading}\n")[2]
    _head, _rule, *body = [line for line in section.partition("\n|")[2].partition("\n\n")[0].splitlines() if line]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in body]


def failures() -> list[type[errors.HeadraceError]]:
    classes = [value for _, value in inspect.getmembers(errors, inspect.isclass)]
    return [value for value in classes if issubclass(value, errors.HeadraceError) and value not in GROUPS]


@pytest.mark.parametrize("failure", failures(), ids=lambda failure: failure.__name__)
def test_every_failure_is_listed_under_its_exit_code(failure: type[errors.HeadraceError]) -> None:
    listed = {row[0] for row in rows("operations.md", "## Exit codes") if f"`{failure.__name__}`" in row[1]}

    assert listed == {str(failure.exit_code)}


def test_the_operations_guide_names_its_sections_at_its_head() -> None:
    page = (DOCS / "operations.md").read_text()
    listed = re.findall(r"^- \[(.+)\]\(#.+\)$", page.partition("\n## ")[0], re.MULTILINE)

    assert listed == re.findall(r"^## (.+)$", page, re.MULTILINE)


def test_a_restart_is_advised_after_failures_that_pass_and_after_no_other() -> None:
    page = (DOCS / "operations.md").read_text()
    passing = {failure.exit_code for failure in failures() if issubclass(failure, errors.TransientError)}
    advised = set(map(int, re.findall(r"\d+", re.findall(r"^A restart by itself helps after (.*?)\.", page, re.M)[0])))
    never = set(map(int, re.findall(r"^RestartPreventExitStatus=(.*)$", page, re.M)[0].split()))

    assert advised == passing
    assert never == {failure.exit_code for failure in failures()} - passing | {64, 70}


def logged() -> Iterator[tuple[str, str, list[str]]]:
    """Event, level and fields of every line that the worker writes."""
    for file in sorted((ROOT / "services" / "headrace_ingest").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id="log"), attr=level), args=[ast.Constant(value=str(event))]
                ) if level in LEVELS:
                    yield event, level, [str(keyword.arg) for keyword in node.keywords]


def test_every_log_line_of_the_worker_is_listed_with_its_fields() -> None:
    listed = [(row[0].strip("`"), row[1], NAMED.findall(row[2])) for row in rows("operations.md", "## Log")]

    assert sorted(listed) == sorted(logged())


def test_every_reason_of_the_quarantine_is_explained() -> None:
    listed = [row[0].strip("`") for row in rows("contracts.md", "## What a worker refuses")]

    assert sorted(listed) == sorted(RejectReason)


@pytest.mark.parametrize(
    ("head", "report"),
    [("Key of a table", TableReport), ("Key of a partition", PartitionReport), ("Key of a finding", Finding)],
)
def test_every_key_of_a_report_is_listed(head: str, report: type[TableReport | PartitionReport | Finding]) -> None:
    table = (DOCS / "verify.md").read_text().partition(f"| {head} |")[2].partition("\n\n")[0]
    listed = [name for row in table.splitlines() for name in NAMED.findall(row.split("|")[1] if "|" in row else "")]

    assert sorted(listed) == sorted(field.name for field in fields(report))


@pytest.mark.parametrize(
    ("page", "head", "report"),
    [
        ("operations.md", "Key of `rebuild --json`", RebuildReport),
        ("operations.md", "Key of a comparison", Comparison),
        ("operations.md", "Key of an example", Example),
        ("quarantine.md", "Key of `replay --json`", ReplayReport),
    ],
)
def test_every_key_of_what_changes_a_table_is_listed(page: str, head: str, report: type[object]) -> None:
    table = (DOCS / page).read_text().partition(f"| {head} |")[2].partition("\n\n")[0]
    listed = [name for row in table.splitlines() for name in NAMED.findall(row.split("|")[1] if "|" in row else "")]

    assert sorted(listed) == sorted(report.__annotations__)


def test_every_code_of_a_finding_is_listed() -> None:
    text = (DOCS / "verify.md").read_text().partition("\nCodes: ")[2].partition("\n\n")[0]

    assert sorted(NAMED.findall(text)) == sorted(Code)


def test_every_check_of_the_doctor_is_listed_with_its_remedy() -> None:
    names = {"topic": "TOPIC", "table": "TABLE", "root": "ROOT"}
    checks = [[f"`{check.name}`", check.asks, check.remedy.format_map(names)] for check in CHECKS]

    assert rows("operations.md", "### Checks") == checks


def test_every_built_in_contract_is_listed_as_it_is() -> None:
    listed = [[NAMED_ANY.findall(cell) for cell in row] for row in rows("contracts.md", "## Built in")]

    assert listed == [
        [
            [contract.event.__name__],
            [contract.topic],
            [contract.key],
            [name for name in (contract.name, contract.table.partition_by) if name is not None],
            list(contract.table.key),
        ]
        for contract in load_contracts().values()
    ]


def functions_of(file: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)}


def test_every_test_that_guards_a_guarantee_exists() -> None:
    named = TEST.findall((DOCS / "guarantees.md").read_text())

    assert named
    assert [f"{file}::{name}" for file, name in named if name not in functions_of(ROOT / file)] == []


def test_every_guarantee_names_a_test() -> None:
    guarantees = re.split(r"^## ", (DOCS / "guarantees.md").read_text(), flags=re.MULTILINE)[1:]

    assert [text.split()[0] for text in guarantees] == [f"G{number}" for number in range(1, 8)]
    assert all(TEST.search(text) for text in guarantees)


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.relative_to(DOCS).as_posix())
def test_links_lead_to_a_page_and_a_heading(page: Path) -> None:
    for link in LINK.findall(page.read_text()):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


def test_the_readme_leads_to_the_guide_and_the_guide_to_every_page() -> None:
    linked = {target.partition("#")[0] for target in LINK.findall((ROOT / "README.md").read_text())}
    led_to = {target.partition("#")[0] for target in LINK.findall((DOCS / "README.md").read_text())}
    pages = [*DOCS.glob("*.md"), *DOCS.glob("notebooks/*.ipynb")]

    assert "docs/README.md" in linked
    assert {page.relative_to(DOCS).as_posix() for page in pages} - led_to == {"README.md"}
    assert [target for target in linked if not target.startswith("https://") and not (ROOT / target).exists()] == []


def commands() -> Iterator[str]:
    """All that can be typed after `headrace`, with subcommands."""
    group = typer.main.get_group(app)
    context = typer.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        subcommands = getattr(command, "commands", ())
        yield from [f"{name} {subcommand}" for subcommand in subcommands] or [name]


def test_the_readme_shows_every_command() -> None:
    shown = (ROOT / "README.md").read_text()

    assert [name for name in commands() if f"headrace {name}" not in shown and f"make {name}" not in shown] == []


def test_every_decision_is_in_the_index_under_its_own_title() -> None:
    folder = DOCS / "decisions"
    for record in folder.glob("[0-9]*.md"):
        number, _, title = record.read_text().splitlines()[0].removeprefix("# ").partition(" ")
        assert f"| [{number}]({record.name}) | {title} |" in (folder / "README.md").read_text()
