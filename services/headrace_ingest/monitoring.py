"""What a worker shows of itself from its first moment on: versions, settings, and where to look."""

import hashlib
import json
import logging

from headrace.clock import Clock
from headrace.connection import is_secret
from headrace.contracts import Contract
from headrace.logs import get_logger
from headrace.metrics import common, ingest
from headrace.metrics.log_counter import LogCounter
from headrace.metrics.server import MetricsServer
from headrace.origins import shown_root
from headrace.process import put_versions
from headrace.sections import MIB, MetricsSettings
from headrace.settings import Settings, unknown_variables
from headrace_ingest.metrics import WorkerMetrics

log = get_logger(__name__)


def new_metrics(settings: Settings, contract: Contract, clock: Clock) -> WorkerMetrics:
    """The metrics of a worker that is yet to be built."""
    metrics = WorkerMetrics(
        contract.name,
        contract.topic,
        clock,
        # The group gives up a member that has not polled for so long: from then on it is of no use to anybody.
        stall_seconds=max(settings.kafka.max_poll_interval_ms, settings.kafka.session_timeout_ms) / 1000,
        partition_detail=settings.metrics.partition_detail,
    )
    put_versions(metrics.recorder)
    metrics.recorder.put(common.CONFIG, 1, config_hash=config_hash(settings), write_mode=contract.table.mode)
    metrics.recorder.put(ingest.BUFFER_LIMIT, 2 * settings.ingest.flush_mib * MIB)
    metrics.recorder.put(ingest.MEMORY_TARGET, settings.ingest.memory_mib * MIB)
    return metrics


def announce(settings: Settings, contract: Contract) -> None:
    """Says what is read and where it goes, and which variables were set in vain."""
    for unknown in unknown_variables():
        log.warning("unknown_setting", variable=unknown.variable, meant=unknown.meant)
    brokers = settings.kafka.bootstrap_servers
    log.info(
        "starting", table=contract.name, lake=shown_root(settings.lake.root), topic=contract.topic, brokers=brokers
    )


def serve_metrics(settings: MetricsSettings, metrics: WorkerMetrics) -> MetricsServer | None:
    """Serves metrics and probes until the process ends, unless they are switched off; counts log lines from now on.

    Raises:
        ConfigError: the address or the port cannot be had.
    """
    if not settings.enabled:
        return None
    logging.getLogger().addHandler(LogCounter(metrics.recorder))
    server = MetricsServer(metrics.registry, metrics.health, address=settings.address, port=settings.port)
    log.info("serving", url=server.url)
    return server


def config_hash(settings: Settings) -> str:
    """The same for all workers of a group that are told the same; secrets are no part of it."""
    told = settings.model_dump(mode="json", exclude={"kafka": {"group_instance_id"}, "metrics": True})
    told["kafka"]["client"] = {name: value for name, value in settings.kafka.client.items() if not is_secret(name)}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]
