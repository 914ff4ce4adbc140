"""Runs the peers on one broker, one after another, and writes `benchmarks/peers.json` and docs/benchmarks.md.

`python -m benchmarks.peers [NAME ...]` runs some of them; figures of the others stay as they were.
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from benchmarks.cluster import PARTITIONS, Cluster
from benchmarks.peers import measure
from benchmarks.peers.peer import Peer, PeerError
from benchmarks.peers.registry import PEERS
from benchmarks.peers.report import DOCUMENT, RESULTS, render, with_table
from headrace.testing.jars import java
from headrace.testing.kafka_jars import KAFKA_VERSION
from headrace.testing.kafka_server import KafkaServer
from headrace_bots.load import render_trades

RECORDS = 2_000_000
_DISTINCT = 20_000


def main() -> int:
    """Runs what was asked for; a peer that fails is told in its column."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*PEERS, []], help="which; all by default")
    parser.add_argument("--records", type=int, default=RECORDS, help="in the backlog (default: %(default)s)")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the peer under way is stopped, too
    peers = [PEERS[name] for name in arguments.names or PEERS]
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"peers": {}}
    results["peers"] |= {peer.name: {} for peer in peers}
    load = os.getloadavg()[0]
    installed = [peer for peer in peers if _note(results["peers"][peer.name], "install", peer.install)]
    with KafkaServer(fast=True) as server:
        _run(Cluster(server.bootstrap_servers), installed, arguments.records, results["peers"])
    for peer in peers:
        results["peers"][peer.name] |= {"title": peer.title, "settings": peer.settings(), "records": arguments.records}
    results["peers"] = {name: results["peers"][name] for name in PEERS if name in results["peers"]}
    results["run"] = _conditions() | {"load_average_at_start": round(load, 1)}
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(), results))
    print(render(results))
    return 0


def _run(cluster: Cluster, peers: list[Peer], records: int, results: dict[str, Any]) -> None:
    """The peers share the backlog; each has the steady traffic on a topic of its own."""
    cluster.new_topic()
    cluster.fill(records)
    price_sum = _price_sum(records)
    for peer in peers:
        found = results[peer.name]
        if _note(found, "drain", partial(measure.drain, peer, cluster, records, price_sum)) and peer.keeps_rows:
            _note(found, "kill", partial(measure.kill, peer, cluster, records))
    for peer in peers:
        if peer.keeps_rows and "drain" in results[peer.name]:
            _note(results[peer.name], "freshness", partial(measure.freshness, peer, cluster))


def _note(found: dict[str, Any], what: str, measured: Callable[[], object]) -> bool:
    """Adds what `measured` returns, or why it failed."""
    try:
        found[what] = measured()
    except PeerError as error:
        found.setdefault("failed", {})[what] = str(error)
        print(f"  {what} failed: {error}", file=sys.stderr, flush=True)
        return False
    print(f"  {what}: {json.dumps(found[what])}", file=sys.stderr, flush=True)
    return True


def _price_sum(records: int) -> Decimal:
    """Of all prices in the backlog, which repeats the same trades over and over."""
    prices = [Decimal(json.loads(each.value)["price"]) for each in render_trades(_DISTINCT)]
    rounds, rest = divmod(records, len(prices))
    return sum(prices, Decimal(0)) * rounds + sum(prices[:rest], Decimal(0))


def _conditions() -> dict[str, object]:
    said = subprocess.run([java(), "-version"], check=False, capture_output=True, text=True).stderr
    return {
        "measured_at": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "kafka": f"{KAFKA_VERSION}, one broker on the same machine, {PARTITIONS} partitions",
        "java": said.splitlines()[0] if said else "unknown",
        "python": platform.python_version(),
        "commit_rows": measure.COMMIT_ROWS,
        "commit_seconds": measure.COMMIT_SECONDS,
        "live_events_per_second": measure.RATE,
        "live_seconds": measure.LIVE_SECONDS,
    }


if __name__ == "__main__":
    sys.exit(main())
