"""What a person sees of an examination: a line per check, and under what is wrong what to do about it."""

from itertools import groupby

from rich.console import Console
from rich.markup import escape

from headrace_cli.doctor.examination import Report
from headrace_cli.doctor.judging import Finding, Status

_COLOURS = {Status.OK: "green", Status.WARN: "yellow", Status.FAIL: "red"}


def show_report(report: Report, console: Console) -> None:
    """Prints all of it; plain text where the console is no terminal."""

    def line(text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    for subject, findings in groupby(report.findings, lambda finding: finding.subject):
        line(f"[bold]{escape(subject)}[/]")
        for finding in findings:
            line(f"  {_coloured(finding.status)} {finding.check:<22} {escape(_sentence(finding))}")
            if finding.remedy is not None:
                line(f"       {'':<22} [bold]→[/] {escape(finding.remedy)}")
    for text in report.unchecked:
        line(f"[dim]not checked: {escape(text)}[/]")
    counts = ", ".join(f"{sum(f.status is status for f in report.findings)} {status}" for status in Status)
    line(f"doctor: {_coloured(report.status).rstrip()} ({counts})")


def _sentence(finding: Finding) -> str:
    ending = "" if finding.exit_code is None else f" (a worker would end with exit code {finding.exit_code})"
    return f"{finding.found}{ending}"


def _coloured(status: Status) -> str:
    return f"[{_COLOURS[status]}]{status:<4}[/]"
