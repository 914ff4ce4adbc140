"""`headrace demo --observe` as a person runs it: it says where to look, everything is there, and Ctrl-C ends it all."""

import json
import os
import re
import signal
from pathlib import Path
from urllib.request import urlopen

import pytest

from headrace.metrics import canary
from headrace.testing.cache import cache_root
from headrace.testing.prometheus_programs import problem, program
from headrace.testing.waiting import wait_until
from headrace_cli.top.figures import Figures, table_lines
from headrace_cli.top.scrape import Kind, Scraper
from tests.integration.terminals import gone, headrace

ROOT = Path(__file__).parents[2]
TABLES = ["greeks", "headrace_heartbeat", "positions", "signals", "trades"]


@pytest.fixture
def prometheus() -> bool:
    """Whether it can be had; it is there then. Without it fails where CI=true."""
    missing = problem()
    if missing is None:
        program("prometheus")
    elif os.environ.get("CI") == "true":
        pytest.fail(missing, pytrace=False)
    return missing is None


def up(url: str) -> set[str]:
    """Names of the jobs of which Prometheus has scraped every target."""
    with urlopen(f"{url}/api/v1/targets", timeout=10) as answer:
        targets = json.load(answer)["data"]["activeTargets"]
    jobs = {target["labels"]["job"] for target in targets}
    return jobs - {target["labels"]["job"] for target in targets if target["health"] != "up"}


@pytest.mark.timeout(400)
def test_everything_runs_and_can_be_looked_at_until_ctrl_c_ends_it(tmp_path: Path, prometheus: bool) -> None:
    arguments = ["--observe", "--broker", "embedded", "--rate", "50", "--rules", str(ROOT / "deploy/prometheus/rules")]
    settings = {"HEADRACE_CACHE_DIR": str(cache_root())}
    with headrace(tmp_path, "demo", *arguments, terminal=True, settings=settings) as running:
        wait_until(lambda: "Ctrl-C ends it all" in running.printed, "it says where to look", seconds=150)
        urls = re.findall(r"(http://[\d.:]+)/metrics", running.printed)
        scraper = Scraper(urls, timeout=10)

        def flows() -> bool:
            figures = Figures(scraper.look())
            lines = [line.table for line in table_lines(figures) if line.files and line.lag is not None]
            return lines == TABLES and sum(value for _, value in figures.series(canary.ARRIVED)) > 0

        wait_until(flows, "rows come into every table, and heartbeats come back", seconds=90)
        kinds = [scrape.kind for scrape in scraper.look().scrapes]
        assert sorted(kinds) == [Kind.CANARY, *[Kind.INGEST] * 6, Kind.MAINTAIN]
        if prometheus:
            (at,) = re.findall(r"alerts at (http://[\d.:]+)/alerts", running.printed)
            jobs = {"headrace-ingest", "headrace-maintenance", "headrace-canary"}
            wait_until(lambda: up(at) == jobs, "Prometheus scrapes them")
        else:
            assert "is not installed" in running.printed
        others = running.descendants()
        running.process.send_signal(signal.SIGINT)
        assert running.wait(90) == 0
        wait_until(lambda: gone(others), "all processes are gone")
    assert "stopped; the tables lie in" in running.printed
    assert "Traceback" not in running.printed
    logs = {log.stem: log.read_text() for log in tmp_path.glob("demo-*/logs/*.log")}
    assert [name for name, text in logs.items() if name.startswith("ingest") and '"stopped"' not in text] == []
    assert '"canary_stopped"' in logs["canary"]


def test_a_second_ctrl_c_does_not_wait(tmp_path: Path) -> None:
    with headrace(tmp_path, "demo", "--observe", "--broker", "embedded", terminal=False, settings={}) as running:
        wait_until(lambda: "workers start" in running.printed, "it begins")
        wait_until(lambda: len(running.descendants()) >= 8, "all processes are there")
        others = running.descendants()
        others[0].suspend()  # one that does not end when it is asked to
        running.process.send_signal(signal.SIGINT)
        wait_until(lambda: "ending" in running.printed, "it ends")
        running.process.send_signal(signal.SIGINT)
        assert running.wait() == 0
        wait_until(lambda: gone(others), "all processes are gone")
