"""A worker's drain of a backlog, as a share of what a process can consume and throw away in the same run.

There are two limits: a consumer as everybody writes it, and one with Python's garbage collector out of the way, as
the worker has it. The second is what no program on this client can pass. Both are timed as the worker is, from the
moment at which they have their partitions.
"""

import subprocess
import sys
from statistics import median

from benchmarks.cluster import PARTITIONS, TOPIC, Cluster

RECORDS = 2_000_000
ROUNDS = 7

# The same client settings as the worker's, in a process of its own.
_CONSUME_ONLY = f"""
import time
from confluent_kafka import Consumer, TopicPartition
consumer = Consumer({{
    "bootstrap.servers": "SERVERS", "group.id": "consume-only", "enable.auto.commit": False, "check.crcs": True,
    "isolation.level": "read_committed", "fetch.queue.backoff.ms": 5, "queued.min.messages": 200_000,
    "fetch.wait.max.ms": 100,
}})
consumer.assign([TopicPartition("{TOPIC}", p, 0) for p in range({PARTITIONS})])
seen, began = 0, time.perf_counter()
while seen < {RECORDS}:
    seen += len(consumer.consume(10_000, 1.0))
print({RECORDS} / (time.perf_counter() - began))
"""


_COLLECTOR_AWAY = "import gc\ngc.set_threshold(100_000, 20, 20)\n"


def measure(cluster: Cluster) -> dict[str, object]:
    """Interleaved rounds, so that both meet the same machine; the median of each."""
    cluster.new_topic()
    value_bytes = cluster.fill(RECORDS)
    plain, tuned, drains = [], [], []
    for _ in range(ROUNDS):
        plain.append(_consume_only(cluster, _CONSUME_ONLY))
        tuned.append(_consume_only(cluster, _COLLECTOR_AWAY + _CONSUME_ONLY))
        drains.append(cluster.drain(RECORDS))
    ratios = [drain.rate / limit for drain, limit in zip(drains, plain, strict=True)]
    ratios_to_tuned = [drain.rate / limit for drain, limit in zip(drains, tuned, strict=True)]
    return {
        "records": RECORDS,
        "value_bytes": round(value_bytes),
        "consume_only_per_second": round(median(plain)),
        "consume_only_tuned_per_second": round(median(tuned)),
        "worker_per_second": round(median(drain.rate for drain in drains)),
        "ratio": round(median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "ratio_to_tuned": round(median(ratios_to_tuned), 3),
        "worker_per_cpu_second": round(median(RECORDS / drain.cpu_seconds for drain in drains)),
        "startup_seconds": round(median(drain.startup_seconds for drain in drains), 2),
        "peak_rss_mib": round(max(drain.peak_rss_mib for drain in drains)),
    }


def _consume_only(cluster: Cluster, program: str) -> float:
    script = program.replace("SERVERS", cluster.bootstrap_servers)
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return float(done.stdout)
