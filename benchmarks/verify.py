"""`headrace verify` on large tables: how long it takes, and that its memory does not grow with the rows."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from deltalake import DeltaTable

from benchmarks.cluster import TOPIC, Cluster, fresh_lake, start_worker
from benchmarks.generated import write_table
from headrace.sections import MIB
from headrace.testing.peak_memory import wait_and_watch

BUDGET_MIB = 1_024
ROWS = 100_000_000
COMPARED = 5_000_000
_NEWEST = 5
_SECONDS = 3_600.0


def measure(cluster: Cluster) -> dict[str, object]:
    """Log and files at full size; against ledger and topic, which read every value, at a smaller one."""
    return {"budget_mib": BUDGET_MIB, **_large(), **_against_ledger(), "broker": _against_topic(cluster)}


def _large() -> dict[str, object]:
    with fresh_lake() as lake:
        write_table(lake, ROWS)
        whole = _verify(lake, "--from-log")
        newest = DeltaTable(lake / TOPIC, without_files=True).version()
        return {"files": whole, "files_newest": _verify(lake, "--from-log", "--since", str(newest - _NEWEST))}


def _against_ledger() -> dict[str, object]:
    with fresh_lake() as lake:
        ledger = lake / "ledger.jsonl"
        with ledger.open("w") as lines:
            write_table(lake, COMPARED, ledger=lines)
        found = {"ledger": _verify(lake, "--ledger", str(ledger))}
        DeltaTable(lake / TOPIC).optimize.compact()
        return {**found, "ledger_compacted": _verify(lake, "--ledger", str(ledger))}


def _against_topic(cluster: Cluster) -> dict[str, object]:
    cluster.new_topic()
    cluster.fill(COMPARED)
    with fresh_lake() as lake:
        environment = cluster.environment(lake)
        if start_worker(environment, "--drain").wait(_SECONDS):
            msg = "the worker did not drain the topic"
            raise RuntimeError(msg)
        return _verify(lake, servers=cluster.bootstrap_servers)


def _verify(lake: Path, *options: str, servers: str = "") -> dict[str, object]:
    """Runs it in a process of its own.

    Raises:
        RuntimeError: the verdict is not PASS, or it took more memory than it may.
    """
    environment = os.environ | {"HEADRACE_LAKE__ROOT": str(lake), "HEADRACE_KAFKA__BOOTSTRAP_SERVERS": servers}
    command = [sys.executable, "-m", "headrace_cli", "verify", TOPIC, "--json", *options]
    began = time.perf_counter()
    with (lake / "report.json").open("w+b") as out:
        process = subprocess.Popen(command, env=environment, stdout=out)
        peak = wait_and_watch(process, _SECONDS) / MIB
        seconds = time.perf_counter() - began
        out.seek(0)
        (report,) = json.load(out)["tables"]
    if process.returncode or peak > BUDGET_MIB:
        msg = f"verify ended with {process.returncode} at {peak:.0f} MiB: {report['findings']}"
        raise RuntimeError(msg)
    rows = sum(partition["rows"] for partition in report["partitions"])
    return {"rows": rows, "levels": report["levels"], "seconds": round(seconds, 1), "peak_rss_mib": round(peak)}
