"""What a worker's commits cost with maintenance beside it, and without: on the same machine, in turns."""

import json
import signal
import subprocess
import sys
import tempfile
from statistics import median
from typing import Any

from benchmarks.cluster import TOPIC, Cluster, fresh_lake, percentile, start_worker
from benchmarks.freshness import send
from headrace.testing.waiting import wait_until

RATE = 2_000
SECONDS = 30
FLUSH_SECONDS = 0.25
ROUNDS = 3
# Twelve times as often as by default, and from a fifth of the files on: a merge about every five seconds.
LOOK_SECONDS, COMPACT_FILES = 5, 8


def measure(cluster: Cluster) -> dict[str, object]:
    """One worker, without maintenance and with it, one after the other, several times."""
    alone, beside, merges = [], [], 0
    for _ in range(ROUNDS):
        alone.append(_commits(cluster, maintained=False)[0])
        seconds, merged = _commits(cluster, maintained=True)
        beside.append(seconds)
        merges += merged
    ratios = [
        percentile(with_it, 0.5) / percentile(without, 0.5) for without, with_it in zip(alone, beside, strict=True)
    ]
    return {
        "events_per_second": RATE,
        "flush_seconds": FLUSH_SECONDS,
        "look_seconds": LOOK_SECONDS,
        "compact_files": COMPACT_FILES,
        "commits": sum(map(len, beside)),
        "merges": merges,
        "p50_ms_alone": _p50(alone),
        "p50_ms_beside": _p50(beside),
        "ratio": round(median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
    }


def _p50(rounds: list[list[float]]) -> float:
    return round(median(percentile(each, 0.5) for each in rounds), 1)


def _commits(cluster: Cluster, *, maintained: bool) -> tuple[list[float], int]:
    """Milliseconds of each commit, and how many merges were made meanwhile."""
    cluster.new_topic()
    with fresh_lake() as lake, tempfile.TemporaryFile("w+b") as log, tempfile.TemporaryFile("w+b") as kept:
        environment = cluster.environment(
            lake,
            ingest__flush_seconds=FLUSH_SECONDS,
            maintain__every_seconds=LOOK_SECONDS,
            maintain__compact_files=COMPACT_FILES,
        )
        processes = [start_worker(environment, log=log)]
        try:
            first = lake / TOPIC / "_delta_log" / f"{0:020d}.json"
            wait_until(first.exists, "the table exists", seconds=60)
            if maintained:
                command = [sys.executable, "-m", "headrace_cli.main", "maintain"]
                processes.append(subprocess.Popen(command, env=environment, stderr=kept))
            send(cluster, RATE, SECONDS)
        finally:
            for process in processes:
                process.send_signal(signal.SIGTERM)
            ended = [process.wait(60) for process in processes]
        flushes = [event for event in _events(log) if event["event"] == "flush"]
        merges = [event for event in _events(kept) if event["event"] == "maintained" and event.get("files")]
    if any(ended) or bool(merges) is not maintained:
        msg = f"the processes ended with {ended} after {len(merges)} merges"
        raise RuntimeError(msg)
    return [float(flush["commit_ms"]) for flush in flushes], len(merges)


def _events(log: Any) -> list[dict[str, Any]]:
    log.seek(0)
    return [json.loads(line) for line in log if line.startswith(b"{")]
