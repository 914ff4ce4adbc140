"""Data files, read once: where their rows came from, and what they amount to."""

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from headrace.read.proof.actions import DataFile
from headrace.read.proof.audit import RowAudit
from headrace.read.proof.canonical import ValueCodec
from headrace.read.proof.contents import Contents
from headrace.read.proof.files import FileChecker, FileDamagedError, damaged
from headrace.read.proof.findings import Code, Finding, Findings, TableMovedOnError, Verdict
from headrace.read.proof.histories import PartitionHistory
from headrace.read.proof.log import is_active
from headrace.read.proof.offset_sets import by_partition, offsets_of, since
from headrace.read.proof.replaying import RowKeys
from headrace.read.proof.store import LocalFiles
from headrace.read.proof.truth import Progress


class RowReader:
    """Reads files of one pinned table.

    Args:
        files: the table's.
        histories: what its log says of each partition.
        contents: filled with the rows.
        findings: where broken rules go.
        keys: takes the rows of a table of latest rows by their keys; None for other tables.
    """

    def __init__(
        self,
        files: LocalFiles,
        *,
        histories: Mapping[int, PartitionHistory],
        contents: Contents,
        findings: Findings,
        keys: RowKeys | None,
    ) -> None:
        self._keys = keys
        self._files = files
        self._checker = FileChecker(files)
        self._histories = histories
        self._contents = contents
        self._findings = findings
        positions = {partition: history.position for partition, history in histories.items()}
        self._audit = RowAudit(contents, positions, findings)
        self.extents = self._audit.extents

    def read(self, files: Sequence[DataFile], codec: ValueCodec | None, progress: Progress) -> None:
        """Reads every one of `files`: addresses, and with `codec` the values.

        Raises:
            TableMovedOnError: a file was removed since the version was pinned.
        """
        total, done = sum(file.size for file in files), 0
        for file in files:
            try:
                self._add(self._checker.check(file))
                for share in self._read(file, codec):
                    progress("files", done + int(share * file.size), total)
            except FileNotFoundError:
                self._add(missing(self._files, file.path, file))
            except FileDamagedError as error:
                self._add(damaged(file, str(error)))
            self._audit.finish(file)
            done += file.size
            progress("files", done, total)

    def _read(self, file: DataFile, codec: ValueCodec | None) -> Iterator[float]:
        """Reads one file; yields which share of it is done."""
        count = 0
        columns = self._keys.columns(codec) if self._keys else codec.columns if codec else ()
        for batch in self._checker.batches(file, columns):
            count += batch.num_rows
            if self._keys:
                self._keys.add(file, batch, codec)
            for partition, rows in by_partition(batch):
                self._audit.add(partition, offsets_of(rows.column("_offset")))
                if codec and not self._keys:
                    self._add_values(partition, rows, codec)
            if codec:
                self._add(codec.check_partition_value(file, batch))
            yield min(1.0, count / file.records) if file.records else 1.0
        if file.records is not None and count != file.records:
            self._add(damaged(file, f"it has {count} rows, the log says {file.records}"))

    def _add_values(self, partition: int, rows: pa.RecordBatch, codec: ValueCodec) -> None:
        history = self._histories.get(partition)
        looked_at = since(rows, history.floor) if history else rows
        if looked_at.num_rows:
            offsets = offsets_of(looked_at.column("_offset"))
            self._contents[partition].sums.add_values(offsets, codec.encode(looked_at))

    def _add(self, finding: Finding | None) -> None:
        if finding is not None:
            self._findings.add(finding)


def missing(files: LocalFiles, path: str, file: DataFile | None = None) -> Finding:
    """The finding that an active data file is not there.

    Raises:
        TableMovedOnError: it is no longer active: maintenance has replaced and removed it meanwhile.
    """
    if not is_active(files, path):
        msg = f"{path} was removed by maintenance while the table was read: run verify again"
        raise TableMovedOnError(msg)
    message = f"{path} is part of the table but is not there"
    if file is not None:
        return file.blame(Code.FILE_MISSING, message)
    return Finding(Verdict.FAIL, Code.FILE_MISSING, message, file=path)
