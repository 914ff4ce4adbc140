"""What processes show, made by the recorder that they use."""

from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry, generate_latest

from headrace.metrics import CANARY, COMMON, INGEST, MAINTENANCE, TABLES, common
from headrace.metrics.metric import Counter, Gauge, Metric, Reading
from headrace.metrics.recorder import Recorder, Sample
from headrace_cli.top.figures import Figures
from headrace_cli.top.scrape import Look, Scrape, Silent, parse

NOW = 1_000_000.0
VERSIONS = {"version": "1.2.3", "deltalake": "1", "librdkafka": "2", "python": "3"}
Shown = tuple[Metric, float, Mapping[str, str]]


def scrape_of(
    parts: Sequence[Metric], *shown: Shown, url: str = "http://worker:1", at: float = NOW, seconds: float = 100.0
) -> Scrape:
    """A process with the metrics of these parts of the catalogue, which it has set so."""
    registry = CollectorRegistry()
    recorder = Recorder(registry, [*COMMON, *parts])
    recorder.put(common.BUILD, 1, **VERSIONS)
    readings: list[Sample] = []
    for metric, value, labels in shown:
        if isinstance(metric, Counter):
            recorder.add(metric, value, **labels)
        elif isinstance(metric, Gauge):
            recorder.put(metric, value, **labels)
        elif isinstance(metric, Reading):
            readings.append(Sample(metric, value, labels))
    recorder.read(lambda: readings)
    return parse(url, generate_latest(registry).decode(), at=at, seconds=seconds)


def worker(*shown: Shown, table: str = "trades", **where: object) -> Scrape:
    """A worker of a table."""
    config = (common.CONFIG, 1.0, {"table": table, "config_hash": "h", "write_mode": "append"})
    running = (common.STATE, 1.0, {"state": "running"})
    guard: Shown = (common.CONFLICT_GUARD, 1.0, {})
    return scrape_of(INGEST, config, running, guard, *shown, **where)  # type: ignore[arg-type]


def maintenance(*shown: Shown, url: str = "http://maintenance:1", **where: object) -> Scrape:
    """A process that maintains."""
    return scrape_of([*TABLES, *MAINTENANCE], *shown, url=url, **where)  # type: ignore[arg-type]


def canary_of(*shown: Shown) -> Scrape:
    return scrape_of(CANARY, *shown, url="http://canary:1")


def figures_of(*scrapes: Scrape, before: Sequence[Scrape] = (), silent: Sequence[Silent] = ()) -> Figures:
    return Figures(Look(scrapes, tuple(silent), {each.url: [each] for each in before}))
