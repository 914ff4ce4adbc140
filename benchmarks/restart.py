"""How long a table stands still when a worker is killed and started again at once."""

import json
import signal
import threading
import time
from pathlib import Path

from benchmarks.cluster import TOPIC, Cluster, fresh_lake, start_worker
from headrace.testing.waiting import wait_until


def measure(cluster: Cluster) -> dict[str, object]:
    """With the default dynamic membership, and with a static member id."""
    return {
        "seconds_to_first_commit": round(_restart(cluster), 2),
        "seconds_to_first_commit_static_member": round(_restart(cluster, kafka__group_instance_id="worker-1"), 2),
    }


def _restart(cluster: Cluster, **settings: object) -> float:
    cluster.new_topic()
    stop = threading.Event()
    feeding = threading.Thread(target=_feed, args=(cluster, stop), daemon=True)
    with fresh_lake() as lake:
        environment = cluster.environment(lake, ingest__flush_seconds=0.5, **settings)
        worker = start_worker(environment)
        try:
            feeding.start()
            wait_until(lambda: len(_commits(lake)) >= 3, "three commits", seconds=60)
            worker.kill()
            worker.wait()
            killed, before = time.monotonic(), len(_commits(lake))
            worker = start_worker(environment)
            wait_until(lambda: len(_commits(lake)) > before, "a commit after the restart", seconds=120)
            return time.monotonic() - killed
        finally:
            stop.set()
            feeding.join()
            worker.send_signal(signal.SIGTERM)
            worker.wait(60)


def _feed(cluster: Cluster, stop: threading.Event) -> None:
    while not stop.wait(0.2):
        cluster.fill(200)


def _commits(lake: Path) -> list[Path]:
    """Commits with rows."""
    files = sorted((lake / TOPIC / "_delta_log").glob("*.json"))
    return [file for file in files if any("add" in json.loads(line) for line in file.read_text().splitlines())]
