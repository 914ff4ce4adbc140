"""What a person sees of an examination: what is wrong, what to do about it, and how much is in order."""

from itertools import groupby

from rich.console import Console
from rich.markup import escape

from headrace_cli.doctor.examination import Report
from headrace_cli.doctor.judging import Finding, Status

_COLOURS = {Status.OK: "green", Status.WARN: "yellow", Status.FAIL: "red"}


def show_report(report: Report, console: Console, *, every: bool) -> None:
    """Prints it; plain text where the console is no terminal.

    Args:
        report: what was found.
        console: where to.
        every: a line for each check; else those that passed are counted, so that the others are not buried.
    """

    def line(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    for subject, found in groupby(report.findings, lambda finding: finding.subject):
        findings = list(found)
        told = findings if every else [finding for finding in findings if finding.status is not Status.OK]
        passed = len(findings) - len(told)
        line(f"[bold]{escape(subject)}[/]" + (f": {passed} {_coloured(Status.OK)}" if passed else ""))
        for finding in told:
            line(f"  {_coloured(finding.status, columns=4)} {finding.check:<22} {escape(_sentence(finding))}")
            if finding.remedy is not None:
                line(f"       {'':<22} [bold]→[/] {escape(finding.remedy)}")
    for text in report.unchecked:
        line(f"[dim]not checked: {escape(text)}[/]")
    counts = ", ".join(f"{sum(f.status is status for f in report.findings)} {status}" for status in Status)
    line(f"doctor: {_coloured(report.status)} ({counts})")


def _sentence(finding: Finding) -> str:
    ending = "" if finding.exit_code is None else f" (a worker would end with exit code {finding.exit_code})"
    return f"{finding.found}{ending}"


def _coloured(status: Status, *, columns: int = 0) -> str:
    return f"[{_COLOURS[status]}]{status:<{columns}}[/]"
