"""A batch on its way to the table, and what is said of it when it has arrived."""

from concurrent.futures import Future
from dataclasses import dataclass

from headrace.logs import get_logger
from headrace_ingest.batch import Batch
from headrace_ingest.flush import Trigger
from headrace_ingest.flushed import Flushed
from headrace_ingest.intake import Lease

log = get_logger(__name__)


@dataclass(slots=True)
class Flight:
    """A batch on the writer thread, and the leases it was collected under. `started` is monotonic."""

    batch: Batch
    leases: dict[int, Lease]
    trigger: Trigger
    future: Future[Flushed]
    started: float


def log_flush(table: str, flight: Flight, flushed: Flushed, now: float) -> None:
    """The one line that a flush gets; `now` is monotonic."""
    log.info(
        "flush",
        table=table,
        trigger=flight.trigger.value,
        version=flushed.version,
        batch=flight.batch.id,
        positions=flushed.positions,
        dropped=flushed.dropped,
        rows=sum(file.rows for file in flushed.files),
        rejects=sum(span.rejects for span in flight.batch.spans.values()),
        files=len(flushed.files),
        file_bytes=sum(file.size for file in flushed.files),
        attempts=flushed.attempts,
        write_ms=round(flushed.write_seconds * 1000, 1),
        commit_ms=round(flushed.commit_seconds * 1000, 1),
        seconds=round(now - flight.started, 3),
    )
