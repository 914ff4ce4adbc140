"""What a metric is, before anything counts: name, kind, labels, meaning. Pure data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, eq=False)
class Metric:
    """One entry of the catalogue.

    Attributes:
        name: as it is scraped; counters end in `_total`, gauges that are always 1 and say something by their labels in
            `_info`.
        help: what it counts, in one sentence or two.
        labels: names of its labels.
        values: labels whose values are a closed set; counters and histograms begin at 0 for each of them.
    """

    kind: ClassVar[str]

    name: str
    help: str
    labels: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Counter(Metric):
    """Only grows."""

    kind = "counter"


class Gauge(Metric):
    """A number that is set when it changes."""

    kind = "gauge"


class Reading(Metric):
    """A gauge that is read when somebody scrapes: a series whose subject is gone is gone too."""

    kind = "gauge"


@dataclass(frozen=True, eq=False)
class Histogram(Metric):
    """Counts observations at or below each bound.

    Attributes:
        buckets: upper bounds, rising; `+Inf` is added.
    """

    kind = "histogram"

    buckets: tuple[float, ...] = ()
