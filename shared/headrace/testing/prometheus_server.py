"""A real Prometheus for tests and demos, with a folder and a port of its own."""

import atexit
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from headrace.clock import Deadline, SystemClock
from headrace.errors import ConfigError
from headrace.testing.prometheus_programs import program
from headrace.testing.waiting import wait_until
from headrace.testing.watched import kill_watched, start_watched

_BOOT_SECONDS = 30.0
_ANSWER_SECONDS = 30.0
_LISTENS = re.compile(r'msg="Listening on" address=(\S+)')


@dataclass(frozen=True, slots=True)
class Series:
    """What a query gave for one set of labels.

    Attributes:
        labels: with `__name__` where the query keeps it.
        points: times in seconds since the epoch, and values.
    """

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


class PrometheusServer:
    """A Prometheus that does not outlive this process; a context manager.

    Args:
        config: its `prometheus.yml`; files that it names are relative to it.
        port: to listen on, on loopback; 0 for any free one.
    """

    def __init__(self, config: Path, *, port: int = 0) -> None:
        self._config = config
        self._port = port
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        """Where it listens, once it was started."""

    def start(self) -> Self:
        """Returns once it answers; the first time ever it is fetched.

        Raises:
            ConfigError: it cannot be had on this machine, or did not come up; the message ends with its log.
        """
        prometheus = program("prometheus")
        atexit.register(self.stop)
        self._folder = folder = Path(tempfile.mkdtemp(prefix="headrace-prometheus-"))
        log = folder / "prometheus.log"
        command: list[str | Path] = [
            prometheus,
            f"--config.file={self._config.absolute()}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self._port}",
            "--web.enable-lifecycle",
        ]
        self._process = start_watched(command, folder, log)
        deadline = Deadline.after(_BOOT_SECONDS, SystemClock())
        wait_until(lambda: self._is_up(log) or not self.running() or deadline.expired(), "it starts", seconds=60)
        if not self.url:
            said = log.read_text(errors="replace")[-4000:]
            self.stop()
            msg = f"Prometheus could not be started. Its log ends with:\n{said}"
            raise ConfigError(msg)
        return self

    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Kills it and removes what it held; a second call does nothing."""
        if self._process is not None:
            kill_watched(self._process)
            self._process = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        atexit.unregister(self.stop)

    def reload(self) -> None:
        """Reads its configuration and rules again.

        Raises:
            ConfigError: they are wrong.
        """
        status, said = _request("POST", self.url, "/-/reload")
        if status != HTTPStatus.OK:
            raise ConfigError(said)

    def query(self, expression: str) -> tuple[Series, ...]:
        """What the expression is now; one point for each series.

        Raises:
            ValueError: the expression is wrong; the message is Prometheus' own.
        """
        found = self._ask("query", query=expression)
        if found["resultType"] == "scalar":
            return (_series({"metric": {}, "values": [found["result"]]}),)
        return tuple(_series({**each, "values": [each["value"]]}) for each in found["result"])

    def query_range(self, expression: str, *, start: float, end: float, step: float) -> tuple[Series, ...]:
        """What the expression was from `start` to `end`, every `step` seconds.

        Raises:
            ValueError: the expression is wrong; the message is Prometheus' own.
        """
        found = self._ask("query_range", query=expression, start=str(start), end=str(end), step=str(step))
        return tuple(_series(each) for each in found["result"])

    def firing(self) -> dict[str, list[Mapping[str, str]]]:
        """Labels of the alerts that fire, by their names."""
        found: dict[str, list[Mapping[str, str]]] = {}
        for alert in self._ask("alerts")["alerts"]:
            if alert["state"] == "firing":
                found.setdefault(alert["labels"]["alertname"], []).append(alert["labels"])
        return found

    def targets_up(self) -> int:
        """How many of its targets answered the last time."""
        return sum(target["health"] == "up" for target in self._ask("targets")["activeTargets"])

    def rule_errors(self) -> dict[str, str]:
        """What the last evaluation of a rule failed with, by the rule's name."""
        rules = [rule for group in self._ask("rules")["groups"] for rule in group["rules"]]
        return {rule["name"]: rule["lastError"] for rule in rules if rule.get("lastError")}

    def _is_up(self, log: Path) -> bool:
        listens = _LISTENS.search(log.read_text(errors="replace"))
        if listens is None:
            return False
        try:
            status, _ = _request("GET", f"http://{listens[1]}", "/-/ready")
        except OSError:
            return False
        if status == HTTPStatus.OK:  # before that it reads its rules
            self.url = f"http://{listens[1]}"
        return bool(self.url)

    def _ask(self, what: str, **arguments: str) -> Any:
        _, said = _request("GET", self.url, f"/api/v1/{what}?{urlencode(arguments)}")
        answer = json.loads(said)
        if answer["status"] != "success":
            msg = f"{arguments.get('query', what)}: {answer['error']}"
            raise ValueError(msg)
        return answer["data"]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _series(found: Mapping[str, Any]) -> Series:
    return Series(found["metric"], tuple((float(at), float(value)) for at, value in found["values"]))


def _request(method: str, url: str, path: str) -> tuple[int, str]:
    connection = HTTPConnection(url.removeprefix("http://"), timeout=_ANSWER_SECONDS)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
