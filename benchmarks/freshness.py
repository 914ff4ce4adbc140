"""How old a record is when readers can see it: from its Kafka timestamp to the commit that carries it."""

import json
import signal
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import cast

import pyarrow.parquet as pq

from benchmarks.cluster import TOPIC, Cluster, fresh_lake, percentile, start_worker
from headrace.kafka.sender import OutgoingRecord, RecordSender
from headrace.kafka.sender_properties import sender_properties
from headrace.testing.waiting import wait_until
from headrace_bots.load import render_trades

FLUSH_SECONDS = 1.0
SECONDS = 15
RATES = (1_000, 20_000)


def measure(cluster: Cluster) -> dict[str, object]:
    """One worker at each rate."""
    return {
        "flush_seconds": FLUSH_SECONDS,
        "at_events_per_second": {str(rate): _at(cluster, rate) for rate in RATES},
    }


def _at(cluster: Cluster, rate: int) -> dict[str, float]:
    cluster.new_topic()
    with fresh_lake() as lake:
        worker = start_worker(cluster.environment(lake, ingest__flush_seconds=FLUSH_SECONDS))
        try:
            log = lake / TOPIC / "_delta_log"
            wait_until((log / f"{0:020d}.json").exists, "the table exists", seconds=30)
            # The first records meet a worker that is still joining its group; they are left out below.
            send(cluster, rate, SECONDS)
        finally:
            worker.send_signal(signal.SIGTERM)
            worker.wait(60)
        ages = ages_of(lake / TOPIC)
    return {"p50_seconds": round(percentile(ages, 0.5), 3), "p99_seconds": round(percentile(ages, 0.99), 3)}


def send(cluster: Cluster, rate: int, seconds: int) -> None:
    """Trades at `rate` a second for so many seconds."""
    sender = RecordSender(
        sender_properties(cluster.bootstrap_servers, {"log_level": 0}, client_id="benchmark"), lambda _: None
    )
    rendered = render_trades(20_000)
    pause, began, sent = threading.Event(), time.perf_counter(), 0
    while sent < rate * seconds:
        due = int((time.perf_counter() - began) * rate) - sent
        for _ in range(max(0, due)):
            record = rendered[sent % len(rendered)]
            sender.offer(OutgoingRecord(TOPIC, record.value, record.key, []))
            sent += 1
        sender.serve()
        pause.wait(0.005)
    sender.drain(30.0)


def ages_of(table: Path) -> list[float]:
    """How old each row was when its commit appeared, in seconds, but for those of the first five seconds."""
    commits = sorted(table.glob("_delta_log/*.json"))
    ages: list[float] = []
    first: datetime | None = None
    for commit in commits:
        visible = commit.stat().st_mtime
        for line in commit.read_text().splitlines():
            add = json.loads(line).get("add")
            if add is None:
                continue
            column = pq.read_table(table / add["path"], columns=["_kafka_timestamp"])["_kafka_timestamp"]
            stamps = cast("list[datetime]", column.to_pylist())
            first = first or min(stamps)
            ages.extend(visible - s.timestamp() for s in stamps if (s - first).total_seconds() > 5)
    return ages
