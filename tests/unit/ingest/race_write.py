"""Writes partition 0 from wherever the table stands, five offsets at a time: ROOT END. Prints what it made durable."""

import json
import sys
from threading import Event

from headrace.clock import SystemClock
from headrace.lake.store import Store
from headrace.testing.numbers import LAYOUT, SOURCE, NumbersTable, number_rows
from headrace.testing.race import starting_line
from headrace_ingest.batch import Batch, Span
from headrace_ingest.pair import TablePair
from headrace_ingest.writer import BatchWriter, Target

root, end = sys.argv[1], int(sys.argv[2])
table = NumbersTable(Store(root))
target = Target(SOURCE, LAYOUT, "numbers", 1, "0.1.0", checkpoint_every=1_000, deadline_seconds=60.0)
writer = BatchWriter(
    TablePair.open(table.store, LAYOUT.table), target, SystemClock(), Event().wait, prove_topic=lambda: None
)
starting_line()
durable: list[tuple[int, int]] = []
position = 0
while position < end:
    batch = Batch()
    batch.account({0: Span(position, position + 5)}, 0.0)
    batch.add_rows(number_rows(0, range(position, position + 5)))
    # Nobody claims here: the epoch stays 0 and the position alone has to fence.
    flushed = writer.write(batch, {0: 0})
    durable += [(position, found) for found in flushed.positions.values()]
    position = {**flushed.positions, **flushed.dropped}[0]
print(json.dumps(durable))
