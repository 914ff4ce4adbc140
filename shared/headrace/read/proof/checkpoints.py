"""Checkpoints: which ones a log holds complete, and the table's state that one of them records."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from headrace.read.proof.actions import Commit, DataFile, parse_add
from headrace.read.proof.agreement import columns_of
from headrace.read.proof.features import LATEST, Json, check_configuration, check_file, check_protocol
from headrace.read.proof.findings import LogDamagedError
from headrace.read.proof.store import LocalFiles, StoredFile

LOG_FOLDER = "_delta_log"
_SINGLE = re.compile(r"\A(\d{20})\.checkpoint\.parquet\Z")
_PART = re.compile(r"\A(\d{20})\.checkpoint\.(\d{10})\.(\d{10})\.parquet\Z")
_V2 = re.compile(r"\A(\d{20})\.checkpoint\.[0-9a-f-]{36}\.(json|parquet)\Z")
_COLUMNS = ("add", "txn", "metaData", "protocol", "checkpointMetadata")


@dataclass
class Snapshot:
    """The table at one version, built by applying commits in order."""

    files: dict[str, DataFile] = field(default_factory=dict)
    txns: dict[str, int] = field(default_factory=dict)
    configuration: dict[str, str] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)

    def apply(self, commit: Commit) -> None:
        """Makes `commit`'s changes.

        Raises:
            UnsupportedTableError: its metadata asks for something that verify does not know, or rows of a table that
                keeps all of them are deleted by deletion vectors.
        """
        for removed in commit.removes:
            self.files.pop(removed.path, None)
        self.txns.update(commit.txns)
        if commit.configuration is not None:
            check_configuration(commit.configuration)
            self.configuration = dict(commit.configuration)
            self.columns = dict(commit.columns)
        for added in commit.adds:
            self.check_file(added)
            self.files[added.path] = added

    def check_file(self, file: DataFile) -> None:
        """Refuses a file that does not say by itself which rows it holds.

        Raises:
            UnsupportedTableError: rows of a table that keeps all of them are deleted by a deletion vector.
        """
        check_file(file.path, masked=file.vector is not None and LATEST not in self.configuration)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The files that together make one checkpoint."""

    version: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckpointFiles:
    """What a listing of the log holds of checkpoints; `v2` are versions in the format that is not read here."""

    complete: Mapping[int, Checkpoint]
    v2: frozenset[int]


def find_checkpoints(listing: tuple[StoredFile, ...]) -> CheckpointFiles:
    """Groups the checkpoint files of a log; a multi-part one counts only with all its parts."""
    complete: dict[int, Checkpoint] = {}
    parts: dict[tuple[int, int], dict[int, str]] = defaultdict(dict)
    v2 = set()
    for name in (entry.name for entry in listing):
        if single := _SINGLE.match(name):
            complete[int(single[1])] = Checkpoint(int(single[1]), (name,))
        elif part := _PART.match(name):
            parts[int(part[1]), int(part[3])][int(part[2])] = name
        elif other := _V2.match(name):
            v2.add(int(other[1]))
    for (version, total), found in parts.items():
        if version not in complete and set(found) == set(range(1, total + 1)):
            complete[version] = Checkpoint(version, tuple(found[n] for n in sorted(found)))
    return CheckpointFiles(complete, frozenset(v2))


def read_checkpoint(files: LocalFiles, checkpoint: Checkpoint) -> Snapshot:
    """The state that `checkpoint` records.

    Raises:
        LogDamagedError: a part cannot be read, or the checkpoint holds no metadata.
        UnsupportedTableError: the state needs a feature that verify does not know.
    """
    snapshot = Snapshot()
    seen_metadata = False
    protocol: Json = {"minReaderVersion": 1}
    for name in checkpoint.names:
        try:
            for row in _rows(files, f"{LOG_FOLDER}/{name}"):
                seen_metadata |= _apply(snapshot, row)
                protocol = row.get("protocol") or protocol
        except (pa.ArrowException, msgspec.DecodeError, OSError, KeyError, TypeError, ValueError) as error:
            msg = f"checkpoint {name} cannot be read: {str(error).splitlines()[0]}"
            raise LogDamagedError(msg) from None
    check_protocol(protocol, snapshot.configuration)
    for file in snapshot.files.values():
        snapshot.check_file(file)
    if not seen_metadata:
        msg = f"checkpoint {checkpoint.names[0]} holds no metaData action"
        raise LogDamagedError(msg)
    return snapshot


def _rows(files: LocalFiles, path: str) -> Iterator[Json]:
    with files.open(path) as source:
        parquet = pq.ParquetFile(source)
        wanted = [name for name in _COLUMNS if name in parquet.schema_arrow.names]
        for batch in parquet.iter_batches(batch_size=4_096, columns=wanted):
            yield from batch.to_pylist()


def _apply(snapshot: Snapshot, row: Json) -> bool:
    if add := row.get("add"):
        file = parse_add({**add, "partitionValues": dict(add["partitionValues"])})
        snapshot.files[file.path] = file
    if txn := row.get("txn"):
        snapshot.txns[txn["appId"]] = txn["version"]
    metadata = row.get("metaData")
    if metadata:
        snapshot.configuration = dict(metadata["configuration"] or ())
        snapshot.columns = columns_of(metadata)
        check_configuration(snapshot.configuration)
    return bool(metadata)
