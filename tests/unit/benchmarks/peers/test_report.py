import json
from typing import Any

import pytest

from benchmarks.peers.registry import PEERS
from benchmarks.peers.report import DOCUMENT, RESULTS, render, with_table

RUN = {
    "measured_at": "2026-01-31", "cores": 2, "load_average_at_start": 0.5, "kafka": "4.1.1", "java": "openjdk 17",
    "python": "3.11.7", "commit_rows": 1000, "commit_seconds": 2.0, "live_events_per_second": 100, "live_seconds": 20.0,
}  # fmt: skip


def peer(title: str, **found: object) -> dict[str, Any]:
    return {"title": title, "records": 1_000_000, "settings": {"heap": "1g"}, "install": {"lib": "1.2"}, **found}


def cells(text: str, line: str) -> list[str]:
    (row,) = [row for row in text.splitlines() if row.startswith(f"| {line} |")]
    return [cell.strip() for cell in row.strip("|").split("|")][1:]


def test_the_page_shows_the_figures_of_the_last_run() -> None:
    results = json.loads(RESULTS.read_text())
    assert with_table(DOCUMENT.read_text(), results) == DOCUMENT.read_text()


def test_the_last_run_was_with_every_peer() -> None:
    assert list(json.loads(RESULTS.read_text())["peers"]) == list(PEERS)


def test_figures_stand_in_the_column_of_their_peer() -> None:
    drain = {
        "per_second": 1234,
        "cpu_seconds": 5.0,
        "rows": 1_000_002,
        "duplicates": 2,
        "lost": 0,
        "values_match": True,
    }
    text = render({"run": RUN, "peers": {"a": peer("A"), "b": peer("B", drain=drain)}})
    assert cells(text, "records/s, start-up left out") == ["-", "1,234"]
    assert cells(text, "CPU seconds per million records") == ["-", "5.0"]
    assert cells(text, "rows / duplicates / lost") == ["-", "1,000,002 / 2 / 0"]
    assert cells(text, "prices add up") == ["-", "yes"]


@pytest.mark.parametrize("part", ["install", "drain"])
def test_a_peer_that_failed_keeps_its_column_and_says_why(part: str) -> None:
    text = render({"run": RUN, "peers": {"a": peer("A", failed={part: "no Maven\nhere"})}})
    assert cells(text, "records/s, start-up left out") == ["failed"]
    assert cells(text, "freshness p50, s") == ["failed"]
    assert f"- A, {part}: no Maven here\n" in text


def test_a_kill_that_came_too_late_is_not_shown_as_survived() -> None:
    kill = {"rows": 10, "duplicates": 0, "lost": 0, "in_mid_run": False}
    text = render({"run": RUN, "peers": {"a": peer("A", kill=kill)}})
    assert cells(text, "rows / duplicates / lost after SIGKILL and restart") == ["it had finished before the kill"]


def test_values_that_differ_are_shouted() -> None:
    text = render({"run": RUN, "peers": {"a": peer("A", drain={"values_match": False})}})
    assert cells(text, "prices add up") == ["NO"]
