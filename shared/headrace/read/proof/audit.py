"""What rows may be where: per file while it streams by, then per partition when all have been seen. Pure."""

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pyroaring import BitMap64

from headrace.read.proof.actions import DataFile, Span
from headrace.read.proof.contents import Contents
from headrace.read.proof.findings import Code, Findings


@dataclass(slots=True)
class Extent:
    """Offsets of one partition in one file; tells which files must be read again to find an offset."""

    low: int
    high: int


@dataclass
class _FileRows:
    rows: BitMap64 = field(default_factory=BitMap64)
    count: int = 0
    twice: BitMap64 = field(default_factory=BitMap64)


class RowAudit:
    """Fed with every active file's rows, one file after another.

    Args:
        contents: filled with the rows.
        positions: position of each partition that the log knows.
        findings: where broken rules go.
    """

    def __init__(self, contents: Contents, positions: Mapping[int, int], findings: Findings) -> None:
        self._contents = contents
        self._positions = positions
        self._findings = findings
        self._file: dict[int, _FileRows] = {}
        self._claims: dict[int, _Claim] = {}
        self.extents: dict[str, dict[int, Extent]] = {}

    def add(self, partition: int, offsets: "array[int]") -> None:
        """Some rows of the file that is being read."""
        file = self._file.setdefault(partition, _FileRows())
        batch = BitMap64(offsets)
        file.count += len(offsets)
        if len(batch) != len(offsets):
            file.twice |= _repeated(offsets)
        file.twice |= batch & file.rows
        file.rows |= batch

    def finish(self, file: DataFile) -> None:
        """The file that was being read, `file`, has no more rows."""
        self.extents[file.path] = {
            partition: Extent(read.rows.min(), read.rows.max()) for partition, read in self._file.items()
        }
        for partition, read in self._file.items():
            content = self._contents[partition]
            across = read.rows & content.rows
            content.duplicates |= across | read.twice
            content.row_count += read.count
            content.rows |= read.rows
            self._check_bounds(file, partition, read.rows)
            self._check_range(file, partition, read.rows)
        self._claim(file)
        self._file = {}

    def _check_bounds(self, file: DataFile, partition: int, rows: BitMap64) -> None:
        position = self._positions.get(partition)
        if position is None:
            message = f"{len(rows)} rows of partition {partition}, of which the log records no position"
            self._add(Code.BEYOND_POSITION, message, file, partition, rows.min(), len(rows))
        elif rows.max() >= position:
            beyond = rows.range_cardinality(position, rows.max() + 1)
            offset = rows[len(rows) - beyond]
            message = f"{beyond} rows at or beyond the position {position}, the first at offset {offset}"
            self._add(Code.BEYOND_POSITION, message, file, partition, offset, beyond)

    def _check_range(self, file: DataFile, partition: int, rows: BitMap64) -> None:
        if file.origin is None or file.origin.kind != "ingest" or file.origin.changes is not None:
            return
        span = file.origin.spans.get(partition)
        inside = rows.range_cardinality(span.start, span.end) if span else 0
        if inside != len(rows):
            told = f"from {span.start} to {span.end}" if span else "of other partitions"
            outside = rows - BitMap64(range(span.start, span.end)) if span else rows
            message = f"{len(outside)} rows outside the offsets {told} that their commit names"
            self._add(Code.OUTSIDE_RANGE, message, file, partition, outside.min(), len(outside))

    def _claim(self, file: DataFile) -> None:
        if file.origin is None or file.origin.kind != "ingest" or file.origin.changes is not None:
            return
        claim = self._claims.setdefault(file.origin.version, _Claim(file))
        claim.files += 1
        for partition, read in self._file.items():
            claim.rows[partition] = claim.rows.get(partition, 0) + read.count
        if claim.files == file.origin.files:
            del self._claims[file.origin.version]
            claim.check(self._findings)

    def _add(self, code: Code, message: str, file: DataFile, *where: int) -> None:
        partition, offset, count = where
        self._findings.add(file.blame(code, message, partition=partition, offset=offset, count=count))


@dataclass
class _Claim:
    """Rows of one ingest commit's files against what it says they are; only while all its files are active."""

    file: DataFile
    files: int = 0
    rows: dict[int, int] = field(default_factory=dict)

    def check(self, findings: Findings) -> None:
        origin = self.file.origin
        if origin is None:
            return
        for partition in sorted(origin.spans.keys() | self.rows.keys()):
            span: Span | None = origin.spans.get(partition)
            claimed, found = span.rows if span else 0, self.rows.get(partition, 0)
            if claimed != found:
                message = f"version {origin.version} claims {claimed} rows of the partition, its files hold {found}"
                findings.add(self.file.blame(Code.COUNT_DIFFERS, message, partition=partition))


def _repeated(offsets: Iterable[int]) -> BitMap64:
    once, twice = BitMap64(), BitMap64()
    for offset in offsets:
        (twice if offset in once else once).add(offset)
    return twice
