"""Runs the benchmarks on a real Kafka, and writes `benchmarks/results.json` and the tables of figures made from it.

`python -m benchmarks [NAME ...]` runs some of them; figures of the others stay as they were.
"""

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime

import confluent_kafka
import deltalake
import pyarrow as pa

from benchmarks import (
    commit_cost,
    export,
    figures,
    freshness,
    latest,
    maintained_commits,
    maintained_day,
    memory,
    point_query,
    producer,
    readers,
    restart,
    scale,
    small_files,
    throughput,
    verify,
)
from benchmarks.cluster import Cluster
from benchmarks.figures import RESULTS
from headrace.testing.kafka_server import KafkaServer

BENCHMARKS = {
    "throughput": throughput.measure,
    "memory": memory.measure,
    "commit_cost": commit_cost.measure,
    "freshness": freshness.measure,
    "restart": restart.measure,
    "scale": scale.measure,
    "verify": verify.measure,
    "producer": producer.measure,
    "export": export.measure,
    "small_files": small_files.measure,
    "maintained_day": maintained_day.measure,
    "maintained_commits": maintained_commits.measure,
    "point_query": point_query.measure,
    "readers": readers.measure,
    "latest": latest.measure,
}


def main() -> int:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="which; all by default")
    chosen = parser.parse_args().names or list(BENCHMARKS)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    with KafkaServer(fast=True) as server:
        cluster = Cluster(server.bootstrap_servers)
        for name in chosen:
            print(f"{name} ...", file=sys.stderr, flush=True)
            results[name] = BENCHMARKS[name](cluster)
            results["machine"] = _machine()
            results["measured_at"] = {**results.get("measured_at", {}), name: datetime.now(UTC).date().isoformat()}
            print(json.dumps({name: results[name]}, indent=2), flush=True)
            # After each: an hour is not lost to the last of them.
            RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    return figures.main()


def _machine() -> dict[str, object]:
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "kafka": "4.1.1, one broker on the same machine",
        "librdkafka": confluent_kafka.libversion()[0],
        "deltalake": deltalake.__version__,
        "pyarrow": pa.__version__,
    }


if __name__ == "__main__":
    sys.exit(main())
