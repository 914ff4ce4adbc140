"""The demo to look at: everything runs side by side, without end and without a play, until somebody ends it."""

import json
import signal
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from rich.console import Console

from headrace.clock import Deadline, SystemClock
from headrace.contracts import Contract, contract_of
from headrace.contracts.heartbeat import Heartbeat
from headrace.errors import ConfigError, HeadraceError
from headrace.testing.prometheus_programs import installed
from headrace.testing.prometheus_server import PrometheusServer
from headrace_cli.demo.actors import Actor
from headrace_cli.demo.ending import on_signals
from headrace_cli.demo.farewell import command_name
from headrace_cli.demo.stage import BACKLOG_RECORDS, Stage, from_here, worker_environment, worker_settings

_TICK_SECONDS = 0.2
# Eight processes import their libraries at once.
_START_SECONDS = 120.0
# What is in the topics is durable within seconds, and a stop of a worker takes its flush.
_STOP_SECONDS = 40.0
_SCRAPE_SECONDS = 5
_PROMETHEUS_PORT = 9090
_HEARTBEAT = contract_of(Heartbeat)
# Often enough to see something move within a minute.
_EAGER: Mapping[str, str] = {
    "HEADRACE_MAINTAIN__EVERY_SECONDS": "10",
    "HEADRACE_EXPORT__EVERY_SECONDS": "5",
    "HEADRACE_EXPORT__FULL_MINUTES": "0.5",
    "HEADRACE_CANARY__EVERY_SECONDS": "5",
}
# Names that the rules go by.
_JOBS = {"ingest": "headrace-ingest", "maintain": "headrace-maintenance", "canary": "headrace-canary"}


@dataclass(frozen=True, slots=True)
class Observed:
    """What runs.

    Attributes:
        contracts: of the tables that bots fill.
        rate: events a second.
        seed: of the market.
        rules: folder of Prometheus' rules; None for none.
    """

    contracts: Sequence[Contract]
    rate: float
    seed: int
    rules: Path | None


class Observation:
    """Bots, workers, canary and maintenance at work, and Prometheus where it is installed.

    Args:
        stage: broker and folders.
        observed: what runs on it.
        console: where to say where to look.
        came: signals that ask for its end, as they arrive: a second one does not wait.
    """

    def __init__(self, stage: Stage, observed: Observed, console: Console, *, came: Sequence[int]) -> None:
        self._stage = stage
        self._observed = observed
        self._console = console
        self._came = came
        self._clock = SystemClock()
        self._pause = Event()
        self._served = [
            *(self._actor(name, ["ingest", table], worker_settings(stage, table)) for name, table in self._workers()),
            self._actor("maintain", ["maintain"], _EAGER),
            self._actor("canary", ["canary"], _EAGER),
        ]
        self._bots = self._actor("bots", self._bot_arguments(), {})
        self._urls: dict[str, str] = {}

    def run(self) -> None:
        """Returns when somebody has asked for its end, and everything has stopped as it should.

        Raises:
            HeadraceError: a process ended that should not, or one did not start or did not stop.
        """
        with ExitStack() as closing:
            for actor in (*self._served, self._bots):
                closing.callback(actor.kill)
            self._start()
            if not self._came:
                self._point_out(self._prometheus(closing))
            self._until(lambda: False)
            self._stop()

    def _start(self) -> None:
        self._say(f"{self._stage.broker} broker at {self._stage.kafka.bootstrap_servers}; workers start")
        for actor in self._served:
            actor.start()
        deadline = Deadline.after(_START_SECONDS, self._clock)
        self._until(lambda: self._all_serve() or deadline.expired())
        if self._came:
            return
        if not self._all_serve():
            silent = min(actor.name for actor in self._served if actor.name not in self._urls)
            msg = f"{silent} did not start within {_START_SECONDS:g} s; its log is {self._stage.root}/logs/{silent}.log"
            raise HeadraceError(msg)
        self._bots.start()

    def _all_serve(self) -> bool:
        for actor in self._served:
            for entry in actor.news():
                if entry["event"] == "serving":
                    self._urls[actor.name] = str(entry["url"])
        return len(self._urls) == len(self._served)

    def _prometheus(self, closing: ExitStack) -> str:
        """Where it answers, or why it does not."""
        if installed("prometheus") is None:
            return "is not installed: with it (apt-get install prometheus) the demo starts it, with the rules"
        config = self._stage.root / "prometheus.yml"
        config.write_text(json.dumps(prometheus_config(self._urls, self._observed.rules), indent=2))
        try:
            server = closing.enter_context(PrometheusServer(config, port=_free(_PROMETHEUS_PORT)))
        except ConfigError as error:
            return f"does not start: {error}"
        return f"{server.url}/graph, alerts at {server.url}/alerts"

    def _point_out(self, prometheus: str) -> None:
        shown = {actor.name: f"{self._urls[actor.name]}/metrics" for actor in self._served} | {"prometheus": prometheus}
        width = max(map(len, shown))
        for name, where in shown.items():
            self._say(f"  {name:<{width}}  {where}")
        environment = worker_environment(self._stage)
        names = ("HEADRACE_LAKE__ROOT", "HEADRACE_KAFKA__BOOTSTRAP_SERVERS")
        settings = " ".join(f"{name}={environment[name]}" for name in names)
        headrace = command_name()
        self._say(
            f"the bots emit {self._observed.rate:,.0f} events a second; look on from another terminal:\n"
            f"  {headrace} top\n"
            f"  export {settings}\n"
            f"  {headrace} lag\n"
            f"  {headrace} health\n"
            "Ctrl-C ends it all"
        )

    def _stop(self) -> None:
        """Bots first, so that workers have an end to come to."""
        self._say("ending: what is in the topics becomes durable; again Ctrl-C does not wait for that")
        for actors in ([self._bots], self._served):
            for actor in actors:
                actor.send(signal.SIGTERM)
            if not self._ended(actors):
                self._say("ended at once: nothing is lost, the next workers would go on")
                return
        self._say(f"stopped; the tables lie in {from_here(self._stage.lake)}, the logs beside them")

    def _ended(self, actors: Sequence[Actor]) -> bool:
        """Whether they have ended before somebody lost patience."""
        deadline = Deadline.after(_STOP_SECONDS, self._clock)
        while any(actor.running for actor in actors):
            if len(self._came) > 1:
                return False
            if deadline.expired():
                late = ", ".join(actor.name for actor in actors if actor.running)
                msg = f"{late} did not stop within {_STOP_SECONDS:g} s; the logs lie in {self._stage.root / 'logs'}"
                raise HeadraceError(msg)
            self._pause.wait(_TICK_SECONDS)
        return True

    def _until(self, holds: Callable[[], bool]) -> None:
        """Returns when that holds, or somebody asks for the end."""
        while not self._came and not holds():
            for actor in (*self._served, self._bots):
                if actor.exit_code() is not None:
                    raise actor.ended()
            self._pause.wait(_TICK_SECONDS)

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _actor(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Actor:
        return Actor(name, arguments, self._stage, environment, own_group=True)

    def _workers(self) -> Iterator[tuple[str, str]]:
        """Names and tables; two share the partitions of the first."""
        first, *others = [contract.name for contract in self._observed.contracts]
        yield f"ingest-{first}-1", first
        yield f"ingest-{first}-2", first
        for table in (*others, _HEARTBEAT.name):
            yield f"ingest-{table}", table

    def _bot_arguments(self) -> list[str]:
        arguments = ["simulate", "--rate", str(self._observed.rate), "--seed", str(self._observed.seed), "--yes"]
        return [*arguments, "--backlog-limit", str(BACKLOG_RECORDS), "--json"]


@contextmanager
def asked_to_end() -> Iterator[list[int]]:
    """The signals that came, as they come: they interrupt nothing, so that no process is started and not known of."""
    came: list[int] = []
    with on_signals(lambda number, _frame: came.append(number)):
        yield came


def prometheus_config(urls: Mapping[str, str], rules: Path | None) -> Mapping[str, object]:
    """What Prometheus is told: whom to scrape, under the names that the rules go by.

    Args:
        urls: by the name of the process, which begins with what it does.
        rules: folder of the rules.
    """
    targets = {
        job: [url.removeprefix("http://") for name, url in urls.items() if name.split("-")[0] == kind]
        for kind, job in _JOBS.items()
    }
    return {
        "global": {"scrape_interval": f"{_SCRAPE_SECONDS}s", "evaluation_interval": f"{_SCRAPE_SECONDS}s"},
        "rule_files": [str(rules.absolute() / "*.yaml")] if rules else [],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": found, "labels": {"namespace": "demo"}}]}
            for job, found in targets.items()
        ],
    }


def _free(port: int) -> int:
    """The port if it can be had, else 0 for any other."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port
