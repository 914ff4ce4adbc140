"""What a worker shows to whoever scrapes it."""

import json
from collections.abc import Iterable, Mapping
from urllib.error import HTTPError
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from headrace.metrics.metric import Metric
from headrace.testing.waiting import PATIENCE_SECONDS
from headrace_ingest.worker import Worker

Labels = Mapping[str, str]


def series(worker: Worker, metric: Metric) -> dict[tuple[str, ...], float]:
    """Values of a metric by its labels, in the catalogue's order without `table` and `topic`."""
    names = [name for name in metric.labels if name not in ("table", "topic")]
    samples = (s for family in worker.metrics.registry.collect() for s in family.samples if s.name == metric.name)
    return {tuple(s.labels[name] for name in names if name in s.labels): s.value for s in samples}


def value(worker: Worker, metric: Metric, *labels: str) -> float:
    """One value; 0 if there is no such series."""
    return series(worker, metric).get(labels, 0.0)


def moved(samples: Iterable[Sample]) -> set[tuple[str, str]]:
    """Names and label values of all series that are not 0, buckets aside."""
    return {
        (s.name, value) for s in samples if s.value and "_bucket" not in s.name for value in ("", *s.labels.values())
    }


def scrape(url: str) -> list[Sample]:
    """All samples that are served."""
    with urlopen(f"{url}/metrics", timeout=PATIENCE_SECONDS) as answer:
        text = answer.read().decode()
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def probe(url: str) -> dict[str, int]:
    """Status of each probe."""
    return {path: _status(f"{url}/{path}") for path in ("startupz", "livez", "readyz")}


def _status(url: str) -> int:
    try:
        with urlopen(url, timeout=PATIENCE_SECONDS) as answer:
            return int(answer.status)
    except HTTPError as refused:
        return refused.code


def served_at(log: str) -> str:
    """The URL in the log line `serving`."""
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return str(next(line["url"] for line in lines if line["event"] == "serving"))
