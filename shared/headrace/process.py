"""What every process that runs until it is stopped does at its start: versions, `/metrics`, signals."""

import logging
import os
import platform
import signal
from importlib.metadata import version
from threading import Event

from prometheus_client import GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.registry import CollectorRegistry

from headrace import __version__
from headrace.kafka.client import librdkafka_version
from headrace.logs import get_logger
from headrace.metrics import common
from headrace.metrics.health import Health
from headrace.metrics.log_counter import LogCounter
from headrace.metrics.recorder import Recorder
from headrace.metrics.server import MetricsServer
from headrace.sections import MetricsSettings

log = get_logger(__name__)


def put_versions(recorder: Recorder) -> None:
    """Shows what runs."""
    recorder.put(
        common.BUILD,
        1,
        version=__version__,
        deltalake=version("deltalake"),
        librdkafka=librdkafka_version(),
        python=platform.python_version(),
    )


def serve(settings: MetricsSettings, registry: CollectorRegistry, health: Health, recorder: Recorder) -> None:
    """Serves metrics and probes until the process ends, unless they are switched off; counts log lines from now on.

    Args:
        settings: where.
        registry: what `/metrics` shows.
        health: what the probes ask.
        recorder: counts the lines.

    Raises:
        ConfigError: the address or the port cannot be had.
    """
    if settings.enabled:
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        logging.getLogger().addHandler(LogCounter(recorder))
        server = MetricsServer(registry, health, address=settings.address, port=settings.port)
        log.info("serving", url=server.url)


def stop_on_signals(stopping: Event) -> None:
    """The first SIGTERM or SIGINT ends after the work at hand, the second at once: none of it minds being killed."""

    def stop(number: int, _frame: object) -> None:
        if stopping.is_set():
            os._exit(128 + number)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
