"""A pipeline of real processes that a real Prometheus scrapes, in a hurry."""

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from confluent_kafka import Producer
from prometheus_client import CollectorRegistry, Metric, start_http_server
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from headrace.kafka.embedded import EmbeddedBroker
from headrace.producer import EventProducer
from headrace.producer.metrics import register
from headrace.testing.events import a_trade
from headrace.testing.prometheus_server import PrometheusServer
from headrace.testing.waiting import PATIENCE_SECONDS, wait_until
from tests.behaviour.repeating import repeating
from tests.behaviour.scraping import served_at
from tests.deploy.hurried import write_hurried_rules
from tests.faults.processes import Process, environment_of

TOPICS = ("trades", "headrace-heartbeat")
_JOBS = ("ingest", "maintenance", "export", "canary", "producers")
_CONFIG = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 500ms}}
rule_files: [{folder}/rules/*.yaml]
scrape_configs:
"""
_JOB = """\
  - job_name: headrace-{job}
    file_sd_configs: [{{files: [{folder}/{job}.json], refresh_interval: 1s}}]
"""
_SETTINGS = {
    "kafka__session_timeout_ms": "6000",
    "kafka__client": '{"statistics.interval.ms": "200"}',
    "ingest__flush_seconds": "0.5",
    "ingest__quarantine_max_ratio": "1",
    "ingest__quarantine_max_consecutive": "1000000",
    "maintain__every_seconds": "1",
    "maintain__compact_files": "8",
    "export__every_seconds": "0.5",
    "export__full_minutes": "0.02",
    "canary__every_seconds": "0.5",
    "canary__look_seconds": "0.2",
    "metrics__port": "0",
    "metrics__offsets_seconds": "0.3",
    "log_format": "json",
}


class Stage:
    """Broker, bots, workers, maintenance, exporter, canary and Prometheus; a context manager.

    Args:
        folder: of the test.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.prometheus = PrometheusServer(folder / "prometheus.yml")
        self._running: dict[str, Process] = {}
        self._jobs: dict[str, str] = {}
        self._targets: dict[str, dict[str, str]] = {job: {} for job in _JOBS}
        self._stack = ExitStack()

    def start(self, name: str, job: str, *arguments: str, **settings: str) -> None:
        """Starts a process, which is to be scraped as that job."""
        log = self.folder / f"{name}-{len(list(self.folder.glob('*.log')))}.log"
        self._running[name] = self._stack.enter_context(Process(arguments, self._environment(settings), log))
        self._jobs[name] = job

    def settle(self) -> None:
        """Returns when everything that was started serves its metrics, and Prometheus knows where."""
        for name, process in self._running.items():
            process.await_said('"serving"')
            self._scrape(self._jobs[name], name, served_at(process.said).removeprefix("http://"))

    def await_tables(self) -> None:
        """Returns when workers have made their tables."""
        logs = [self.folder / "lake" / name / "_delta_log" for name in ("trades", "headrace_heartbeat")]
        wait_until(lambda: all(log.is_dir() for log in logs), "there are tables")

    def kill(self, *names: str) -> None:
        """Kills processes; they stay targets."""
        for name in names:
            self._running[name].signal(signal.SIGKILL)
            self._running.pop(name).end()

    def run(self, *arguments: str) -> None:
        """Runs a command to its end."""
        with Process(arguments, self._environment({}), self.folder / f"{arguments[0]}.log") as process:
            assert process.end() == 0, process.said

    def await_alerts(self, *names: str, fire: bool, seconds: float = 60.0) -> None:
        """Returns when all of these fire, or none of them does."""

        def holds() -> bool:
            firing = self.prometheus.firing()
            return all((f"Headrace{name}" in firing) is fire for name in names)

        try:
            wait_until(holds, f"{names} {'fire' if fire else 'are resolved'}", seconds=seconds)
        except TimeoutError as error:
            error.add_note(f"firing: {self.prometheus.firing()}")
            raise

    @contextmanager
    def emitting(self, *, poison: bool = False) -> Iterator[None]:
        """Within the context bots emit some hundred trades a second.

        One record of 250 is no trade, with `poison` one of six.
        """
        raw = Producer({"bootstrap.servers": self._broker.bootstrap_servers, "log_level": 0})
        turns = count()

        def emit() -> None:
            for _ in range(10):
                self._bot.emit(a_trade())
            for _ in range(2 if poison else next(turns) % 25 == 0):
                raw.produce("trades", b"{torn")
            raw.poll(0)

        with repeating(emit, pause=0.03):
            yield
        assert raw.flush(PATIENCE_SECONDS) == 0

    def _environment(self, settings: dict[str, str]) -> dict[str, str]:
        own = {"kafka__bootstrap_servers": self._broker.bootstrap_servers, "lake__root": str(self.folder / "lake")}
        return environment_of({**_SETTINGS, **own, **settings})

    def _scrape(self, job: str, name: str, address: str) -> None:
        self._targets[job][name] = address
        targets = [{"targets": [each], "labels": {"namespace": "drill"}} for each in self._targets[job].values()]
        written = self.folder / f"{job}.json.new"
        written.write_text(json.dumps(targets))
        written.rename(self.folder / f"{job}.json")

    def __enter__(self) -> "Stage":
        folder = self.folder
        (folder / "rules").mkdir()
        write_hurried_rules(folder / "rules")
        jobs = [_JOB.format(job=job, folder=folder) for job in _JOBS]
        (folder / "prometheus.yml").write_text(_CONFIG.format(folder=folder) + "".join(jobs))
        self._broker = self._stack.enter_context(EmbeddedBroker())
        for topic in TOPICS:
            self._broker.ensure_topic(topic)
        self._bot = self._stack.enter_context(EventProducer(self._broker.bootstrap_servers, name="condor"))
        registry = CollectorRegistry()
        register(self._bot, registry=registry)
        registry.register(_Verdicts(folder / "verify.prom"))
        server, _ = start_http_server(0, "127.0.0.1", registry)
        self._stack.callback(server.server_close)
        self._stack.callback(server.shutdown)
        self._scrape("producers", "bot", f"127.0.0.1:{server.server_port}")
        self._stack.enter_context(self.prometheus)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


class _Verdicts(Collector):
    """What `headrace verify` left in its metrics file, as a textfile collector shows it."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def collect(self) -> Iterator[Metric]:
        if self._file.exists():
            yield from text_string_to_metric_families(self._file.read_text())
