"""The table of figures, made from `benchmarks/peers.json`; `python -m benchmarks.peers.report` writes it anew."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.marked import with_figures

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "peers.json"
DOCUMENT = ROOT / "docs" / "benchmarks.md"

_NOTHING = "-"
_REASON_LENGTH = 160

Found = dict[str, Any]


def render(results: Found) -> str:
    """Markdown: a column for each peer, a line for each measure, then failures, versions and settings."""
    peers = list(results["peers"].values())
    heads = ["", *(peer["title"] for peer in peers)]
    lines = [heads, ["---"] + ["---:"] * len(peers)]
    lines += [[name, *(_cell(peer, part, show) for peer in peers)] for name, part, show in _LINES]
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return f"{table}{_failures(peers)}{_conditions(results['run'])}{_setups(peers)}"


def with_table(document: str, results: Found) -> str:
    """The document with its table made anew."""
    return with_figures(document, "benchmarks.peers.report", render(results))


def _number(key: str, digits: int = 0) -> Callable[[Found], str]:
    return lambda found: _NOTHING if found.get(key) is None else f"{found[key]:,.{digits}f}"


def _counts(found: Found) -> str:
    return f"{found['rows']:,} / {found['duplicates']:,} / {found['lost']:,}" if "rows" in found else _NOTHING


def _per_million(found: Found) -> str:
    return _NOTHING if "cpu_seconds" not in found else f"{found['cpu_seconds'] / found['records'] * 1e6:,.1f}"


def _cores(found: Found) -> str:
    return (
        _NOTHING
        if "cpu_seconds" not in found or "seconds" not in found
        else f"{found['cpu_seconds'] / found['seconds']:.2f}"
    )


def _match(found: Found) -> str:
    return _NOTHING if "values_match" not in found else "yes" if found["values_match"] else "NO"


def _kill_counts(found: Found) -> str:
    return _counts(found) if found["in_mid_run"] else "it had finished before the kill"


_LINES: list[tuple[str, str, Callable[[Found], str]]] = [
    ("records in the backlog", "drain", _number("records")),
    ("records/s, start-up left out", "drain", _number("per_second")),
    ("seconds to the first commit", "drain", _number("startup_seconds", 1)),
    ("seconds to the last commit", "drain", _number("seconds", 1)),
    ("CPU seconds per million records", "drain", _per_million),
    ("cores it got, on average", "drain", _cores),
    ("peak memory, MiB", "drain", _number("peak_rss_mib")),
    ("commits", "drain", _number("commits")),
    ("files", "drain", _number("files")),
    ("MiB in files", "drain", _number("file_mib", 1)),
    ("rows / duplicates / lost", "drain", _counts),
    ("prices add up", "drain", _match),
    ("rows / duplicates / lost after SIGKILL and restart", "kill", _kill_counts),
    ("seconds from SIGKILL to the next commit", "kill", _number("seconds_to_next_commit", 1)),
    ("freshness p50, s", "freshness", _number("p50_seconds", 2)),
    ("freshness p99, s", "freshness", _number("p99_seconds", 2)),
    ("cores used while live", "freshness", _number("cpu_share", 2)),
    ("rows / duplicates / lost while live", "freshness", _counts),
]


def _cell(peer: Found, part: str, show: Callable[[Found], str]) -> str:
    if part in peer:
        return show({"records": peer["records"], **peer[part]})
    failed = peer.get("failed", {})
    return "failed" if part in failed or "install" in failed or "drain" in failed else _NOTHING


def _failures(peers: list[Found]) -> str:
    lines = [
        f"- {peer['title']}, {what}: {' '.join(reason.split())[:_REASON_LENGTH]}\n"
        for peer in peers
        for what, reason in peer.get("failed", {}).items()
    ]
    return f"\nFailed:\n\n{''.join(lines)}" if lines else ""


def _conditions(run: Found) -> str:
    live = f"{run['live_events_per_second']:,} events/s for {run['live_seconds']:g} s"
    return (
        f"\nMeasured {run['measured_at']} on {run['cores']} cores shared with the broker (Kafka {run['kafka']}); "
        f"load average at the start {run['load_average_at_start']}; {run['java']}; Python {run['python']}. At most "
        f"{run['commit_rows']:,} records and {run['commit_seconds']:g} s per commit where the peer has such a setting; "
        f"live: {live}. {run.get('note', '')}".rstrip()
        + "\n"
    )


def _setups(peers: list[Found]) -> str:
    lines = [
        f"| {peer['title']} | {_pairs(peer.get('install', {}))} | {_pairs(peer['settings'])} |\n" for peer in peers
    ]
    return f"\n| | versions | settings that are not defaults |\n| --- | --- | --- |\n{''.join(lines)}"


def _pairs(pairs: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in pairs.items()) or _NOTHING


def main() -> int:
    """Writes the document."""
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(), json.loads(RESULTS.read_text())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
