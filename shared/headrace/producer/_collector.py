"""Makes Prometheus samples of how producers fare, at each scrape."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from headrace.metrics import producer as catalogue
from headrace.metrics.metric import Metric as Entry
from headrace.producer._health import Reporting, TopicHealth

_KINDS = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily, "histogram": HistogramMetricFamily}
_BOUNDS = [*map(repr, catalogue.DELIVERY_DURATION.buckets), "+Inf"]


class ProducerCollector(Collector):
    """Shows producers under the names of the catalogue."""

    def __init__(self, producers: Sequence[Reporting]) -> None:
        self._producers = producers

    def collect(self) -> Iterator[Metric]:
        """Called by the registry at each scrape, and once when this is registered."""
        families = {metric: _KINDS[metric.kind](metric.name, metric.help) for metric in catalogue.PRODUCER}

        def add(metric: Entry, value: float, **labels: str) -> None:
            families[metric].add_sample(metric.name, labels, value)

        for producer in self._producers:
            health = producer.health()
            add(catalogue.QUEUE_RECORDS, health.pending, producer=producer.name)
            add(catalogue.QUEUE_BYTES, health.pending_bytes, producer=producer.name)
            add(catalogue.QUEUE_LIMIT_BYTES, health.limit_bytes, producer=producer.name)
            add(catalogue.QUEUE_FULL, health.queue_full, producer=producer.name)
            add(catalogue.IN_TROUBLE, not health.ok, producer=producer.name)
            for topic, found in health.topics.items():
                labels = {"producer": producer.name, "topic": topic}
                add(catalogue.ACKNOWLEDGED_RECORDS, found.acknowledged, **labels)
                add(catalogue.ACKNOWLEDGED_BYTES, found.acknowledged_bytes, **labels)
                for code, count in found.failed.items():
                    add(catalogue.DELIVERY_FAILURES, count, **labels, code=code)
                if found.last_delivery is not None:
                    add(catalogue.LAST_DELIVERY, found.last_delivery.timestamp(), **labels)
                _add_durations(families[catalogue.DELIVERY_DURATION], found, labels)
        yield from families.values()


def _add_durations(family: Metric, found: TopicHealth, labels: Mapping[str, str]) -> None:
    name = catalogue.DELIVERY_DURATION.name
    for bound, count in zip(_BOUNDS, accumulate(found.delivery_counts), strict=True):
        family.add_sample(f"{name}_bucket", {**labels, "le": bound}, count)
    family.add_sample(f"{name}_count", dict(labels), found.acknowledged)
    family.add_sample(f"{name}_sum", dict(labels), found.delivery_seconds)
