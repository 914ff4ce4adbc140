"""Latest rows: what batches of random keys cost in tables of different sizes, beside MERGE of the same batches.

`writer` is the worker's own from a decoded batch on: claim, quarantine, fsync, conditional commit and checkpoints; no
broker and no decoding. `merge` is deltalake's on a table of its own with the same rows, without any of these. `worker`
is the real one on a real topic, and the memory that it needs at the most: from nothing, and on the table that is there.
"""

import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from benchmarks.cluster import Cluster, fresh_lake, percentile
from benchmarks.generated import GeneratedTopic
from benchmarks.positions import records_of, rows_of
from headrace import __version__
from headrace.clock import SystemClock
from headrace.contracts import Position, contract_of
from headrace.lake.layouts import file_layout
from headrace.lake.store import Store
from headrace.offsets import SourceId
from headrace.sections import MIB, IngestSettings
from headrace_ingest.batch import Batch, Span
from headrace_ingest.claim import Claimer
from headrace_ingest.startup import prepare_tables
from headrace_ingest.upserting import Upserting
from headrace_ingest.writer import BatchWriter, Target

KEYS = (10_000, 100_000, 1_000_000)
ROWS = 1_000
BATCHES, MERGES = 300, 12
FILLED_AT_ONCE = 200_000
UPDATES = 300_000

_CONTRACT = contract_of(Position)
_SOURCE = SourceId(_CONTRACT.topic, "generated", "generated-1")
_SETTINGS = IngestSettings()
_BEGIN = datetime(2026, 3, 2, 12, tzinfo=UTC)


def measure(cluster: Cluster) -> dict[str, object]:
    """Every size in turn, then a worker at the largest."""
    sizes = {str(keys): {"writer": _writer(keys), "merge": _merge(keys)} for keys in KEYS}
    costs = [size["writer"]["ms_per_1000_rows"] for size in sizes.values()]
    return {
        "rows_per_batch": ROWS,
        "batches": BATCHES,
        "merges": MERGES,
        "at_keys": sizes,
        "largest_to_smallest": round(costs[-1] / costs[0], 2),
        "worker": _worker(cluster, KEYS[-1]),
    }


class _Table:
    """The worker's writer on a new table."""

    def __init__(self, lake: Path) -> None:
        store, topic, pause, clock = Store(str(lake)), GeneratedTopic(_CONTRACT.topic), Event().wait, SystemClock()
        tables = prepare_tables(store, _CONTRACT, _SOURCE, topic, _SETTINGS)
        claimer = Claimer(store, _CONTRACT.name, _SOURCE, topic.watermarks, pause, clock, _SETTINGS.checkpoint_every)
        (lease,) = claimer.claim([0])
        self._epochs = {lease.partition: lease.epoch}
        target = Target(
            source=_SOURCE,
            layout=file_layout(_CONTRACT),
            contract=_CONTRACT.name,
            contract_version=_CONTRACT.schema_version,
            version=__version__,
            checkpoint_every=_SETTINGS.checkpoint_every,
            deadline_seconds=_SETTINGS.commit_deadline_seconds,
            # As a worker of default settings has it.
            landing=Upserting.of(store, _CONTRACT, _SETTINGS.memory_mib * MIB // 4),
        )
        self._writer = BatchWriter(tables, target, clock, pause, prove_topic=lambda: None)
        self._position = 0

    def add(self, rows: pa.RecordBatch) -> None:
        """Commits a batch; rows are those of the offsets that follow."""
        batch = Batch(spans={0: Span(self._position, self._position + len(rows))})
        self._position += len(rows)
        batch.add_rows(rows)
        flushed = self._writer.write(batch, self._epochs)
        if flushed.version is not None:
            self._writer.checkpoint(flushed.version)


def _fillings(keys: int) -> Iterator[pa.RecordBatch]:
    """Each key once."""
    for first in range(0, keys, FILLED_AT_ONCE):
        yield rows_of(range(first, min(keys, first + FILLED_AT_ONCE)), _BEGIN, first)


def _updates(keys: int, batches: int) -> Iterator[pa.RecordBatch]:
    """Random keys, none of them twice in a batch: MERGE refuses that."""
    dice = random.Random(7)
    for number in range(batches):
        at = _BEGIN + timedelta(seconds=number + 1)
        yield rows_of(dice.sample(range(keys), ROWS), at, keys + number * ROWS)


def _writer(keys: int) -> dict[str, Any]:
    with fresh_lake() as lake:
        table = _Table(lake)
        for rows in _fillings(keys):
            table.add(rows)
        return _timed(_updates(keys, BATCHES), table.add)


def _merge(keys: int) -> dict[str, Any]:
    with fresh_lake() as lake:
        path = str(lake / "merged")
        write_deltalake(path, pa.Table.from_batches(_fillings(keys)))
        table = DeltaTable(path)

        def merge(rows: pa.RecordBatch) -> None:
            merging = table.merge(
                pa.Table.from_batches([rows]),
                "came.strategy_id = held.strategy_id",
                source_alias="came",
                target_alias="held",
            )
            newer = "came.timestamp > held.timestamp"
            merging.when_matched_update_all(newer).when_not_matched_insert_all().execute()

        return _timed(_updates(keys, MERGES), merge)


def _timed(batches: Iterator[pa.RecordBatch], add: Callable[[pa.RecordBatch], None]) -> dict[str, Any]:
    """The first batch, which opens files and makes indices, is not counted."""
    add(next(batches))
    seconds: list[float] = []
    cpu = 0.0
    for rows in batches:
        began, spent = time.perf_counter(), time.process_time()
        add(rows)
        seconds.append(time.perf_counter() - began)
        cpu += time.process_time() - spent
    thousands = len(seconds) * ROWS / 1_000
    return {
        "rows_per_second": round(1_000 * thousands / sum(seconds)),
        "ms_per_1000_rows": round(1_000 * sum(seconds) / thousands, 1),
        "cpu_ms_per_1000_rows": round(1_000 * cpu / thousands, 1),
        "p50_ms": round(1_000 * percentile(seconds, 0.5), 1),
        "p99_ms": round(1_000 * percentile(seconds, 0.99), 1),
    }


def _worker(cluster: Cluster, keys: int) -> dict[str, object]:
    """Drains a topic with an event of each key, then, a new process, one with random updates."""
    cluster.new_topic(topic=_CONTRACT.topic)
    dice = random.Random(7)
    with fresh_lake() as lake:
        for first in range(0, keys, FILLED_AT_ONCE):
            records = records_of(range(first, min(keys, first + FILLED_AT_ONCE)), _BEGIN)
            cluster.send(_CONTRACT.topic, records, len(records))
        filled = cluster.drain_into(lake, _CONTRACT.name, keys)
        updates = records_of(dice.choices(range(keys), k=UPDATES), _BEGIN + timedelta(seconds=1))
        cluster.send(_CONTRACT.topic, updates, UPDATES)
        updated = cluster.drain_into(lake, _CONTRACT.name, UPDATES)
    return {
        "keys": keys,
        "budget_mib": _SETTINGS.memory_mib,
        "filled_per_second": round(filled.rate),
        "filled_peak_rss_mib": round(filled.peak_rss_mib),
        "updates": UPDATES,
        "updated_per_second": round(updated.rate),
        "updated_peak_rss_mib": round(updated.peak_rss_mib),
    }
