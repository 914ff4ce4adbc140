"""A table's data files: there, whole, and readable as the log says."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyroaring import BitMap64

from headrace.errors import TableDamagedError
from headrace.read.proof.actions import DataFile
from headrace.read.proof.findings import Code, Finding
from headrace.read.proof.store import LocalFiles
from headrace.read.proof.vectors import VectorDamagedError, deleted_rows

_BATCH_ROWS = 65_536
_CHUNK = 1 << 20
ADDRESS = ("_partition", "_offset")
"""The columns that say which record a row came from."""


class FileDamagedError(TableDamagedError):
    """A data file cannot be read as what the log says it is."""

    code = Code.FILE_DAMAGED


class FileChecker:
    """Reads data files of one table."""

    def __init__(self, files: LocalFiles) -> None:
        self._files = files

    def check(self, file: DataFile) -> Finding | None:
        """Existence, size, and the digest that the commit recorded.

        Raises:
            FileNotFoundError: it is not there.
        """
        size = self._files.size(file.path)
        if size is None:
            raise FileNotFoundError(file.path)
        if size != file.size:
            return damaged(file, f"it has {size} bytes, the log says {file.size}")
        if file.sha256 is not None and self._sha256(file.path) != file.sha256:
            return damaged(file, "its bytes are not those that its commit recorded (sha256)")
        return None

    def _sha256(self, path: str) -> str:
        with self._files.open(path) as source:
            found = hashlib.sha256()
            while chunk := source.read(_CHUNK):
                found.update(chunk)
            return found.hexdigest()

    def batches(self, file: DataFile, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
        """Those of the file's rows that are part of the table, a bounded number at a time.

        Args:
            file: which one.
            columns: those to read beside `_partition` and `_offset`; None reads all.

        Raises:
            FileNotFoundError: it is not there.
            FileDamagedError: it is no Parquet file with such columns.
        """
        try:
            deleted = BitMap64() if file.vector is None else deleted_rows(self._files, file.vector)
            with self._files.open(file.path) as source:
                yield from _without(deleted, _read(source, columns, file.partition_values))
        except FileNotFoundError:
            raise
        except (pa.ArrowException, OSError, VectorDamagedError) as error:
            msg = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise FileDamagedError(msg) from None


def _read(
    source: BinaryIO, columns: Sequence[str] | None, partition_values: Mapping[str, str | None]
) -> Iterator[pa.RecordBatch]:
    # Spark stores instants in 96 bits, which Arrow would take for nanoseconds.
    parquet = pq.ParquetFile(source, coerce_int96_timestamp_unit="us")
    names = parquet.schema_arrow.names
    lacking = sorted(set(ADDRESS) - set(names))
    if lacking:
        msg = f"it lacks the columns {', '.join(lacking)}"
        raise FileDamagedError(msg)
    wanted = list(names) if columns is None else [*ADDRESS, *columns]
    stored = [name for name in wanted if name in names and name not in partition_values]
    added = {name: partition_values.get(name) for name in wanted if name not in stored}
    for batch in parquet.iter_batches(batch_size=_BATCH_ROWS, columns=stored):
        if batch.num_rows:
            yield _completed(_addressed(_in_utc(batch)), added)


def _in_utc(batch: pa.RecordBatch) -> pa.RecordBatch:
    """`batch` with the time zone that Delta's instants have, where a file does not name it."""
    types = [_utc(column.type) for column in batch.columns]
    if types == [column.type for column in batch.columns]:
        return batch
    columns = [column.cast(wanted) for column, wanted in zip(batch.columns, types, strict=True)]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _utc(found: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(found):
        return pa.timestamp(found.unit, "UTC")
    if pa.types.is_struct(found):
        return pa.struct([field.with_type(_utc(field.type)) for field in found.fields])
    if pa.types.is_list(found):
        return pa.list_(found.value_field.with_type(_utc(found.value_type)))
    return found


def _without(deleted: BitMap64, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The rows whose numbers are not `deleted`."""
    if not deleted:
        yield from batches
        return
    start = 0
    for batch in batches:
        numbers = BitMap64(range(start, start + batch.num_rows)) - deleted
        kept = batch.take(pa.array([number - start for number in numbers], pa.int64()))
        start += batch.num_rows
        if kept.num_rows:
            yield kept


def _completed(batch: pa.RecordBatch, added: Mapping[str, str | None]) -> pa.RecordBatch:
    """`batch` with its partition values, and with nulls for columns that are younger than the file."""
    for name, value in added.items():
        count = batch.num_rows
        batch = batch.append_column(name, pa.nulls(count) if value is None else pa.repeat(pa.scalar(value), count))
    return batch


def _addressed(batch: pa.RecordBatch) -> pa.RecordBatch:
    """`batch` with `_partition` and `_offset` as int64, every one of them present and not negative."""
    for name in ADDRESS:
        column = batch.column(name)
        if not pa.types.is_integer(column.type) or column.null_count:
            msg = f"its column {name} is not a number in every row"
            raise FileDamagedError(msg)
        if pc.min(column).as_py() < 0:
            msg = f"its column {name} holds negative numbers"
            raise FileDamagedError(msg)
        if column.type != pa.int64():
            place = batch.schema.get_field_index(name)
            batch = batch.set_column(place, name, column.cast(pa.int64()))
    return batch


def damaged(file: DataFile, what: str) -> Finding:
    """The finding that `what` is wrong with `file`."""
    return file.blame(Code.FILE_DAMAGED, f"{file.path}: {what}")
