"""A table of trades that gets one small commit after another, as a worker makes them, and its maintenance.

There is no broker, and some trades are decoded once and written over and over with new offsets and times.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from threading import Event
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.cluster import TOPIC
from benchmarks.generated import SOURCE, GeneratedTopic, decoded
from headrace import __version__
from headrace.clock import Clock, SystemClock
from headrace.contracts import Trade, contract_of
from headrace.lake.layouts import file_layout
from headrace.lake.store import Store
from headrace.logs import configure_logs
from headrace.sections import IngestSettings
from headrace.settings import load_settings
from headrace_bots.load import render_trades
from headrace_ingest.batch import Batch, Span
from headrace_ingest.claim import Claimer
from headrace_ingest.startup import prepare_tables
from headrace_ingest.writer import BatchWriter, Target
from headrace_maintenance.rounds import Rounds, TableRound
from headrace_maintenance.wiring import Process, build_rounds, new_metrics

SECONDS = 10.0
"""Between two commits."""

LOOK_EVERY = 6
"""Commits of a minute, which is how often maintenance looks by default."""

_DISTINCT = 20_000
_CHECKPOINT_EVERY = 100


class Trickle:
    """The worker's own writer on a new table.

    Args:
        lake: the root.
        events: says when the trades happened; those of a commit are spread over the ten seconds that follow.
        rows: of each commit.
    """

    def __init__(self, lake: Path, events: Clock, *, rows: int) -> None:
        contract = contract_of(Trade)
        self.store, topic, pause = Store(str(lake)), GeneratedTopic(), Event().wait
        tables = prepare_tables(self.store, contract, SOURCE, topic, IngestSettings())
        (lease,) = Claimer(self.store, TOPIC, SOURCE, topic.watermarks, pause, SystemClock()).claim([0])
        self._epochs = {lease.partition: lease.epoch}
        target = Target(
            SOURCE, file_layout(contract), TOPIC, contract.schema_version, __version__, _CHECKPOINT_EVERY, 60.0
        )
        self._writer = BatchWriter(tables, target, SystemClock(), pause, prove_topic=lambda: None)
        self._trades = _trades(max(_DISTINCT, 2 * rows))
        self._events = events
        self._rows = rows
        self._micros = pa.array([int(1e6 * SECONDS * row / rows) for row in range(rows)], pa.int64())
        self._position = 0
        self.written = 0

    def commit(self) -> int:
        """Adds one file and returns its bytes; `written` is the sum of them."""
        start, self._position = self._position, self._position + self._rows
        batch = Batch(spans={0: Span(start, self._position)})
        batch.add_rows(self._at(start))
        flushed = self._writer.write(batch, self._epochs)
        if flushed.version is not None:
            self._writer.checkpoint(flushed.version)
        size = sum(file.size for file in flushed.files)
        self.written += size
        return size

    def _at(self, start: int) -> pa.RecordBatch:
        rows = self._trades.slice(start % (len(self._trades) - self._rows), self._rows)
        now, offsets = self._events.now(), range(start, start + self._rows)
        began = pa.repeat(pa.scalar(now, pa.timestamp("us", "UTC")), self._rows)
        times = pc.add(began, self._micros.cast(pa.duration("us")))
        new: dict[str, Any] = {
            "transaction_id": pa.array(map(transaction_id, offsets), pa.string()),
            "timestamp": times,
            "date": pa.repeat(pa.scalar(now.date(), pa.date32()), self._rows),
            "_offset": pa.array(offsets, pa.int64()),
            "_kafka_timestamp": times,
            "_ingested_at": began,
        }
        columns = [new.get(name, rows.column(name)) for name in rows.schema.names]
        return pa.RecordBatch.from_arrays(columns, schema=rows.schema)


@cache
def _trades(count: int) -> pa.RecordBatch:
    return decoded(render_trades(count))


def transaction_id(offset: int) -> str:
    """Of the trade at that offset."""
    return f"t-{offset:012d}"


@contextmanager
def maintenance(lake: Path, **policy: object) -> Iterator[Rounds]:
    """Rounds of `headrace maintain` on that lake; `policy` as the settings name it."""
    configure_logs("ERROR", "json")
    settings = load_settings(lake={"root": str(lake)}, maintain=policy)
    contracts = {TOPIC: contract_of(Trade)}
    rounds = build_rounds(settings, contracts, [TOPIC], process=Process(new_metrics(settings, SystemClock())))
    with closing(rounds):
        yield rounds


def maintain(rounds: Rounds, stopping: Callable[[], bool] = lambda: False) -> list[TableRound]:
    """One round; what keeps it from being done is raised, so that nothing is measured beside nothing."""
    found = rounds.go(stopping)
    for each in found:
        if each.problem is not None:
            raise each.problem
    return found
