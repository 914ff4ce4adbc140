"""Every alert has a runbook, and what a runbook tells to type exists."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headrace_cli.main import app
from tests.deploy.promql import KNOWN, OTHERS
from tests.deploy.rules import ALERTS, DEPLOY
from tests.unit.test_docs import DOCS, anchors

BOOKS = sorted((DEPLOY / "runbooks").glob("*.md"))
LINK = re.compile(r"\]\(([^)#]+)(?:#([^)]+))?\)")
GREP = re.compile(r"\| grep (?:-E )?(?:'([^']+)'|(\S+))$", re.MULTILINE)
COMMAND = re.compile(r"`(headrace [^`]+)`|^(headrace .+)$", re.MULTILINE)


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert [book.stem for book in BOOKS] == sorted(rule.alert for rule in ALERTS)


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)
def test_a_runbook_says_what_it_means_what_it_costs_where_to_look_and_what_to_do(book: Path) -> None:
    text = book.read_text()

    assert text.startswith(f"# {book.stem}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Meaning", "Impact", "Diagnosis", "Mitigation"]
    assert all(part.strip() for part in re.split(r"^## .+$", text, flags=re.MULTILINE))
    assert "```sh" in text


def parses(command: str) -> bool:
    """Whether there is such a command, with such options."""
    words = shlex.split(command)[1:]
    return CliRunner().invoke(app, [*words, "--help"]).exit_code == 0


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)
def test_what_a_runbook_tells_to_type_exists(book: Path) -> None:
    text = book.read_text()
    settings = re.findall(r"HEADRACE_[A-Z_]+[A-Z]", text)
    known = (DOCS / "configuration.md").read_text()

    assert [each for each in settings if f"`{each}`" not in known] == []
    assert [said for found in COMMAND.findall(text) if not parses(said := found[0] or found[1])] == []


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)
def test_what_a_runbook_looks_for_in_the_metrics_is_there(book: Path) -> None:
    names = " ".join([*KNOWN, *(f"{name}_{part}" for name in KNOWN for part in ("sum", "count")), *OTHERS])

    for quoted, bare in GREP.findall(book.read_text()):
        for pattern in [quoted] if "(" in quoted else (quoted or bare).split("|"):
            assert re.search(pattern, names), pattern


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.stem)
def test_links_of_a_runbook_lead_to_a_page_and_a_heading(book: Path) -> None:
    for path, anchor in LINK.findall(book.read_text()):
        target = (book.parent / path).resolve()
        assert target.is_file(), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


def test_the_page_lists_every_alert_as_it_is() -> None:
    page = (DOCS / "alerts.md").read_text()

    for rule in ALERTS:
        summary = (rule.annotations or {})["summary"]
        link = f"[{rule.alert}](../deploy/runbooks/{rule.alert}.md)"
        assert f"| {link} | {rule.severity} | {rule.hold or 'at once'} | {summary} |" in page
    assert page.count("../deploy/runbooks/") == len(ALERTS)
