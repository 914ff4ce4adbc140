"""What one flush writes: rows and rejects, and per partition the range of offsets they account for.

No I/O; a partition's `rows + rejects + deletes + gap_records == end - start` at all times.
"""

import uuid
from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from headrace.errors import InvariantError
from headrace.lake.quarantine import QuarantinedRecord
from headrace.offsets import OffsetRange

# A compacted topic can have a gap beside every record: the commit names the first ones and counts all.
_NAMED_GAPS = 100


@dataclass(slots=True)
class Span:
    """The offsets `start <= o < end` of one partition, accounted for.

    `rejects` counts records that are in the quarantine or go there with this batch; `deletes` counts tombstones that
    delete rows; `gap_records` counts offsets
    under which the broker has no record to give: transaction markers, aborted or compacted records. `oldest_ms` and
    `newest_ms` are the Kafka timestamps of the first and the last record, -1 where none has one.
    """

    start: int
    end: int
    rejects: int = 0
    gap_records: int = 0
    gaps: list[OffsetRange] = field(default_factory=list)
    oldest_ms: int = -1
    newest_ms: int = -1
    deletes: int = 0

    @property
    def rows(self) -> int:
        """Rows that the span must bring."""
        return self.end - self.start - self.rejects - self.deletes - self.gap_records

    def extend(self, end: int) -> None:
        """Accounts for the offsets up to `end` as read."""
        self.end = end

    def skip(self, gap: OffsetRange) -> None:
        """Accounts for offsets that hold no record."""
        self.gap_records += len(gap)
        if len(self.gaps) < _NAMED_GAPS:
            self.gaps.append(gap)

    def saw(self, first_ms: int, last_ms: int) -> None:
        """Takes the timestamps of the first and the last of further records."""
        if self.oldest_ms < 0:
            self.oldest_ms = first_ms
        if last_ms >= 0:
            self.newest_ms = last_ms


@dataclass(slots=True)
class Batch:
    """Collected and not yet durable. `size` is in bytes; `opened_at` is the monotonic time of its first entry."""

    spans: dict[int, Span] = field(default_factory=dict)
    rows: list[pa.RecordBatch] = field(default_factory=list)
    tombstones: list[pa.RecordBatch] = field(default_factory=list)
    rejects: list[QuarantinedRecord] = field(default_factory=list)
    size: int = 0
    opened_at: float | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def records(self) -> int:
        """Rows, tombstones and rejects."""
        return sum(map(len, self.rows)) + sum(map(len, self.tombstones)) + len(self.rejects)

    @property
    def empty(self) -> bool:
        """Whether committing it would change nothing."""
        return all(span.start == span.end for span in self.spans.values())

    def positions(self) -> dict[int, int]:
        """Per partition the position once this batch is durable."""
        return {partition: span.end for partition, span in self.spans.items()}

    def offsets(self, partitions: Collection[int]) -> int:
        """How many offsets of `partitions` it accounts for."""
        return sum(span.end - span.start for partition, span in self.spans.items() if partition in partitions)

    def account(self, spans: Mapping[int, Span], now: float) -> None:
        """Takes the offsets that a poll accounts for; each span begins where the batch's ends."""
        for partition, came in spans.items():
            span = self.spans.setdefault(partition, Span(came.start, came.start))
            span.end = came.end
            span.rejects += came.rejects
            span.gap_records += came.gap_records
            span.gaps.extend(came.gaps[: _NAMED_GAPS - len(span.gaps)])
            span.saw(came.oldest_ms, came.newest_ms)
        if self.opened_at is None and not self.empty:
            self.opened_at = now

    def add_rows(self, rows: pa.RecordBatch) -> None:
        """Takes decoded rows."""
        if rows.num_rows:
            self.rows.append(rows)
            self.size += rows.nbytes

    def add_tombstones(self, marks: pa.RecordBatch) -> None:
        """Takes decoded tombstones."""
        if marks.num_rows:
            self.tombstones.append(marks)
            self.size += marks.nbytes
            for partition, count in per_partition(marks).items():
                self.spans[partition].deletes += count

    def add_reject(self, record: QuarantinedRecord) -> None:
        """Takes a record for the quarantine."""
        self.rejects.append(record)
        self.size += record.size
        self.spans[record.partition].rejects += 1

    def table(self) -> pa.Table | None:
        """All rows, or None."""
        return pa.Table.from_batches(self.rows) if self.rows else None

    def check(self) -> None:
        """Makes sure that it has the rows that its offsets account for.

        Raises:
            InvariantError: it has not.
        """
        rows = self.table()
        found = {} if rows is None else per_partition(rows)
        for partition, span in self.spans.items():
            if found.get(partition, 0) != span.rows:
                msg = (
                    f"partition {partition}, offsets {span.start} to {span.end}: {span.rows} rows expected, "
                    f"{found.get(partition, 0)} decoded; nothing was written"
                )
                raise InvariantError(msg)

    def without(self, partitions: Set[int]) -> "Batch":
        """What remains when the records of `partitions` are dropped; the same batch otherwise."""
        if partitions.isdisjoint(self.spans):
            return self
        gone = pa.array(sorted(partitions), pa.int32())
        rows, tombstones = (
            [part.filter(pc.invert(pc.is_in(part["_partition"], value_set=gone))) for part in parts]
            for parts in (self.rows, self.tombstones)
        )
        spans = {p: span for p, span in self.spans.items() if p not in partitions}
        kept = Batch(
            spans=spans,
            tombstones=[marks for marks in tombstones if marks.num_rows],
            rejects=[r for r in self.rejects if r.partition not in partitions],
            opened_at=self.opened_at if spans else None,
            id=self.id,
        )
        for part in rows:
            kept.add_rows(part)
        kept.size += sum(r.size for r in kept.rejects) + sum(marks.nbytes for marks in kept.tombstones)
        return kept

    def note(self, worker: str, version: str, files: Mapping[str, str]) -> dict[str, object]:
        """What the commit says of itself; `files` maps paths to their SHA-256."""
        return {
            "kind": "ingest",
            "batch": self.id,
            "worker": worker,
            "headrace_version": version,
            "partitions": {
                str(p): {
                    "start": s.start,
                    "end": s.end,
                    "rows": s.rows,
                    "rejects": s.rejects,
                    **({"deletes": s.deletes} if s.deletes else {}),
                    "gap_records": s.gap_records,
                    "gaps": [[g.start, g.end] for g in s.gaps],
                }
                for p, s in sorted(self.spans.items())
            },
            "files": {path: {"sha256": digest} for path, digest in files.items()},
        }


def per_partition(rows: pa.Table | pa.RecordBatch) -> dict[int, int]:
    """How many rows came from each partition of the topic."""
    counted = pa.table({"p": rows["_partition"]}).group_by("p").aggregate([([], "count_all")]).to_pydict()
    return dict(zip(counted["p"], counted["count_all"], strict=True))
