"""Several workers of one table: what their commits cost each other, and what two drain that one alone cannot.

Every commit competes for the next version of the same Delta log; a worker that loses tries again.
"""

import json
import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.cluster import TOPIC, Cluster, fresh_lake, percentile, start_worker, time_of
from benchmarks.freshness import ages_of, send
from headrace.sections import IngestSettings
from headrace.testing.waiting import wait_until

WORKERS = (1, 2, 4, 8)
PARTITIONS = 8
RATE = 4_000
SECONDS = 45
BACKLOG = 2_000_000


def measure(cluster: Cluster) -> dict[str, object]:
    """Each number of workers at the default flush interval, then the drain of a backlog by one and by two."""
    drains = {count: _drain(cluster, count) for count in (1, 2)}
    return {
        "partitions": PARTITIONS,
        "events_per_second": RATE,
        "flush_seconds": IngestSettings().flush_seconds,
        "workers": {str(count): _steady(cluster, count) for count in WORKERS},
        "drain_per_second": {str(count): round(rate) for count, rate in drains.items()},
        "drain_ratio_of_two": round(drains[2] / drains[1], 2),
    }


def _steady(cluster: Cluster, count: int) -> dict[str, float]:
    cluster.new_topic(PARTITIONS)
    with fresh_lake() as lake, ExitStack() as stack:
        workers = _started(cluster, lake, count, stack)
        send(cluster, RATE, SECONDS)
        _stopped(workers)
        flushes = [event for log in _logs(lake) for event in log if event["event"] == "flush"]
        ages = ages_of(lake / TOPIC)
    times = sorted(time_of(flush) for flush in flushes)
    return {
        "commits_per_second": round(len(flushes) / (times[-1] - times[0]).total_seconds(), 2),
        "conflicts_per_commit": round(sum(flush["attempts"] - 1 for flush in flushes) / len(flushes), 3),
        "commit_p50_ms": round(percentile([flush["commit_ms"] for flush in flushes], 0.5), 1),
        "commit_p99_ms": round(percentile([flush["commit_ms"] for flush in flushes], 0.99), 1),
        "freshness_p50_seconds": round(percentile(ages, 0.5), 2),
        "freshness_p99_seconds": round(percentile(ages, 0.99), 2),
    }


def _drain(cluster: Cluster, count: int) -> float:
    """Records a second until all are durable, of workers that had their partitions before the topic was filled."""
    cluster.new_topic(PARTITIONS)
    with fresh_lake() as lake, ExitStack() as stack:
        # They stand still while the topic fills, and keep their partitions.
        workers = _started(cluster, lake, count, stack, kafka__session_timeout_ms=120_000)
        for worker in workers:
            worker.send_signal(signal.SIGSTOP)
        cluster.fill(BACKLOG)
        began = time.time()
        for worker in workers:
            worker.send_signal(signal.SIGCONT)
        wait_until(lambda: _rows(lake) >= BACKLOG, "the backlog is durable", seconds=300)
        _stopped(workers)
        flushes = [event for log in _logs(lake) for event in log if event["event"] == "flush"]
    return BACKLOG / (max(time_of(flush) for flush in flushes).timestamp() - began)


def _started(
    cluster: Cluster, lake: Path, count: int, stack: ExitStack, **settings: object
) -> "list[subprocess.Popen[bytes]]":
    """Workers of one group that all have partitions."""
    environment = cluster.environment(lake, **settings)
    workers = []
    for number in range(count):
        log = stack.enter_context((lake / f"{number}.log").open("wb"))
        workers.append(start_worker(environment, log=log))
        stack.callback(workers[-1].kill)

    def all_have_some() -> bool:
        logs = _logs(lake)
        return len(logs) == count and all(any(event["event"] == "assigned" for event in log) for log in logs)

    wait_until(all_have_some, f"{count} workers have partitions", seconds=120)
    return workers


def _stopped(workers: "list[subprocess.Popen[bytes]]") -> None:
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    for worker in workers:
        if worker.wait(120):
            msg = f"a worker ended with {worker.returncode}"
            raise RuntimeError(msg)


def _rows(lake: Path) -> int:
    return sum(int(event["rows"]) for log in _logs(lake) for event in log if event["event"] == "flush")


def _logs(lake: Path) -> list[list[dict[str, Any]]]:
    return [
        [json.loads(line) for line in path.read_text().splitlines() if line.startswith("{") and line.endswith("}")]
        for path in sorted(lake.glob("*.log"))
    ]
