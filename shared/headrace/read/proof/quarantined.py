"""The quarantine of a table, as verify needs it: which offsets, resolved or not, and the raw values' sums."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from headrace.read.proof.actions import DataFile
from headrace.read.proof.contents import Contents
from headrace.read.proof.digests import digest
from headrace.read.proof.files import FileChecker
from headrace.read.proof.findings import Code, Finding, Findings
from headrace.read.proof.histories import PartitionHistory
from headrace.read.proof.log import Replay
from headrace.read.proof.store import LocalFiles

_COLUMNS = ("value", "resolved_version")


@dataclass(frozen=True, slots=True)
class QuarantinedValue:
    """One quarantined record; `resolved` as seen from the pinned version of the main table.

    `given` if it was resolved at or before the version up to which all is taken as given.
    """

    partition: int
    offset: int
    value_digest: bytes
    resolved: bool
    given: bool
    file: DataFile


class Quarantine:
    """The quarantine at one version of its own, read after the main table was pinned.

    Args:
        files: the quarantine's.
        main_version: the pinned version of the main table.
        given_version: the version of the main table up to which all is taken as given, -1 for none.
    """

    def __init__(self, files: LocalFiles, main_version: int, given_version: int) -> None:
        self._checker = FileChecker(files)
        self._log = files
        self._main_version = main_version
        self._given_version = given_version
        self._files: tuple[DataFile, ...] = ()

    def load(self, findings: Findings) -> None:
        """Replays its log and notes its files.

        Raises:
            LogDamagedError: the log cannot be replayed.
            UnsupportedTableError: it uses a feature that verify does not know.
        """
        self._files = tuple(Replay(self._log).finish(findings).files.values())

    def fill(self, contents: Contents, histories: Mapping[int, PartitionHistory], findings: Findings) -> None:
        """Adds what is quarantined to `contents`, but for what is taken as given.

        Raises:
            FileNotFoundError: a file is not there.
            FileDamagedError: a file cannot be read.
        """
        for file in self._files:
            found = self._checker.check(file)
            if found:
                findings.add(found)
        for record in self.records():
            content, history = contents[record.partition], histories.get(record.partition)
            if history and record.offset < history.floor and (record.given or not record.resolved):
                continue
            if record.offset in content.quarantined or record.offset in content.resolved:
                findings.add(_twice(record))
                continue
            (content.resolved if record.resolved else content.quarantined).add(record.offset)
            # A replay that was interrupted has made it a row, and nothing has marked it yet: the row counts.
            landed = history is not None and record.offset in history.replayed
            if not record.resolved and not landed and history and record.offset < history.position:
                content.sums.add_digest(record.offset, record.value_digest)

    def records(self) -> Iterator[QuarantinedValue]:
        """All quarantined records, file by file."""
        for file in self._files:
            for batch in self._checker.batches(file, _COLUMNS):
                yield from self._records(file, batch)

    def _records(self, file: DataFile, batch: pa.RecordBatch) -> Iterator[QuarantinedValue]:
        columns = (batch.column(name).to_pylist() for name in ("_partition", "_offset", *_COLUMNS))
        for partition, offset, value, resolved_version in zip(*columns, strict=True):
            resolved = resolved_version is not None and resolved_version <= self._main_version
            given = resolved_version is not None and resolved_version <= self._given_version
            yield QuarantinedValue(partition, offset, digest(value), resolved, given, file)


def _twice(record: QuarantinedValue) -> Finding:
    message = f"offset {record.offset} is quarantined twice"
    where = {"partition": record.partition, "offset": record.offset, "count": 1}
    return record.file.blame(Code.QUARANTINE_DUPLICATE, message, **where)
