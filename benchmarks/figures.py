"""The tables of figures, made from `benchmarks/results.json`; `python -m benchmarks.figures` writes them.

docs/benchmarks.md has all figures, the README those that a newcomer asks for: the same rows.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import figure_rows
from benchmarks.figure_rows import Row
from benchmarks.marked import with_figures

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results.json"

_PARTS = {
    "throughput": figure_rows.throughput,
    "memory": figure_rows.memory,
    "freshness": figure_rows.freshness,
    "restart": figure_rows.restart,
    "commit_cost": figure_rows.commit_cost,
    "verify": figure_rows.verify,
    "scale": figure_rows.scale,
    "producer": figure_rows.producer,
    "export": figure_rows.export,
    "small_files": figure_rows.small_files,
    "maintained_day": figure_rows.maintained_day,
    "maintained_commits": figure_rows.maintained_commits,
    "point_query": figure_rows.point_query,
    "readers": figure_rows.readers,
    "latest": figure_rows.latest,
}


def render(results: dict[str, Any]) -> str:
    """Markdown of all figures that were measured."""
    parts = [part for part in _PARTS if part in results]
    return _table([row for part in parts for row in _rows(results, part)], results, parts)


def render_few(results: dict[str, Any]) -> str:
    """Markdown of the figures that a newcomer asks for: throughput, freshness, memory, restart and amplification."""
    first = ("throughput", "memory", "restart", "maintained_day")
    drained, memory, restarted, day = (_rows(results, part)[0] for part in first)
    fresh = _rows(results, "freshness")[-1]
    return _table([drained, fresh, memory, restarted, day], results, [*first, "freshness"])


def _rows(results: dict[str, Any], part: str) -> list[Row]:
    return _PARTS[part](results[part])


def _table(rows: list[Row], results: dict[str, Any], parts: Sequence[str]) -> str:
    machine = results["machine"]
    days = sorted({results["measured_at"][part] for part in parts})
    measured = days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
    body = "".join(f"| {what} | {figure} | {beside} |\n" for what, figure, beside in rows)
    note = (
        f"\nMeasured {measured} on {machine['cores']} cores shared with the broker; Python "
        f"{machine['python']}, Kafka {machine['kafka']}, deltalake {machine['deltalake']}. Only ratios carry over to "
        "other machines; `make bench` measures yours.\n"
    )
    return f"| what | figure | beside |\n|---|---|---|\n{body}{note}"


def documents(results: dict[str, Any]) -> dict[Path, str]:
    """Each document that shows figures, as it has to stand."""
    shown = {ROOT / "README.md": render_few(results), ROOT / "docs" / "benchmarks.md": render(results)}
    return {path: with_figures(path.read_text(), "benchmarks.figures", table) for path, table in shown.items()}


def main() -> int:
    """Writes the README and docs/benchmarks.md."""
    for path, text in documents(json.loads(RESULTS.read_text())).items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
