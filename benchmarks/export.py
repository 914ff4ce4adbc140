"""What `headrace export` costs on a table of a hundred thousand files, and on one of a hundred beside it.

Log and folder are as workers leave them, but for the bytes of the data files: nobody opens those.
"""

import json
import os
import subprocess
import sys
import time
import uuid
from datetime import date, timedelta
from pathlib import Path
from threading import Event
from urllib.request import urlopen

import pyarrow as pa
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.cluster import TOPIC, Cluster, fresh_lake
from benchmarks.generated import SOURCE, GeneratedTopic, decoded
from headrace.contracts import Trade, contract_of
from headrace.lake.datafile import DataFile, statistics
from headrace.lake.layouts import file_layout
from headrace.lake.log import DeltaLog
from headrace.lake.store import Store
from headrace.metrics import tables
from headrace.sections import MIB, IngestSettings
from headrace.testing.peak_memory import peak_so_far
from headrace.testing.waiting import wait_until
from headrace_bots.load import render_trades
from headrace_ingest.startup import prepare_tables

SIZES = (100, 100_000)
PER_COMMIT = 500
COMMITS = 10
_DAYS = 100
_SECONDS = 300.0
_POLLS = 300
_CPU = ("process_cpu_seconds_total", "")
_TOOK = tables.COLLECTION_SECONDS.name


def measure(_cluster: Cluster) -> dict[str, object]:
    """A process of its own for each size: its first look, then one at ten new commits."""
    return {"new_commits": COMMITS, "at_files": {str(count): _measured(count) for count in SIZES}}


def _measured(count: int) -> dict[str, float]:
    with fresh_lake() as lake:
        writer = _Writer(lake)
        for start in range(0, count, PER_COMMIT):
            writer.commit(min(PER_COMMIT, count - start))
        writer.log.checkpoint()
        environment = os.environ | {
            "HEADRACE_LAKE__ROOT": str(lake),
            "HEADRACE_METRICS__PORT": "0",
            "HEADRACE_EXPORT__EVERY_SECONDS": "10",
            "HEADRACE_LOG_FORMAT": "json",
            "HEADRACE_KAFKA__BOOTSTRAP_SERVERS": "",
        }
        with (lake / "out").open("wb") as out:
            command = [sys.executable, "-m", "headrace_cli", "export"]
            process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
            try:
                return _watched(process, lake / "out", writer, count)
            finally:
                process.terminate()
                process.wait(_SECONDS)


def _watched(process: "subprocess.Popen[bytes]", out: Path, writer: "_Writer", count: int) -> dict[str, float]:
    wait_until(lambda: "serving" in out.read_text(), "it serves", seconds=_SECONDS)
    url = json.loads(out.read_text().splitlines()[0])["url"]
    started = _samples(url)
    read = _once_read(url, count)
    for _ in range(COMMITS):
        writer.commit(1)
    again = _once_read(url, count + COMMITS)
    return {
        "full_seconds": round(read[_TOOK, "full"], 3),
        "full_cpu_seconds": round(read[_CPU] - started[_CPU], 2),
        "new_commits_cpu_seconds": round(again[_CPU] - read[_CPU], 2),
        "peak_rss_mib": round(peak_so_far(process.pid) / MIB),
    }


def _once_read(url: str, files: int) -> dict[tuple[str, str], float]:
    """What is shown a moment after the look that saw so many files; asks seldom, for answers cost, too."""
    pause, found = Event(), _samples(url)
    for _ in range(_POLLS):
        seen = found.get((tables.FILES.name, "")) == files
        pause.wait(1.0)
        found = _samples(url)
        if seen:
            return found
    msg = f"{files} files were not seen in {_POLLS} s"
    raise TimeoutError(msg)


def _samples(url: str) -> dict[tuple[str, str], float]:
    """Of the table and of the process, by name and look."""
    with urlopen(f"{url}/metrics", timeout=60) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    return {
        (sample.name, sample.labels.get("look", "")): sample.value
        for family in families
        for sample in family.samples
        if sample.labels.get("table", TOPIC) == TOPIC
    }


class _Writer:
    """Commits files that hold a row each; the table must not exist yet."""

    def __init__(self, lake: Path) -> None:
        contract = contract_of(Trade)
        self._store, layout = Store(str(lake)), file_layout(contract)
        prepare_tables(self._store, contract, SOURCE, GeneratedTopic(), IngestSettings())
        self._folder = lake / TOPIC
        self._stats = json.dumps(statistics(pa.table(decoded(render_trades(100))), layout.statistics))
        self._number = 0
        self.log = DeltaLog(self._store, TOPIC)

    def commit(self, count: int) -> None:
        files = [self._file() for _ in range(count)]
        self.log.commit(files, {"benchmark": self._number}, {"kind": "benchmark", "batch": uuid.uuid4().hex})

    def _file(self) -> DataFile:
        self._number += 1
        day = str(date(2026, 1, 1) + timedelta(days=self._number % _DAYS))
        path = self._folder / f"date={day}" / f"{uuid.uuid4().hex}.parquet"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"PAR1")
        name = str(path.relative_to(self._folder))
        return DataFile(name, 4, 100, "", {"date": day}, self._stats, time.time_ns() // 1_000_000)
