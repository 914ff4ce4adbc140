"""The metrics file of data quality reports, for the node exporter's textfile collector."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

from prometheus_client.registry import CollectorRegistry

from headrace.metrics import QUALITY, quality
from headrace.metrics.recorder import Recorder
from headrace.read.audit.data_quality.report import ColumnProfile, QualityReport
from headrace_cli.textfile import write_registry


def write_metrics(path: Path, reports: Iterable[QualityReport], *, at: float, seconds: float) -> None:
    """Replaces the file; whoever reads it sees the old one or the new one.

    Args:
        path: the file.
        reports: of one run.
        at: when it ended, seconds since the epoch.
        seconds: how long it took.

    Raises:
        ConfigError: the file cannot be written.
    """
    registry = CollectorRegistry()
    recorder = Recorder(registry, QUALITY)
    recorder.put(quality.DURATION, seconds)
    for report in reports:
        recorder.put(quality.LAST_RUN, at, table=report.table)
        _put(recorder, report)
    write_registry(path, registry)


def _put(recorder: Recorder, report: QualityReport) -> None:
    table = report.table
    recorder.put(quality.ROWS, report.rows, table=table)
    known = {each.column for each in report.columns}
    rejects = Counter[tuple[str, str]]()
    for each in report.rejects:
        # Names that no contract knows come from whoever sends: they must not make series.
        rejects[each.reason, each.field if each.field in known else ""] += each.records
    for (reason, field), records in rejects.items():
        recorder.put(quality.REJECTS, records, table=table, reason=reason, field=field)
    for column in report.columns:
        _put_column(recorder, table, column)
    if report.timeliness is not None:
        for kind in quality.LATENESS:
            recorder.put(quality.UNTIMELY, getattr(report.timeliness, kind), table=table, kind=kind)
    if report.duplicates is not None:
        recorder.put(quality.DUPLICATES, report.duplicates.rows, table=table)


def _put_column(recorder: Recorder, table: str, column: ColumnProfile) -> None:
    recorder.put(quality.NULLS, column.nulls, table=table, column=column.column)
    for metric, value in ((quality.LOWEST, column.lowest), (quality.HIGHEST, column.highest)):
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            recorder.put(metric, float(value), table=table, column=column.column)
