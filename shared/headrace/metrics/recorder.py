"""Counts what the catalogue names, for Prometheus."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import TypeVar

import prometheus_client
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.registry import Collector, CollectorRegistry

from headrace.metrics.metric import Counter, Gauge, Histogram, Metric, Reading

_Made = TypeVar("_Made", bound=MetricWrapperBase)


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a reading. `labels` are those that the recorder was not given, or some of them."""

    metric: Reading
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


class Recorder:
    """The metrics of one process. Safe to use from several threads.

    Counters and histograms whose labels are known beforehand begin at 0, so that their first increment is seen as one.

    Args:
        registry: what is scraped.
        metrics: those that the process reports; others are refused with a KeyError.
        given: labels that have one value in this process, such as its table.
    """

    def __init__(self, registry: CollectorRegistry, metrics: Iterable[Metric], **given: str) -> None:
        self._given = given
        self._counters: dict[Metric, prometheus_client.Counter] = {}
        self._gauges: dict[Metric, prometheus_client.Gauge] = {}
        self._histograms: dict[Metric, prometheus_client.Histogram] = {}
        readings: list[Reading] = []
        for metric in metrics:
            what = (metric.name, metric.help, metric.labels)
            if isinstance(metric, Counter):
                self._counters[metric] = prometheus_client.Counter(*what, registry=registry)
                self._begin(self._counters[metric], metric)
            elif isinstance(metric, Histogram):
                self._histograms[metric] = prometheus_client.Histogram(*what, registry=registry, buckets=metric.buckets)
                self._begin(self._histograms[metric], metric)
            elif isinstance(metric, Gauge):
                self._gauges[metric] = prometheus_client.Gauge(*what, registry=registry)
            elif isinstance(metric, Reading):
                readings.append(metric)
        self._readings = _Readings(readings, given)
        registry.register(self._readings)

    def add(self, metric: Counter, amount: float = 1, /, **labels: str) -> None:
        """Counts."""
        self._child(self._counters[metric], metric, labels).inc(amount)

    def put(self, metric: Gauge, value: float, /, **labels: str) -> None:
        """Sets a gauge."""
        self._child(self._gauges[metric], metric, labels).set(value)

    def observe(
        self, metric: Histogram, value: float, /, exemplar: dict[str, str] | None = None, **labels: str
    ) -> None:
        """Takes an observation; an exemplar leads from its bucket to a log line."""
        self._child(self._histograms[metric], metric, labels).observe(value, exemplar)

    def read(self, source: Callable[[], Iterable[Sample]]) -> None:
        """Asks `source`, on the thread that scrapes, whenever somebody scrapes; it must not wait for anything."""
        self._readings.sources.append(source)

    def _child(self, made: _Made, metric: Metric, labels: Mapping[str, str]) -> _Made:
        if not metric.labels:
            return made
        known = {**self._given, **labels}
        return made.labels(*(known[name] for name in metric.labels))

    def _begin(self, made: MetricWrapperBase, metric: Metric) -> None:
        choices = {**{name: (value,) for name, value in self._given.items()}, **metric.values}
        if metric.labels and choices.keys() >= set(metric.labels):
            for values in product(*(choices[name] for name in metric.labels)):
                made.labels(*values)


class _Readings(Collector):
    def __init__(self, metrics: list[Reading], given: Mapping[str, str]) -> None:
        self._metrics = metrics
        self._given = given
        self.sources: list[Callable[[], Iterable[Sample]]] = []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        families = {metric: GaugeMetricFamily(metric.name, metric.help) for metric in self._metrics}
        for sample in [sample for source in self.sources for sample in source()]:
            known = {**self._given, **sample.labels}
            labels = {name: known[name] for name in sample.metric.labels if name in known}
            families[sample.metric].add_sample(sample.metric.name, labels, sample.value)
        yield from families.values()
