"""What a worker's commits cost with maintenance beside it, and without: on the same machine, in turns."""

import json
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
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


@dataclass(frozen=True)
class _Run:
    """How long each commit took, how many merges were made meanwhile, and how many commits had to be tried again."""

    milliseconds: list[float]
    merges: int
    repeated: int

    @property
    def p50(self) -> float:
        return percentile(self.milliseconds, 0.5)


def measure(cluster: Cluster) -> dict[str, object]:
    """One worker, without maintenance and with it, one after the other, several times."""
    alone, beside = [], []
    for _ in range(ROUNDS):
        alone.append(_run(cluster, maintained=False))
        beside.append(_run(cluster, maintained=True))
    ratios = [with_it.p50 / without.p50 for without, with_it in zip(alone, beside, strict=True)]
    return {
        "events_per_second": RATE,
        "flush_seconds": FLUSH_SECONDS,
        "look_seconds": LOOK_SECONDS,
        "compact_files": COMPACT_FILES,
        "commits": sum(len(run.milliseconds) for run in beside),
        "merges": sum(run.merges for run in beside),
        "repeated": sum(run.repeated for run in beside),
        "p50_ms_alone": round(median(run.p50 for run in alone), 1),
        "p50_ms_beside": round(median(run.p50 for run in beside), 1),
        "ratio": round(median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
    }


def _run(cluster: Cluster, *, maintained: bool) -> _Run:
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
                command = [sys.executable, "-m", "headrace_cli", "maintain"]
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
    repeated = sum(flush["attempts"] > 1 for flush in flushes)
    return _Run([float(flush["commit_ms"]) for flush in flushes], len(merges), repeated)


def _events(log: Any) -> list[dict[str, Any]]:
    log.seek(0)
    return [json.loads(line) for line in log if line.startswith(b"{")]
