"""What a commit costs after thousands of commits, without any upkeep but the worker's own checkpoints."""

import statistics
import threading
import time
from datetime import UTC, datetime

from benchmarks.cluster import Cluster, fresh_lake
from headrace.clock import SystemClock
from headrace.contracts import Trade, contract_of
from headrace.kafka.records import Envelope, Records
from headrace.lake.layouts import file_layout
from headrace.lake.store import Store
from headrace.offsets import SourceId
from headrace.sections import IngestSettings
from headrace.testing.memory_broker import MemoryBroker
from headrace_bots.load import render_trades
from headrace_ingest.batch import Batch, Span
from headrace_ingest.claim import Claimer
from headrace_ingest.decode import Decoder
from headrace_ingest.startup import prepare_tables
from headrace_ingest.writer import BatchWriter, Target

COMMITS = 3_000
ROWS = 100
WINDOW = 50
# One table tells little: the first commits to one took 6.5 ms, to another on the same day 12.
ROUNDS = 3
_POINTS = (1, 100, 1_000, COMMITS)


def measure(_cluster: Cluster) -> dict[str, object]:
    """The worker's own writer, one batch after another, on one new table after another.

    Of each table the median of a window of commits around each point, and of these the median.
    """
    values = [record.value for record in render_trades(ROWS)]
    rounds = [_medians(_commit_seconds(values)) for _ in range(ROUNDS)]
    return {
        "commits": COMMITS,
        "rows_per_commit": ROWS,
        "p50_ms_at": {str(at): statistics.median(found[at] for found in rounds) for at in _POINTS},
        "last_to_first": [round(found[COMMITS] / found[1], 2) for found in rounds],
    }


def _medians(seconds: list[float]) -> dict[int, float]:
    """Milliseconds around each point."""
    return {at: round(statistics.median(seconds[max(0, at - WINDOW) : at + WINDOW]) * 1000, 2) for at in _POINTS}


def _commit_seconds(values: list[bytes]) -> list[float]:
    """What each commit to a new table takes."""
    contract = contract_of(Trade)
    decoder = Decoder(contract)
    topic = MemoryBroker(contract.topic, partitions=1)
    source = SourceId(contract.name, "memory", topic.topic_id)
    pause = threading.Event().wait
    seconds: list[float] = []
    with fresh_lake() as lake:
        store = Store(str(lake))
        tables = prepare_tables(store, contract, source, topic, IngestSettings())
        claimer = Claimer(store, contract.name, source, topic.watermarks, pause, SystemClock())
        epochs = {lease.partition: lease.epoch for lease in claimer.claim([0])}
        target = Target(source, file_layout(contract), contract.name, 1, "benchmark", 100, 60.0)
        writer = BatchWriter(tables, target, SystemClock(), pause, prove_topic=lambda: None)
        for number in range(COMMITS):
            batch = _batch(decoder, values, number * ROWS)
            began = time.perf_counter()
            flushed = writer.write(batch, epochs)
            seconds.append(time.perf_counter() - began)
            writer.checkpoint(flushed.version or 0)
    return seconds


def _batch(decoder: Decoder, values: list[bytes], start: int) -> Batch:
    offsets = range(start, start + len(values))
    now = datetime.now(UTC)
    millis = [int(now.timestamp() * 1000)] * len(values)
    records = Records("trades", [0] * len(values), offsets, millis, values, lambda _: Envelope(None, ()))
    batch = Batch(spans={0: Span(start, start + len(values))})
    batch.add_rows(decoder.decode(records, now).rows)
    return batch
