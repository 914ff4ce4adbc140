"""The metrics file of scheduled proofs, for the node exporter's textfile collector."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import CollectorRegistry

from headrace.metrics import VERIFY, verify
from headrace.metrics.metric import Gauge
from headrace.metrics.recorder import Recorder
from headrace.read.proof.findings import Code, Level, Verdict
from headrace.read.proof.report import TableReport
from headrace_cli.earlier import read_earlier
from headrace_cli.textfile import check_name, write_registry

_OF_LAST_PASS = (verify.LAST_PASS, verify.LAST_WHOLE_PASS, verify.LAST_PASS_VERSION)


class MetricsFile:
    """The file, read once when this is made: what it says of the last PASS outlives runs that do not pass.

    Args:
        path: the file; it need not exist yet.

    Raises:
        ConfigError: the collector would not read a file of that name, or something else is in it; or it has no folder
            to lie in.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        check_name(path)
        self._before = read_earlier(path, _parse, what="metrics") or {}

    def write(self, reports: Iterable[TableReport], *, at: float, seconds: float) -> None:
        """Replaces the file; whoever reads it sees the old one or the new one.

        Args:
            reports: the run's; tables that are not among them are left out.
            at: when it ended, seconds since the epoch.
            seconds: how long it took.

        Raises:
            ConfigError: the file cannot be written.
        """
        registry = CollectorRegistry()
        recorder = Recorder(registry, VERIFY)
        recorder.put(verify.DURATION, seconds)
        for report in reports:
            self._keep(recorder, report.table)
            _put(recorder, report, at)
        write_registry(self._path, registry)

    def _keep(self, recorder: Recorder, table: str) -> None:
        for metric in _OF_LAST_PASS:
            value = self._before.get((metric.name, table))
            if value is not None:
                recorder.put(metric, value, table=table)


def _put(recorder: Recorder, report: TableReport, at: float) -> None:
    def put(metric: Gauge, value: float, **labels: str) -> None:
        recorder.put(metric, value, table=report.table, **labels)

    put(verify.LAST_RUN, at)
    if report.verdict is Verdict.PASS:
        put(verify.LAST_PASS, at)
        put(verify.LAST_PASS_VERSION, -1 if report.version is None else report.version)
        if report.since is None:
            put(verify.LAST_WHOLE_PASS, at)
    for verdict in Verdict:
        put(verify.VERDICT, report.verdict is verdict, verdict=verdict)
    for level in Level:
        put(verify.CHECKED, level in report.levels, level=level)
    for code in Code:
        if code is not Code.REMARK:
            put(verify.FINDINGS, report.counts.get(code, 0), code=code)
    if report.version is not None:
        put(verify.VERSION, report.version)
    put(verify.SINCE, -1 if report.since is None else report.since)
    put(verify.ROWS, sum(partition.rows for partition in report.partitions))


def _parse(content: bytes) -> Mapping[tuple[str, str], float]:
    """Values by metric and table.

    Raises:
        ValueError: it is no text of metrics.
    """
    families = text_string_to_metric_families(content.decode())
    return {(s.name, s.labels["table"]): s.value for family in families for s in family.samples if "table" in s.labels}
