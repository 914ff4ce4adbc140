"""What a person sees of an examination."""

import re

import pytest

from headrace_cli.console import wide_console
from headrace_cli.doctor.examination import Report
from headrace_cli.doctor.judging import Finding, Status
from headrace_cli.doctor.screen import show_report

SUBJECTS = [f"{kind} {table}" for table in ("trades", "greeks", "signals") for kind in ("topic", "group", "table")]


def finding(subject: str, number: int) -> Finding:
    if (subject, number) == ("topic trades", 2):
        return Finding(subject, "topic-read", Status.FAIL, "not allowed", "Grant it.", 77)
    return Finding(subject, f"check-{number}", Status.OK, "in order", None, None)


@pytest.fixture
def report() -> Report:
    """Nine subjects with nine checks each, one of which fails."""
    return Report([finding(subject, number) for subject in SUBJECTS for number in range(9)], ["its positions"])


def test_what_fails_is_not_buried_among_what_passed(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    show_report(report, wide_console(), every=False)

    assert [re.sub(" +", " ", line.lstrip()) for line in capsys.readouterr().out.splitlines()] == [
        "topic trades: 8 OK",
        "FAIL topic-read not allowed (a worker would end with exit code 77)",
        "→ Grant it.",
        *[f"{subject}: 9 OK" for subject in SUBJECTS[1:]],
        "not checked: its positions",
        "doctor: FAIL (80 OK, 0 WARN, 1 FAIL)",
    ]


def test_on_request_each_check_has_its_line(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    show_report(report, wide_console(), every=True)

    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("  OK ") for line in lines) == 80
    assert [line for line in lines if not line.startswith(" ")][:9] == SUBJECTS
