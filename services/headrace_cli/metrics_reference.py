"""Prints docs/metrics.md from the catalogue: `python -m headrace_cli.metrics_reference`.

The page is checked against this output by a test, so it says what the program reports.
"""

import sys

from headrace.metrics import CATALOGUE
from headrace.metrics.metric import Histogram, Metric

_INTRODUCTION = """\
# Metrics

<!-- Made by `python -m headrace_cli.metrics_reference > docs/metrics.md`. Change shared/headrace/metrics. -->

What `/metrics` of a worker, of [`headrace maintain`](maintenance.md), of `headrace export` and of the
[canary](canary.md) show, what
[producers](producing.md#how-it-fares) show in the registry of a bot, and at the end what
[`headrace verify`](verify.md#on-a-schedule) and
[`headrace audit quality`](audit.md#data-quality) leave in metrics files. How to reach
`/metrics`, and the probes beside it: [operations](operations.md#probes-and-metrics).

- `table` and `topic` are the names in the contract, never a path. Labels of a scrape, `job` and `instance`, tell
  workers apart.
- Series with a `partition` exist while this worker reads the partition; the worker that takes it over has them next.
  With `HEADRACE_METRICS__PARTITION_DETAIL=false` they have no `partition`: offsets and lag are sums, the watermark is
  the oldest. `sum by (topic)` and `min by (topic)` say the same in both cases.
- A worker that lost partitions because nobody answered it shows them as they were, and `headrace_partition_assigned` 0,
  until the group answers: the table grows old while brokers are away.
- Counters and histograms with known labels begin at 0.
- Times are seconds since the epoch: ages are `time()` minus the metric.
- `process_*`, `python_info` and `python_gc_*` are those of prometheus-client.

Useful questions:

```promql
# freshness of a table, in seconds
max by (table) (time() - headrace_partition_watermark_timestamp_seconds)
# the same, but fresh where one worker is cut off and another reads its partitions; needs partition detail
max by (table) (time() - max by (table, topic, partition) (headrace_partition_watermark_timestamp_seconds))
# records that are not durable yet
sum by (topic) (headrace_source_lag_records)
# a partition that stands still with records to go
headrace_source_lag_records > 0 and changes(headrace_committed_offset[10m]) == 0
# partitions that nobody reads
max by (topic) (headrace_topic_partitions)
  - (sum by (topic) (headrace_partition_assigned) or 0 * max by (topic) (headrace_topic_partitions)) > 0
# rows a second
sum by (table) (rate(headrace_written_records_total[5m]))
# time of a commit
histogram_quantile(0.99, sum by (table, le) (rate(headrace_commit_duration_seconds_bucket[5m])))
```
"""


def reference() -> str:
    """The whole page as Markdown."""
    return "\n".join([_INTRODUCTION, *(_table(part, metrics) for part, metrics in CATALOGUE.items())])


def _table(part: str, metrics: tuple[Metric, ...]) -> str:
    lines = [f"## {part}", "", "| Metric | Kind | Labels | Meaning |", "|---|---|---|---|"]
    for metric in metrics:
        cells = (f"`{metric.name}`", metric.kind, _labels(metric), _meaning(metric))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _labels(metric: Metric) -> str:
    described = []
    for label in metric.labels:
        values = ", ".join(f"`{value}`" for value in metric.values.get(label, ()))
        described.append(f"`{label}`: {values}" if values else f"`{label}`")
    return "; ".join(described)


def _meaning(metric: Metric) -> str:
    if not isinstance(metric, Histogram):
        return metric.help
    bounds = ", ".join(f"{bound:g}" for bound in metric.buckets)
    return f"{metric.help} Buckets: {bounds}."


if __name__ == "__main__":
    sys.stdout.write(reference())
