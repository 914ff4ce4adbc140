"""A real Prometheus for tests and demos, with a folder and a port of its own."""

import re
from http import HTTPStatus
from pathlib import Path
from typing import Self

from headrace.clock import Deadline, SystemClock
from headrace.errors import ConfigError
from headrace.testing.prometheus_api import PrometheusApi, request
from headrace.testing.prometheus_programs import program
from headrace.testing.waiting import wait_until
from headrace.testing.watched import WatchedProgram, start_watched

_BOOT_SECONDS = 120.0
_LISTENS = re.compile(r'msg="Listening on" address=(\S+)')


class PrometheusServer(PrometheusApi, WatchedProgram):
    """A Prometheus that does not outlive this process; a context manager.

    Args:
        config: its `prometheus.yml`; files that it names are relative to it.
        port: to listen on, on loopback; 0 for any free one.
    """

    def __init__(self, config: Path, *, port: int = 0) -> None:
        PrometheusApi.__init__(self, "")  # the URL is known once it was started
        WatchedProgram.__init__(self)
        self._config = config
        self._port = port

    def start(self) -> Self:
        """Returns once it answers; the first time ever it is fetched.

        Raises:
            ConfigError: it cannot be had on this machine, or did not come up; the message ends with its log.
        """
        prometheus = program("prometheus")
        folder = self._new_folder("headrace-prometheus-")
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
        wait_until(
            lambda: self._is_up(log) or not self.running() or deadline.expired(), "it starts", seconds=2 * _BOOT_SECONDS
        )
        if not self.url:
            said = log.read_text(errors="replace")[-4000:]
            self.stop()
            msg = f"Prometheus could not be started. Its log ends with:\n{said}"
            raise ConfigError(msg)
        return self

    def reload(self) -> None:
        """Reads its configuration and rules again.

        Raises:
            ConfigError: they are wrong.
        """
        status, said = request("POST", self.url, "/-/reload")
        if status != HTTPStatus.OK:
            raise ConfigError(said)

    def _is_up(self, log: Path) -> bool:
        listens = _LISTENS.search(log.read_text(errors="replace"))
        if listens is None:
            return False
        try:
            status, _ = request("GET", f"http://{listens[1]}", "/-/ready")
        except OSError:
            return False
        if status == HTTPStatus.OK:  # before that it reads its rules
            self.url = f"http://{listens[1]}"
        return bool(self.url)
