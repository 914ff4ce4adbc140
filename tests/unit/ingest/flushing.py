"""What tests of the flush share: a writer whose time stands still, and batches with or without a rival."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from headrace.lake.store import Store
from headrace.testing.manual_clock import ManualClock
from headrace.testing.numbers import LAYOUT, SOURCE, number_reject, number_rows
from headrace_ingest.batch import Batch, Span
from headrace_ingest.pair import TablePair
from headrace_ingest.writer import BatchWriter, Target

TARGET = Target(SOURCE, LAYOUT, "numbers", 1, "0.1.0", checkpoint_every=4, deadline_seconds=5.0)

Spans = Mapping[int, tuple[int, int]]
Rejects = Mapping[int, list[int]]


def make_writer(store: Store, clock: ManualClock | None = None) -> BatchWriter:
    """A writer that lets half a second pass, at least, before it tries again."""
    time = clock or ManualClock()
    tables = TablePair.open(store, TARGET.table)
    return BatchWriter(tables, TARGET, time, lambda seconds: time.advance(max(seconds, 0.5)), prove_topic=lambda: None)


def make_batch(spans: Spans, rejects: Rejects | None = None) -> Batch:
    """A row for every offset of `spans` that is not among `rejects`."""
    return _fill(Batch(), spans, rejects or {})


@dataclass(slots=True)
class RivalledBatch(Batch):
    """The writer asks for the note between its last check and its commit: then the rival acts, as often as it may."""

    rival: Callable[[], object] = list
    times: int = 1

    def note(self, worker: str, version: str, files: Mapping[str, str]) -> dict[str, object]:
        if self.times > 0:
            self.times -= 1
            self.rival()
        # Named in full: a dataclass with slots is made anew, and super() would look for the old one.
        return Batch.note(self, worker, version, files)


def make_rivalled_batch(
    spans: Spans, rejects: Rejects | None = None, *, rival: Callable[[], object] = list, times: int = 1
) -> RivalledBatch:
    """Like `make_batch`, with a rival."""
    batch = RivalledBatch(rival=rival, times=times)
    _fill(batch, spans, rejects or {})
    return batch


def data_files(root: Path) -> list[Path]:
    """All data files of all tables."""
    return sorted(path for path in root.glob("*/**/*.parquet") if "_delta_log" not in path.parts)


def _fill(batch: Batch, spans: Spans, rejects: Rejects) -> Batch:
    for partition, (start, end) in spans.items():
        bad = rejects.get(partition, [])
        batch.account({partition: Span(start, end)}, 0.0)
        batch.add_rows(number_rows(partition, [offset for offset in range(start, end) if offset not in bad]))
        for offset in bad:
            batch.add_reject(number_reject(partition, offset))
    return batch
