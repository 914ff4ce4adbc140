"""The broker of a run, topics filled with trades, and workers as processes of their own."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from headrace.connection import KafkaSettings
from headrace.contracts import Trade, contract_of
from headrace.kafka.admin import TopicAdmin
from headrace.kafka.client import client_properties
from headrace.kafka.sender_properties import sender_properties
from headrace.sections import MIB
from headrace.testing.peak_memory import wait_and_watch
from headrace_bots.load import Rendered, fill_topic, render_trades

PARTITIONS = 6
TOPIC = contract_of(Trade).topic
_DRAIN_SECONDS = 600.0


@dataclass(frozen=True)
class Drained:
    """What a worker's drain took. `seconds` is from its assignment to its last durable commit."""

    records: int
    seconds: float
    startup_seconds: float
    cpu_seconds: float
    peak_rss_mib: float
    commits: int

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.records / self.seconds


class Cluster:
    """A broker whose one topic is filled anew for each benchmark."""

    def __init__(self, bootstrap_servers: str) -> None:
        self.kafka = KafkaSettings(bootstrap_servers=bootstrap_servers)
        self.bootstrap_servers = bootstrap_servers
        self._admin = TopicAdmin(client_properties(self.kafka) | {"log_level": 0})

    def new_topic(self, partitions: int = PARTITIONS, topic: str = TOPIC) -> None:
        """An empty topic; of trades, unless another is named."""
        self._admin.delete_topic(topic)
        self._admin.create_topic(topic, partitions)

    def fill(self, records: int) -> float:
        """Adds trades; returns the mean bytes of a value."""
        rendered = render_trades(20_000)
        self.send(TOPIC, rendered, records)
        return sum(len(record.value) for record in rendered) / len(rendered)

    def send(self, topic: str, rendered: Sequence[Rendered], records: int) -> None:
        """Adds so many records to a topic, taking `rendered` round and round."""
        properties = sender_properties(self.bootstrap_servers, {"log_level": 0}, client_id="benchmark")
        fill_topic(properties, topic, records, rendered=rendered)

    def environment(self, lake: Path, **settings: object) -> dict[str, str]:
        """Of a worker on a table under `lake`, in a group of its own."""
        return (
            os.environ
            | {
                "HEADRACE_KAFKA__BOOTSTRAP_SERVERS": self.bootstrap_servers,
                "HEADRACE_KAFKA__GROUP_ID": f"benchmark-{uuid.uuid4().hex}",
                "HEADRACE_LAKE__ROOT": str(lake),
                "HEADRACE_LOG_FORMAT": "json",
            }
            | {f"HEADRACE_{name.upper()}": str(value) for name, value in settings.items()}
        )

    def drain(self, records: int, **settings: object) -> Drained:
        """Runs `headrace ingest trades --drain` on a fresh table."""
        with fresh_lake() as lake:
            return self.drain_into(lake, TOPIC, records, **settings)

    def drain_into(self, lake: Path, table: str, records: int, **settings: object) -> Drained:
        """Runs `headrace ingest --drain` of a table that may be there; `records` are what it finds to read."""
        started = datetime.now().astimezone()
        with (lake / "log").open("w+b") as log:
            worker = start_worker(self.environment(lake, **settings), "--drain", log=log, table=table)
            cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
            peak = wait_and_watch(worker, _DRAIN_SECONDS)
            usage = resource.getrusage(resource.RUSAGE_CHILDREN)
            log.seek(0)
            events = [json.loads(line) for line in log if line.startswith(b"{")]
        if worker.returncode:
            msg = f"the worker ended with {worker.returncode}: {events[-1:]}"
            raise RuntimeError(msg)
        flushes = [event for event in events if event["event"] == "flush"]
        assigned = time_of(next(event for event in events if event["event"] == "assigned"))
        return Drained(
            records=records,
            seconds=(time_of(flushes[-1]) - assigned).total_seconds(),
            startup_seconds=(assigned - started).total_seconds(),
            cpu_seconds=usage.ru_utime + usage.ru_stime - cpu.ru_utime - cpu.ru_stime,
            peak_rss_mib=peak / MIB,
            commits=len(flushes),
        )


def start_worker(
    environment: dict[str, str], *options: str, log: IO[bytes] | None = None, table: str = TOPIC
) -> "subprocess.Popen[bytes]":
    """A worker; of the table of trades, unless another is named."""
    command = [sys.executable, "-m", "headrace_cli", "ingest", table, *options]
    return subprocess.Popen(command, env=environment, stderr=log or subprocess.DEVNULL)


@contextmanager
def fresh_lake() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="headrace-benchmark-") as folder:
        yield Path(folder)


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def time_of(event: dict[str, Any]) -> datetime:
    """When a worker wrote that log line."""
    return datetime.fromisoformat(event["timestamp"])
