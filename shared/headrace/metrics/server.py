"""`/metrics` and the three probes over HTTP, on threads of their own."""

import errno
import json
import logging
import socket
import sys
from collections.abc import Callable, Mapping
from http.server import ThreadingHTTPServer
from socketserver import TCPServer
from threading import Thread
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from prometheus_client import MetricsHandler, disable_created_metrics
from prometheus_client.registry import CollectorRegistry

from headrace.errors import ConfigError
from headrace.metrics.health import Health

FIRST_PORT = 9640
"""Where a process that is given no port begins to look for a free one."""

PORTS_TRIED = 20
"""How many it looks at."""
_CLIENT_SECONDS = 10.0


class MetricsServer:
    """Serves one process from the moment it is made.

    Args:
        registry: what `/metrics` shows.
        health: what the probes ask.
        address: name or number of the interface.
        port: to listen on; 0 for any free one. None for the first free one of twenty from `FIRST_PORT` on, and any if
            all are taken, so that several processes on one machine need no settings.

    Raises:
        ConfigError: the address cannot be listened on, or the port is taken.
    """

    def __init__(self, registry: CollectorRegistry, health: Health, *, address: str, port: int | None) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._server = _listen(_handler(registry, health), address, port)
        Thread(target=self._server.serve_forever, name="headrace-metrics", daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens, without a path."""
        host, port = self._server.server_address[:2]
        name = host.decode() if isinstance(host, bytes | bytearray) else host
        return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"

    def close(self) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _handler(registered: CollectorRegistry, health: Health) -> type[MetricsHandler]:
    probes: Mapping[str, Callable[[], bool]] = {
        "/livez": health.live,
        "/readyz": health.ready,
        "/startupz": health.started,
    }

    class Handler(MetricsHandler):
        registry = registered
        timeout = _CLIENT_SECONDS  # whoever says nothing for so long holds no thread any longer

        def do_GET(self) -> None:  # noqa: N802  # the name that http.server calls
            path = urlsplit(self.path).path
            if path == "/metrics":
                super().do_GET()
            elif path in probes:
                good = probes[path]()
                self._answer(200 if good else 503, {"ok": good, "state": health.state})
            else:
                self._answer(404, {"paths": ["/metrics", *probes]})

        def _answer(self, status: int, said: Mapping[str, object]) -> None:
            body = json.dumps(said).encode() + b"\n"
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


class _Server(ThreadingHTTPServer):
    def __init__(self, handler: type[MetricsHandler], address: str, port: int) -> None:
        self.address_family, _, _, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        super().__init__((str(place[0]), port), handler)

    def server_bind(self) -> None:
        # Not HTTPServer's: it asks the resolver for the name of the address, which may take seconds.
        TCPServer.server_bind(self)

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), OSError):  # else the client went away
            logging.getLogger("headrace.metrics").exception("a request failed")


def _listen(handler: type[MetricsHandler], address: str, port: int | None) -> _Server:
    first = range(FIRST_PORT, FIRST_PORT + PORTS_TRIED) if port is None else ()
    for tried in first:
        try:
            return _Server(handler, address, tried)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise _refused(error, address, tried) from None
    try:
        return _Server(handler, address, port or 0)
    except OSError as error:
        raise _refused(error, address, port or 0) from None


def _refused(error: OSError, address: str, port: int) -> ConfigError:
    if error.errno == errno.EADDRINUSE:
        msg = (
            f"port {port} of {address} is taken, perhaps by another worker: give each process on one machine a "
            "HEADRACE_METRICS__PORT of its own, or leave it unset and the first free one is taken"
        )
    else:
        msg = (
            f"metrics cannot be served on {address}, port {port}: {error.strerror}. Set HEADRACE_METRICS__ADDRESS and "
            "HEADRACE_METRICS__PORT to what this machine has and this user may use, or HEADRACE_METRICS__ENABLED=false"
        )
    return ConfigError(msg)
