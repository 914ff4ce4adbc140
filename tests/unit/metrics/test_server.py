import json
import logging
import socket
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from prometheus_client import Counter
from prometheus_client.registry import CollectorRegistry

from headrace.errors import ConfigError
from headrace.metrics.health import Health, State
from headrace.metrics.server import FIRST_PORT, MetricsServer
from headrace.testing.manual_clock import ManualClock


class _Served:
    def __init__(self, address: str = "127.0.0.1", port: int | None = 0) -> None:
        self.clock = ManualClock()
        self.registry = CollectorRegistry()
        self.health = Health(self.clock, stall_seconds=60)
        self.server = MetricsServer(self.registry, self.health, address=address, port=port)

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        try:
            with urlopen(Request(self.server.url + path, headers=headers), timeout=10) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as refused:
            return refused.code, refused.read().decode()

    def probes(self) -> dict[str, tuple[int, str]]:
        found = {path: self.get(path) for path in ("/startupz", "/livez", "/readyz")}
        return {path: (status, json.loads(body)["state"]) for path, (status, body) in found.items()}


@pytest.fixture
def served() -> Iterator[_Served]:
    served = _Served()
    with served.server:
        yield served


def test_probes_follow_the_loop(served: _Served) -> None:
    starting = "starting"
    assert served.probes() == {"/startupz": (503, starting), "/livez": (200, starting), "/readyz": (503, starting)}
    served.health.enter(State.RUNNING)
    served.health.tick()
    assert {status for status, _ in served.probes().values()} == {200}
    served.clock.advance(61)
    running = "running"
    assert served.probes() == {"/startupz": (200, running), "/livez": (503, running), "/readyz": (503, running)}
    served.health.tick()
    served.health.enter(State.DRAINING)
    assert {path: status for path, (status, _) in served.probes().items()} == {
        "/startupz": 200,
        "/livez": 200,
        "/readyz": 503,
    }


def test_metrics_are_shown_in_both_formats_and_without_series_of_creation(served: _Served) -> None:
    Counter("headrace_things_total", "Things.", registry=served.registry).inc(3)
    status, text = served.get("/metrics")
    assert status == 200
    assert "headrace_things_total 3.0" in text
    assert "_created" not in text
    status, text = served.get("/metrics?ignored=1", Accept="application/openmetrics-text; version=1.0.0")
    assert (status, text.splitlines()[-1]) == (200, "# EOF")


def test_other_paths_are_not_there_and_say_what_is(served: _Served) -> None:
    status, body = served.get("/")
    assert status == 404
    assert json.loads(body) == {"paths": ["/metrics", "/livez", "/readyz", "/startupz"]}


def test_by_default_the_first_free_port_is_taken() -> None:
    first, second = _Served(port=None), _Served(port=None)
    with first.server, second.server:
        ports = [int(served.server.url.rpartition(":")[2]) for served in (first, second)]
        assert ports[0] >= FIRST_PORT
        assert ports[0] != ports[1]
        assert first.get("/livez")[0] == second.get("/livez")[0] == 200


def test_a_named_port_that_is_taken_is_an_error_that_says_what_to_do(served: _Served) -> None:
    port = int(served.server.url.rpartition(":")[2])
    with pytest.raises(ConfigError, match=rf"port {port} of 127\.0\.0\.1 is taken.*HEADRACE_METRICS__PORT") as stopped:
        _Served(port=port)
    assert stopped.value.exit_code == 78


@pytest.mark.parametrize("address", ["192.0.2.1", "no-such-host.invalid", ""], ids=["not-ours", "unknown", "empty"])
def test_an_address_that_cannot_be_had_is_an_error(address: str) -> None:
    with pytest.raises(ConfigError, match="HEADRACE_METRICS__ADDRESS"):
        _Served(address=address)


def test_an_ipv6_address_can_be_listened_on() -> None:
    served = _Served(address="::1")
    with served.server:
        assert served.server.url.startswith("http://[::1]:")
        assert served.get("/livez")[0] == 200


def test_a_client_that_goes_away_or_says_nothing_disturbs_nobody(
    served: _Served, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    where = served.server.url.removeprefix("http://").split(":")
    with socket.create_connection((where[0], int(where[1]))):
        assert served.get("/livez")[0] == 200
    with socket.create_connection((where[0], int(where[1]))) as gone:
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        gone.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
    assert served.get("/livez")[0] == 200
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert capfd.readouterr().err == ""
