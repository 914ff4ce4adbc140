"""A worker's drain of a backlog, as a share of what librdkafka can consume and throw away in the same run."""

import subprocess
import sys

from benchmarks.cluster import PARTITIONS, TOPIC, Cluster

RECORDS = 2_000_000
ROUNDS = 3

# The same client settings as the worker's, in a process of its own, with the collector out of the way as there.
_CONSUME_ONLY = f"""
import gc, time
from confluent_kafka import Consumer, TopicPartition
gc.set_threshold(100_000, 20, 20)
consumer = Consumer({{
    "bootstrap.servers": "SERVERS", "group.id": "consume-only", "enable.auto.commit": False, "check.crcs": True,
    "isolation.level": "read_committed", "fetch.queue.backoff.ms": 5, "queued.min.messages": 200_000,
    "fetch.wait.max.ms": 100,
}})
consumer.assign([TopicPartition("{TOPIC}", p, 0) for p in range({PARTITIONS})])
seen, began = 0, None
while seen < {RECORDS}:
    messages = consumer.consume(10_000, 1.0)
    began = began or (messages and time.perf_counter())
    seen += len(messages)
print({RECORDS} / (time.perf_counter() - began))
"""


def measure(cluster: Cluster) -> dict[str, object]:
    """Interleaved rounds, so that both meet the same machine; the median of each."""
    cluster.new_topic()
    value_bytes = cluster.fill(RECORDS)
    limits, drains = [], []
    for _ in range(ROUNDS):
        limits.append(_consume_only(cluster))
        drains.append(cluster.drain(RECORDS))
    ratios = sorted(drain.rate / limit for drain, limit in zip(drains, limits, strict=True))
    return {
        "records": RECORDS,
        "value_bytes": round(value_bytes),
        "consume_only_per_second": round(sorted(limits)[ROUNDS // 2]),
        "worker_per_second": round(sorted(drain.rate for drain in drains)[ROUNDS // 2]),
        "ratio": round(ratios[ROUNDS // 2], 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "worker_per_cpu_second": round(sorted(RECORDS / drain.cpu_seconds for drain in drains)[ROUNDS // 2]),
        "startup_seconds": round(sorted(drain.startup_seconds for drain in drains)[ROUNDS // 2], 2),
        "peak_rss_mib": round(max(drain.peak_rss_mib for drain in drains)),
    }


def _consume_only(cluster: Cluster) -> float:
    script = _CONSUME_ONLY.replace("SERVERS", cluster.bootstrap_servers)
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return float(done.stdout)
