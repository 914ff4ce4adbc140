"""What a worker does for its table after a batch, on the writer thread: nothing of it may fail the worker."""

import time

from headrace.logs import get_logger
from headrace_ingest.metrics import WorkerMetrics
from headrace_ingest.writer import BatchWriter

log = get_logger(__name__)


def checkpoint(writer: BatchWriter, version: int, table: str, metrics: WorkerMetrics) -> None:
    """Writes a checkpoint if `version` is one that gets one."""
    began = time.perf_counter()
    try:
        if writer.checkpoint(version):
            metrics.checkpointed(time.perf_counter() - began)
            log.info("checkpoint", table=table, version=version)
    except Exception as error:
        # Whatever it was: the table is whole without a checkpoint, and the next flush shows whether it still is.
        log.warning("checkpoint_failed", table=table, version=version, error=str(error))
