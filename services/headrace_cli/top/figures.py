"""From scrapes to lines: what each table and process is about. Pure.

Workers and whoever reads the tables' logs tell of lag and freshness, each as of when it last asked. Both are right;
what was asked later is nearer to now.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from headrace.contracts import QUARANTINE_SUFFIX
from headrace.metrics import common, ingest, maintenance, tables
from headrace.metrics.metric import Metric
from headrace_cli.top.scrape import Kind, Look, Scrape

_RATE_SECONDS = 10.0
"""Workers commit every few seconds: rates over less would jump between nothing and twice the truth."""

Place = tuple[str, str]
"""A partition of a topic, both as labels have them."""


@dataclass(frozen=True, slots=True)
class ProcessLine:
    """One process.

    Attributes:
        url: where it serves.
        kind: what it does.
        table: of a worker.
        state: what it is doing, by its own words.
        version: of Headrace.
    """

    url: str
    kind: Kind
    table: str | None
    state: str | None
    version: str | None


@dataclass(frozen=True, slots=True)
class TableLine:
    """One table; what nobody tells is None.

    Attributes:
        table, topic: which one.
        workers: that answer.
        lag: offsets from its position to the end of its topic.
        freshness_seconds: age of the moment up to which everything is durable.
        rows_per_second, bytes_per_second: that became durable.
        rows, files, bytes: of the newest version.
        small_files: that compaction would merge.
        quarantined: rows of its quarantine.
        version: the newest.
        health: 0 to 100.
        maintained_seconds: since everything that was due was last done.
    """

    table: str
    topic: str | None = None
    workers: int = 0
    lag: int | None = None
    freshness_seconds: float | None = None
    rows_per_second: float | None = None
    bytes_per_second: float | None = None
    rows: int | None = None
    files: int | None = None
    bytes: int | None = None
    small_files: int | None = None
    quarantined: int | None = None
    version: int | None = None
    health: float | None = None
    maintained_seconds: float | None = None


class Figures:
    """Questions to all that was shown at one moment.

    Args:
        look: what was shown, and before.
    """

    def __init__(self, look: Look) -> None:
        self.look = look
        self.scrapes = look.scrapes
        self.now = max((scrape.at for scrape in look.scrapes), default=0.0)

    def series(self, metric: Metric, **labels: str) -> Iterator[tuple[Mapping[str, str], float]]:
        """Of all processes."""
        for scrape in self.scrapes:
            yield from scrape.of(metric, **labels)

    def largest(self, metric: Metric, **labels: str) -> float | None:
        """Largest value that a process shows; two that tell of one table mean the same thing."""
        return max((value for _, value in self.series(metric, **labels)), default=None)

    def workers(self, table: str) -> list[Scrape]:
        """Those of a table."""
        return [scrape for scrape in self.scrapes if scrape.kind is Kind.INGEST and table_of(scrape) == table]

    def topic(self, table: str) -> str | None:
        """What fills a table."""
        metrics = (ingest.FRESHNESS, tables.SOURCE_LAG, tables.SOURCE_WATERMARK)
        return next((labels["topic"] for m in metrics for labels, _ in self.series(m, table=table)), None)

    def grown(self, metric: Metric, seconds: float, **labels: str) -> tuple[float, float] | None:
        """By how much a counter has grown, over all processes, and in how long; None before a second look."""
        grown, longest = 0.0, 0.0
        for scrape in self.scrapes:
            now = scrape.total(metric, **labels)
            earlier = _earlier(self.look.before.get(scrape.url, ()), scrape.seconds - seconds)
            if now is None or earlier is None:
                continue
            then = earlier.total(metric, **labels) or 0.0
            grown += now - then if now >= then else now  # a process that began anew counts from 0
            longest = max(longest, scrape.seconds - earlier.seconds)
        return (grown, longest) if longest > 0 else None

    def rate(self, metric: Metric, **labels: str) -> float | None:
        """A second, over the last ten."""
        grown = self.grown(metric, _RATE_SECONDS, **labels)
        return None if grown is None else grown[0] / grown[1]


def _earlier(kept: Sequence[Scrape], before: float) -> Scrape | None:
    """The newest of those before a moment, else the oldest there is."""
    older = [scrape for scrape in kept if scrape.seconds <= before]
    return older[-1] if older else next(iter(kept), None)


def table_of(scrape: Scrape) -> str | None:
    """The table of a worker."""
    return next((labels["table"] for labels, _ in scrape.of(common.CONFIG)), None)


def process_lines(figures: Figures) -> list[ProcessLine]:
    """All that answer, by what they do."""
    return sorted(map(_process, figures.scrapes), key=lambda each: (each.kind, each.table or "", each.url))


def _process(scrape: Scrape) -> ProcessLine:
    state = next((labels["state"] for labels, value in scrape.of(common.STATE) if value), None)
    version = next((labels["version"] for labels, _ in scrape.of(common.BUILD)), None)
    table = table_of(scrape) if scrape.kind is Kind.INGEST else None
    return ProcessLine(scrape.url, scrape.kind, table, state, version)


def table_lines(figures: Figures) -> list[TableLine]:
    """All tables that anybody tells of, by name; quarantines are told with their tables."""
    known = {table for scrape in figures.scrapes if scrape.kind is Kind.INGEST and (table := table_of(scrape))}
    for metric in (tables.VERSION, tables.SOURCE_LAG, maintenance.LAST_SUCCESS):
        known |= {labels["table"] for labels, _ in figures.series(metric)}
    return [_table(figures, table) for table in sorted(known) if not table.endswith(QUARANTINE_SUFFIX)]


def _table(figures: Figures, table: str) -> TableLine:
    topic = figures.topic(table)
    version = figures.largest(tables.VERSION, table=table)
    if version is None:
        version = figures.largest(ingest.DELTA_VERSION, table=table)
    maintained = figures.largest(maintenance.LAST_SUCCESS, table=table)
    return TableLine(
        table=table,
        topic=topic,
        workers=len(figures.workers(table)),
        lag=_lag(figures, table, topic),
        freshness_seconds=freshness(figures, table),
        rows_per_second=figures.rate(ingest.WRITTEN_RECORDS, table=table),
        bytes_per_second=figures.rate(ingest.WRITTEN_BYTES, table=table),
        rows=_whole(figures.largest(tables.ROWS, table=table)),
        files=_whole(figures.largest(tables.FILES, table=table)),
        bytes=_whole(figures.largest(tables.ACTIVE_BYTES, table=table)),
        small_files=_small_files(figures, table),
        quarantined=_whole(figures.largest(tables.ROWS, table=table + QUARANTINE_SUFFIX)),
        version=_whole(version),
        health=figures.largest(tables.HEALTH, table=table),
        maintained_seconds=None if maintained is None else max(0.0, figures.now - maintained),
    )


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _small_files(figures: Figures, table: str) -> int | None:
    counts = [scrape.total(tables.SMALL_FILES, table=table) for scrape in figures.scrapes]
    return _whole(max((count for count in counts if count is not None), default=None))


def freshness(figures: Figures, table: str) -> float | None:
    """Seconds since the moment up to which everything is durable, of the partition that is oldest."""
    detailed: dict[Place, float] = {}
    sums: list[float] = []
    for metric in (ingest.FRESHNESS, tables.SOURCE_WATERMARK):
        for labels, moment in figures.series(metric, table=table):
            place = _place(labels)
            if place is None:
                sums.append(moment)
            else:
                detailed[place] = max(moment, detailed.get(place, moment))
    told = [min(moments) for moments in (detailed.values(), sums) if moments]
    return max(0.0, figures.now - max(told)) if told else None


def _lag(figures: Figures, table: str, topic: str | None) -> int | None:
    """By whoever knows of the most partitions, and of these by whoever has asked last where they end."""
    workers = [scrape for scrape in figures.workers(table) if scrape.of(ingest.LAG)]
    asked = min((_asked_at(scrape, common.LOOP_TICK, loop="offsets") for scrape in workers), default=0.0)
    told = [(*_lag_of(workers, ingest.LAG, topic=topic or ""), asked)]
    for scrape in figures.scrapes:
        asked = _asked_at(scrape, tables.COLLECTED, table=table, look="source")
        told.append((*_lag_of([scrape], tables.SOURCE_LAG, table=table), asked))
    partitions, lag, _ = max(told, key=lambda each: (each[0], each[2]))
    return int(lag) if partitions else None


def _asked_at(scrape: Scrape, metric: Metric, **labels: str) -> float:
    return max((value for _, value in scrape.of(metric, **labels)), default=0.0)


def _lag_of(scrapes: Iterable[Scrape], metric: Metric, **labels: str) -> tuple[int, float]:
    """How many series tell of it, and what they come to.

    A worker that was cut off still shows partitions that another reads by now: the lower number is nearer to the truth.
    """
    detailed: dict[Place, float] = {}
    sums: list[float] = []
    for scrape in scrapes:
        for own, value in scrape.of(metric, **labels):
            place = _place(own)
            if place is None:
                sums.append(value)
            else:
                detailed[place] = min(value, detailed.get(place, value))
    return len(detailed) + len(sums), sum(detailed.values()) + sum(sums)


def _place(labels: Mapping[str, str]) -> Place | None:
    """None where partition detail is switched off."""
    return (labels["topic"], labels["partition"]) if "partition" in labels else None
