"""The whole state of a table: its newest checkpoint, and the commits after it."""

from collections.abc import Iterator
from datetime import datetime
from typing import TypeVar

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from headrace.errors import WrongTableError
from headrace.lake.failures import store_failure
from headrace.lake.log import commit_path
from headrace.lake.store import Store
from headrace.lake.upkeep.logfiles import LogFiles
from headrace_exporter.fold import Add, Fold, Metadata, Remove, data_commit_time, parse

_COLUMNS = (
    "add.path",
    "add.size",
    "add.modificationTime",
    "add.partitionValues",
    "add.stats",
    "add.deletionVector.cardinality",
    "remove.path",
    "remove.deletionTimestamp",
    "metaData.configuration",
)
_Kind = TypeVar("_Kind")

_BATCH = 4_096
_LOOK_BACK = 1_000


def read_snapshot(store: Store, table: str, log: LogFiles, event_time: str | None) -> Fold:
    """The state after the newest commit.

    Args:
        store: the lake.
        table: folder of the table.
        log: what lies in its log; commits that came since are read, too.
        event_time: column of event times, if it has one.

    Raises:
        WrongTableError: no table is there, its log is damaged, or of a kind that is not read here.
        StoreError, AccessDeniedError: it cannot be read.
    """
    fold = Fold(event_time)
    if log.checkpoint is not None:
        _read_checkpoint(store, table, log.checkpoint, fold)
    elif 0 not in log.commits:
        msg = f"{store.uri(table)} has neither version 0 nor a checkpoint of one part: it is no table, or damaged"
        raise WrongTableError(msg)
    catch_up(store, table, fold)
    if fold.version < max(log.commits, default=-1):
        msg = (
            f"commit {fold.version + 1} of {store.uri(table)} is missing, and later ones are there: run headrace verify"
        )
        raise WrongTableError(msg)
    if fold.last_data_commit is None and log.checkpoint is not None:
        fold.last_data_commit = _earlier_data_commit(store, table, log.checkpoint)
    return fold


def catch_up(store: Store, table: str, fold: Fold) -> dict[int, int]:
    """Folds in the commits that came since.

    Returns:
        Their sizes in bytes by version.

    Raises:
        WrongTableError: one of them is torn.
        StoreError, AccessDeniedError: one cannot be read.
    """
    sizes: dict[int, int] = {}
    while True:
        version = fold.version + 1
        try:
            content = store.read(commit_path(table, version))
        except FileNotFoundError:
            return sizes
        fold.commit(version, content)
        sizes[version] = len(content)


def _read_checkpoint(store: Store, table: str, version: int, fold: Fold) -> None:
    name = f"{version:020d}.checkpoint.parquet"
    try:
        with store.open(f"{table}/_delta_log/{name}") as source:
            for batch in pq.ParquetFile(source).iter_batches(batch_size=_BATCH, columns=list(_COLUMNS)):
                _read_batch(batch, fold)
    except (pa.ArrowException, msgspec.ValidationError, ValueError) as error:
        msg = f"checkpoint {name} of {table} cannot be read: {str(error).splitlines()[0]}"
        raise WrongTableError(msg) from None
    except OSError as error:  # a newer one may have taken its place since it was listed
        raise store_failure(error, f"reading {name} of {store.uri(table)}") from error
    fold.version = version


def _read_batch(batch: pa.RecordBatch, fold: Fold) -> None:
    for add in _present(batch, "add", Add):
        fold.add(add)
    for remove in _present(batch, "remove", Remove):
        fold.left(remove)
    for metadata in _present(batch, "metaData", Metadata):
        fold.configuration = metadata.configuration


def _present(batch: pa.RecordBatch, column: str, kind: type[_Kind]) -> Iterator[_Kind]:
    if column in batch.schema.names:
        for row in batch.column(column).drop_null().to_pylist(maps_as_pydicts="strict"):
            yield msgspec.convert(row, kind)


def _earlier_data_commit(store: Store, table: str, newest: int) -> datetime | None:
    for version in range(newest, max(-1, newest - _LOOK_BACK), -1):
        try:
            made = data_commit_time(parse(version, store.read(commit_path(table, version))))
        except FileNotFoundError:
            return None
        if made is not None:
            return made
    return None
