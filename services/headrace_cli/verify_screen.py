"""What a person sees of a proof: a line per partition, and what was found."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headrace.read.proof.findings import Finding, Verdict
from headrace.read.proof.report import PartitionReport, TableReport, overall

_COLOURS = {Verdict.PASS: "green", Verdict.UNKNOWN: "yellow", Verdict.FAIL: "red"}
_COLUMNS = ("position", "rows", "quarantined", "gaps", "lost", "duplicates", "phantom", "differing", "behind")


class ProofScreen:
    """Prints reports; plain text where the console is no terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def show(self, reports: tuple[TableReport, ...]) -> None:
        """Prints all reports, then the verdict."""
        for report in reports:
            self._show_table(report)
        self._line(f"verify: {_coloured(overall(reports))}")

    def _show_table(self, report: TableReport) -> None:
        checked = ", ".join(report.levels) or "nothing"
        version = "" if report.version is None else f" at version {report.version}, {report.files} files"
        self._line(f"{escape(report.table)}{version}: {_coloured(report.verdict)} (checked: {checked})")
        if report.partitions:
            self._console.print(_table(report.partitions))
        for finding in report.findings:
            self._line(f"  {_sentence(finding)}")
        for partition in report.partitions:
            for finding in partition.findings:
                self._line(f"  partition {partition.partition}: {_sentence(finding)}")

    def _line(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)


def _table(partitions: tuple[PartitionReport, ...]) -> Table:
    table = Table("partition", "verdict", box=None, pad_edge=False)
    for name in _COLUMNS:
        table.add_column(name, justify="right")
    for partition in partitions:
        # Nobody was asked, or somebody was and the values could not be compared.
        nothing = "-" if partition.behind is None else "not compared"
        numbers = (getattr(partition, name) for name in _COLUMNS)
        shown = (nothing if number is None else f"{number:,}" for number in numbers)
        table.add_row(str(partition.partition), _coloured(partition.verdict), *shown)
    return table


def _sentence(finding: Finding) -> str:
    places = (("file", finding.file), ("version", finding.version), ("batch", finding.batch))
    where = ", ".join(f"{name} {value}" for name, value in places if value is not None)
    label = "note" if finding.verdict is Verdict.PASS else str(finding.verdict)
    colour = _COLOURS[finding.verdict]
    return f"[{colour}]{label}[/] {finding.code}: {escape(finding.message)}" + (f" ({escape(where)})" if where else "")


def _coloured(verdict: Verdict) -> str:
    return f"[{_COLOURS[verdict]}]{verdict}[/]"
