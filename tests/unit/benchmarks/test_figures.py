import json

from benchmarks.figures import ROOT, render, with_figures


def test_the_readme_shows_the_figures_of_the_last_run() -> None:
    readme = (ROOT / "README.md").read_text()
    results = json.loads((ROOT / "benchmarks" / "results.json").read_text())
    assert with_figures(readme, results) == readme


def test_producers_are_shown_once_they_were_measured() -> None:
    results = json.loads((ROOT / "benchmarks" / "results.json").read_text())
    ways = ("plain", "emit", "make_and_emit", "async_emit", "async_make_and_emit")
    results["producer"] = {
        "per_second": dict.fromkeys(ways, 100_000),
        "ratio": dict.fromkeys(ways, 0.61),
        "cpu_microseconds": dict.fromkeys(ways, 7.5),
        "acknowledged_at_per_second": 1_000,
        "p99_ack_ms": dict.fromkeys(ways, 8.25),
    }
    assert "0.61 of plain confluent-kafka" in render(results)
