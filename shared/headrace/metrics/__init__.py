"""The catalogue of all metrics: what docs, dashboards and alert rules are checked against.

A part of the program adds a module of its own and a line to `CATALOGUE`; `recorder` makes the parts a process names.
"""

from collections.abc import Mapping

from headrace.metrics.canary import CANARY
from headrace.metrics.common import COMMON
from headrace.metrics.ingest import INGEST
from headrace.metrics.maintenance import MAINTENANCE
from headrace.metrics.metric import Metric
from headrace.metrics.producer import PRODUCER
from headrace.metrics.quality import QUALITY
from headrace.metrics.tables import TABLES
from headrace.metrics.verify import VERIFY

CATALOGUE: Mapping[str, tuple[Metric, ...]] = {
    "Every process": COMMON,
    "Ingest worker": INGEST,
    "Tables": TABLES,
    "Maintenance worker": MAINTENANCE,
    "Producers of bots": PRODUCER,
    "Canary": CANARY,
    "Verify": VERIFY,
    "Data quality": QUALITY,
}
"""Metrics by the part that reports them."""

__all__ = ["CANARY", "CATALOGUE", "COMMON", "INGEST", "MAINTENANCE", "PRODUCER", "QUALITY", "TABLES", "VERIFY"]
