"""A table of any size, written as workers write: real batches of decoded trades, one after another.

Only what stands before a batch is left out: there is no broker, and some trades are decoded once and written over and
over under new offsets. `python -m benchmarks.generated LAKE ROWS` makes one to look at.
"""

import argparse
import json
import sys
import threading
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.cluster import PARTITIONS, TOPIC
from headrace import __version__
from headrace.clock import SystemClock
from headrace.contracts import Event, RejectReason, Trade, contract_of
from headrace.kafka.records import Envelope, Records
from headrace.kafka.topics import TopicIdentity
from headrace.lake.layouts import file_layout
from headrace.lake.quarantine import QuarantinedRecord
from headrace.lake.store import Store
from headrace.offsets import OffsetRange, SourceId
from headrace.read.proof.digests import digest
from headrace.sections import IngestSettings
from headrace_bots.load import Rendered, render_trades
from headrace_ingest.batch import Batch, Span
from headrace_ingest.claim import Claimer
from headrace_ingest.decode import Decoder
from headrace_ingest.startup import prepare_tables
from headrace_ingest.writer import BatchWriter, Target

# As many as a worker flushes at once by default.
ROWS_PER_COMMIT = 200_000
DISTINCT = 200_000
_REJECT = b'{"symbol": "SPY"'
_REJECT_EVERY = 10
SOURCE = SourceId(TOPIC, "generated", "generated-1")


class GeneratedTopic:
    """What a worker would be told about the topic."""

    def __init__(self, name: str = TOPIC) -> None:
        self._name = name

    def identity(self) -> TopicIdentity:
        return TopicIdentity(self._name, SOURCE.cluster_id, SOURCE.topic_id, PARTITIONS)

    def watermarks(self, partition: int) -> OffsetRange:  # all begin alike
        return OffsetRange(0, 1 << 62)

    def positions_at(self, time: datetime, partitions: range) -> dict[int, int]:  # all begin alike
        return dict.fromkeys(partitions, 0)


def write_table(lake: Path, rows: int, *, distinct: int = DISTINCT, ledger: IO[str] | None = None) -> None:
    """Adds at least `rows` rows to the table of trades under `lake`, which must not exist yet.

    Every batch ends each partition with an offset that holds no record, as after a transaction, and every tenth
    brings a record for the quarantine.

    Args:
        lake: the root.
        rows: how many; rounded up to whole batches.
        distinct: how many different trades there are.
        ledger: takes a line per record, as producers would note it.
    """
    contract = contract_of(Trade)
    store, topic, pause = Store(str(lake)), GeneratedTopic(), threading.Event().wait
    tables = prepare_tables(store, contract, SOURCE, topic, IngestSettings())
    leases = Claimer(store, contract.name, SOURCE, topic.watermarks, pause, SystemClock()).claim(range(PARTITIONS))
    target = Target(SOURCE, file_layout(contract), contract.name, contract.schema_version, __version__, 100, 60.0)
    writer = BatchWriter(tables, target, SystemClock(), pause, prove_topic=lambda: None)
    for batch in _Batches(distinct, ledger).until(rows):
        flushed = writer.write(batch, {lease.partition: lease.epoch for lease in leases})
        if flushed.version is not None:
            writer.checkpoint(flushed.version)


class _Batches:
    def __init__(self, distinct: int, ledger: IO[str] | None) -> None:
        self._ledger = ledger
        rendered = render_trades(distinct)
        self._rendered = rendered * -(-ROWS_PER_COMMIT // len(rendered))
        self._rows = decoded(self._rendered)
        self._numbers = pa.array(range(ROWS_PER_COMMIT), pa.int64())
        self._positions = dict.fromkeys(range(PARTITIONS), 0)

    def until(self, rows: int) -> Iterator[Batch]:
        made = 0
        for number in count():
            if made >= rows:
                return
            batch = self._batch(number)
            made += sum(map(len, batch.rows))
            yield batch

    def _batch(self, number: int) -> Batch:
        batch, each = Batch(), ROWS_PER_COMMIT // PARTITIONS
        for partition, start in self._positions.items():
            place = (number * PARTITIONS + partition) * each % (len(self._rendered) - each)
            batch.account({partition: Span(start, start + each + 1, gap_records=1, gaps=[_after(start + each)])}, 0.0)
            batch.add_rows(self._at(partition, start, self._rows.slice(place, each)))
            self._note(partition, start, self._rendered[place : place + each])
            self._positions[partition] = start + each + 1
        if number % _REJECT_EVERY == 0:
            self._reject(batch, number % PARTITIONS)
        return batch

    def _at(self, partition: int, start: int, rows: pa.RecordBatch) -> pa.RecordBatch:
        columns: dict[str, pa.Array[Any]] = {
            "_partition": pa.repeat(pa.scalar(partition, pa.int32()), len(rows)),
            "_offset": pc.add(self._numbers.slice(0, len(rows)), pa.scalar(start, pa.int64())),
        }
        return pa.RecordBatch.from_arrays(
            [columns.get(name, rows.column(name)) for name in rows.schema.names], schema=rows.schema
        )

    def _reject(self, batch: Batch, partition: int) -> None:
        offset = self._positions[partition]
        batch.account({partition: Span(offset, offset + 1)}, 0.0)
        batch.add_reject(
            QuarantinedRecord(
                TOPIC, partition, offset, 0, None, _REJECT, (), RejectReason.NOT_JSON, "it ends too early"
            )
        )
        self._write_line(partition, offset, _REJECT)
        self._positions[partition] = offset + 1

    def _note(self, partition: int, start: int, sent: list[Rendered]) -> None:
        if self._ledger is not None:
            for offset, record in enumerate(sent, start):
                self._write_line(partition, offset, record.value)

    def _write_line(self, partition: int, offset: int, value: bytes) -> None:
        if self._ledger is not None:
            entry = {"topic": TOPIC, "partition": partition, "offset": offset, "digest": digest(value).hex()}
            self._ledger.write(json.dumps(entry) + "\n")


def _after(offset: int) -> OffsetRange:
    return OffsetRange(offset, offset + 1)


def decoded(rendered: list[Rendered], event: type[Event] = Trade) -> pa.RecordBatch:
    now = SystemClock().now()
    many = len(rendered)
    records = Records(
        contract_of(event).topic,
        partitions=[0] * many,
        offsets=range(many),
        timestamps=[int(now.timestamp() * 1000)] * many,
        values=[record.value for record in rendered],
        envelope=lambda _: Envelope(None, ()),
    )
    return Decoder(contract_of(event)).decode(records, now).rows


def main() -> int:
    """Makes a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generated", description=__doc__)
    parser.add_argument("lake", type=Path)
    parser.add_argument("rows", type=int)
    arguments = parser.parse_args()
    write_table(arguments.lake, arguments.rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
