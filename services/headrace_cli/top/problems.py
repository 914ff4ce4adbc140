"""What is wrong at this moment, by the thresholds of the alerts in deploy/prometheus. Pure.

An alert waits for a while before it fires; here the condition alone is told, as soon as it holds.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from headrace.metrics import canary, common, ingest, maintenance, producer, tables
from headrace.metrics.metric import Metric
from headrace_cli.top.figures import Figures, TableLine, table_of
from headrace_cli.top.scrape import Kind

# Over so long something has to have happened to be told; the same as is remembered of every process.
_WINDOW_SECONDS = 60.0
_FRESH, _STALE = 300.0, 900.0
_HEADROOM = 0.2
_QUARANTINED = 0.01
_FAILED_COMMITS = 0.2


class Severity(StrEnum):
    """How bad; the worst first."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        severity: how bad.
        alert: name of the alert and of its runbook.
        subject: table, topic or process.
        found: in words.
    """

    severity: Severity
    alert: str
    subject: str
    found: str


@dataclass(frozen=True, slots=True)
class _Limit:
    """A gauge of a table, and what it may be at most."""

    severity: Severity
    alert: str
    metric: Metric
    most: float
    found: str


_LIMITS = (
    _Limit(
        Severity.CRITICAL, "HeadraceRecordsLost", tables.SOURCE_GONE, 0, "{:,.0f} records are no longer in the topic"
    ),
    _Limit(
        Severity.CRITICAL,
        "HeadraceMaintenanceInvariantViolated",
        maintenance.BLOCKED,
        0,
        "a merge would have changed rows: the table is not maintained until somebody has looked",
    ),
    _Limit(
        Severity.CRITICAL,
        "HeadraceMaintenanceInvariantViolated",
        tables.MAINTENANCE_BLOCKED,
        0,
        "a merge would have changed rows, as the record of its maintenance says",
    ),
    _Limit(
        Severity.WARNING,
        "HeadraceSmallFilesHigh",
        tables.PARTITION_SMALL_FILES,
        200,
        "{:,.0f} small files in one partition",
    ),
    _Limit(Severity.WARNING, "HeadraceFileCountHigh", tables.FILES, 100_000, "{:,.0f} files"),
    _Limit(Severity.WARNING, "HeadraceLogObjectsHigh", tables.LOG_OBJECTS, 50_000, "{:,.0f} objects in the log"),
    _Limit(Severity.INFO, "HeadraceTableLeftAlone", maintenance.LEFT_ALONE, 0, "its files are not merged"),
)


def problems(figures: Figures, lines: Sequence[TableLine]) -> list[Problem]:
    """All that is wrong, the worst first."""
    found = chain(
        *(rule(figures) for rule in _RULES),
        chain.from_iterable(_age(line) for line in lines),
        chain.from_iterable(_maintenance(line) for line in lines),
    )
    severities = list(Severity)
    return sorted(found, key=lambda each: (severities.index(each.severity), each.subject, each.alert))


def _silent(figures: Figures) -> Iterator[Problem]:
    for each in figures.look.silent:
        since = "" if each.seconds is None else f" since {each.seconds:.0f} s"
        yield Problem(Severity.WARNING, "HeadraceTargetDown", each.url, f"does not answer{since}: {each.why}")


def _limits(figures: Figures) -> Iterator[Problem]:
    told: set[tuple[str, str]] = set()
    for limit in _LIMITS:
        for table in sorted({labels["table"] for labels, _ in figures.series(limit.metric)}):
            value = figures.largest(limit.metric, table=table)
            if value is not None and value > limit.most and (limit.alert, table) not in told:
                told.add((limit.alert, table))
                yield Problem(limit.severity, limit.alert, table, limit.found.format(value))


def _age(line: TableLine) -> Iterator[Problem]:
    age = line.freshness_seconds
    if age is None or age <= _FRESH:
        return
    found = f"everything is durable up to {age / 60:,.0f} min ago"
    if not line.workers and line.lag and age > _STALE:
        yield Problem(Severity.CRITICAL, "HeadraceTableBehindSource", line.table, f"{found}, and no worker answers")
    elif age > _STALE:
        yield Problem(Severity.CRITICAL, "HeadraceFreshnessSloBreachedCritical", line.table, found)
    else:
        yield Problem(Severity.WARNING, "HeadraceFreshnessSloBreached", line.table, found)


def _maintenance(line: TableLine) -> Iterator[Problem]:
    age = line.maintained_seconds
    if age is not None and age > 3600:
        found = f"maintenance was last done {age / 3600:,.1f} h ago"
        yield Problem(Severity.WARNING, "HeadraceMaintenanceOverdue", line.table, found)


def _unowned(figures: Figures) -> Iterator[Problem]:
    """Only where a worker of the topic answers: else nothing is known of the others."""
    for topic in sorted({labels["topic"] for labels, _ in figures.series(ingest.TOPIC_PARTITIONS)}):
        there = figures.largest(ingest.TOPIC_PARTITIONS, topic=topic) or 0
        assigned = sum(value for _, value in figures.series(ingest.ASSIGNED, topic=topic))
        if assigned < there:
            found = f"{there - assigned:.0f} of {there:.0f} partitions are read by no worker that answers"
            yield Problem(Severity.CRITICAL, "HeadracePartitionUnowned", topic, found)


def _headroom(figures: Figures) -> Iterator[Problem]:
    """Only where retention has deleted something before: a new table begins at the beginning."""
    near = set()
    for scrape in figures.scrapes:
        for labels, lag in scrape.of(ingest.LAG):
            low = scrape.total(ingest.LOW_WATERMARK, **labels)
            high = scrape.total(ingest.HIGH_WATERMARK, **labels)
            position = scrape.total(ingest.COMMITTED, **labels)
            if lag and low and high and position is not None and (position - low) / max(high - low, 1) < _HEADROOM:
                near.add(labels["topic"])
    for topic in sorted(near):
        found = "retention is about to delete what was not read yet"
        yield Problem(Severity.CRITICAL, "HeadraceRetentionHeadroomLow", topic, found)


def _quarantine(figures: Figures) -> Iterator[Problem]:
    for topic in sorted({labels["topic"] for labels, _ in figures.series(ingest.CONSUMED_RECORDS)}):
        bad = figures.grown(ingest.QUARANTINED_RECORDS, _WINDOW_SECONDS, topic=topic)
        read = figures.grown(ingest.CONSUMED_RECORDS, _WINDOW_SECONDS, topic=topic)
        if bad and read and bad[0] / max(read[0], 1) > _QUARANTINED:
            found = f"{bad[0]:,.0f} of the last {read[0]:,.0f} records went to the quarantine"
            yield Problem(Severity.WARNING, "HeadraceQuarantineRatioHigh", topic, found)


def _commits(figures: Figures) -> Iterator[Problem]:
    for table in sorted({table for scrape in figures.scrapes if (table := table_of(scrape)) is not None}):
        failed = figures.grown(ingest.COMMIT_FAILURES, _WINDOW_SECONDS, table=table)
        tried = figures.grown(ingest.COMMIT_ATTEMPTS, _WINDOW_SECONDS, table=table)
        if failed and tried and failed[0] / max(tried[0], 1) > _FAILED_COMMITS:
            found = f"{failed[0]:,.0f} of the last {tried[0]:,.0f} commits failed"
            yield Problem(Severity.WARNING, "HeadraceCommitFailureRatioHigh", table, found)
        fenced = figures.grown(ingest.FENCED, _WINDOW_SECONDS, table=table)
        if fenced and fenced[0]:
            found = f"a worker found {fenced[0]:.0f} partitions taken by another"
            yield Problem(Severity.WARNING, "HeadraceWorkerFenced", table, found)


def _checkpoints(figures: Figures) -> Iterator[Problem]:
    for table in sorted({labels["table"] for labels, _ in figures.series(tables.LAST_CHECKPOINT)}):
        version = figures.largest(tables.VERSION, table=table)
        checkpoint = figures.largest(tables.LAST_CHECKPOINT, table=table)
        if version is None or checkpoint is None or version - checkpoint <= 500:
            continue
        found = f"no checkpoint for {version - checkpoint:,.0f} versions"
        if version - checkpoint > 5000:
            yield Problem(Severity.CRITICAL, "HeadraceCheckpointOverdueCritical", table, found)
        else:
            yield Problem(Severity.WARNING, "HeadraceCheckpointOverdue", table, found)


def _stale(figures: Figures) -> Iterator[Problem]:
    for labels, at in figures.series(tables.COLLECTED):
        age = figures.now - at
        if labels["look"] == "source" and age > _FRESH:
            found = f"its lag is what the broker said {age / 60:,.0f} min ago"
            yield Problem(Severity.WARNING, "HeadraceTableLagUnknown", labels["table"], found)
        elif labels["look"] == "log" and age > 3600:
            found = f"its figures are {age / 3600:,.1f} h old"
            yield Problem(Severity.WARNING, "HeadraceTableHealthStale", labels["table"], found)


def _guard(figures: Figures) -> Iterator[Problem]:
    for scrape in figures.scrapes:
        running = any(value for _, value in scrape.of(common.STATE, state="running"))
        if scrape.kind in {Kind.INGEST, Kind.MAINTAIN} and running and not scrape.total(common.CONFLICT_GUARD):
            found = "it could not prove that the store refuses conflicting commits"
            yield Problem(Severity.CRITICAL, "HeadraceConflictGuardFailed", scrape.url, found)


def _producers(figures: Figures) -> Iterator[Problem]:
    for labels, value in figures.series(producer.IN_TROUBLE):
        if value:
            yield Problem(Severity.CRITICAL, "HeadraceProducerInTrouble", labels["producer"], "it cannot send")


def _canaries(figures: Figures) -> Iterator[Problem]:
    for scrape in figures.scrapes:
        if scrape.kind is not Kind.CANARY:
            continue
        arrived = scrape.total(canary.LAST_ARRIVAL)
        if arrived is not None and figures.now - arrived > _FRESH:
            found = f"no heartbeat has come through for {(figures.now - arrived) / 60:,.0f} min"
            yield Problem(Severity.CRITICAL, "HeadraceCanarySilent", scrape.url, found)
        broken = (scrape.total(canary.LOST) or 0) + (scrape.total(canary.DOUBLED) or 0)
        if broken:
            found = f"{broken:.0f} heartbeats were lost or doubled since it began"
            yield Problem(Severity.CRITICAL, "HeadraceCanaryLost", scrape.url, found)


_RULES: tuple[Callable[[Figures], Iterator[Problem]], ...] = (
    _silent,
    _limits,
    _unowned,
    _headroom,
    _quarantine,
    _commits,
    _checkpoints,
    _stale,
    _guard,
    _producers,
    _canaries,
)
