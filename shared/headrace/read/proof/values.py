"""The values of single records, read again from the files that can hold them: to name what differs."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from headrace.read.proof.actions import DataFile
from headrace.read.proof.audit import Extent
from headrace.read.proof.canonical import ValueCodec
from headrace.read.proof.compare import Located
from headrace.read.proof.digests import BLOCK, block_of, digest
from headrace.read.proof.files import FileChecker
from headrace.read.proof.offset_sets import offsets_of
from headrace.read.proof.quarantined import Quarantine


class ValueFinder:
    """Finds records of one pinned table again; `extents` tell which files can hold them."""

    def __init__(
        self,
        checker: FileChecker,
        quarantine: Quarantine,
        *,
        files: Mapping[str, DataFile],
        extents: Mapping[str, Mapping[int, Extent]],
    ) -> None:
        self._checker = checker
        self._quarantine = quarantine
        self._files = files
        self._extents = extents

    def digests(self, partition: int, blocks: Collection[int], codec: ValueCodec) -> dict[int, Located]:
        """Per offset of `blocks` the digest of its value and where it lies; rows win over quarantined records."""
        wanted = frozenset(blocks)
        found = {
            record.offset: Located(record.value_digest, record.file)
            for record in self._quarantine.records()
            if record.partition == partition and block_of(record.offset) in wanted
        }
        for file, rows in self._rows(partition, wanted, codec.columns):
            for offset, value in zip(offsets_of(rows.column("_offset")), codec.encode(rows), strict=True):
                found[offset] = Located(digest(value), file)
        return found

    def holders(self, partition: int, offsets: Collection[int]) -> dict[int, list[DataFile]]:
        """Per offset the files that hold it."""
        found: dict[int, list[DataFile]] = {offset: [] for offset in offsets}
        for file, rows in self._rows(partition, frozenset(map(block_of, offsets)), ()):
            for offset in offsets_of(rows.column("_offset")):
                if offset in found:
                    found[offset].append(file)
        return found

    def _rows(
        self, partition: int, blocks: frozenset[int], columns: Sequence[str]
    ) -> Iterator[tuple[DataFile, pa.RecordBatch]]:
        numbers = pa.array(sorted(blocks), pa.int64())
        shift = pa.scalar(BLOCK.bit_length() - 1, pa.int64())
        for path, extents in self._extents.items():
            extent = extents.get(partition)
            if extent is None or not any(block_of(extent.low) <= block <= block_of(extent.high) for block in blocks):
                continue
            file = self._files[path]
            for batch in self._checker.batches(file, columns):
                inside = pc.is_in(pc.shift_right(batch.column("_offset"), shift), value_set=numbers)
                right = pc.equal(batch.column("_partition"), pa.scalar(partition, pa.int64()))
                rows = batch.filter(pc.and_(inside, right))
                if rows.num_rows:
                    yield file, rows
