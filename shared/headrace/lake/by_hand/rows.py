"""What rows come in: whatever streams Arrow (frames of pandas and polars, Arrow's own), lazy frames, Parquet files.

They are taken batch by batch, so what is written is never held a second time as a whole, and a lazy frame never at all.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from typing import Protocol, TypeAlias, runtime_checkable

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pt

from headrace.errors import ConfigError, RowsRefusedError
from headrace.lake.by_hand.types import lost_index, misfits, table_schema, unnamed_index
from headrace.lake.failures import said
from headrace.lake.store import Store

_BATCH_ROWS = 65_536


@runtime_checkable
class ArrowStream(Protocol):
    """What gives its rows as a stream of Arrow: frames of polars, pandas from 2.2, tables and readers of Arrow."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The stream, by Arrow's PyCapsule interface."""
        ...


FilePath: TypeAlias = str | PathLike[str]
Rows: TypeAlias = ArrowStream | pl.LazyFrame | FilePath | Sequence[FilePath]
"""A frame, or the path or URI of a Parquet file, or several of these."""

Names: TypeAlias = str | Sequence[str]
"""One name, or several."""


def named(said: Names) -> tuple[str, ...]:
    """The columns of which one or several are named."""
    return (said,) if isinstance(said, str) else tuple(said)


@dataclass(frozen=True)
class Source:
    """Rows that wait to be read.

    Attributes:
        schema: as they come.
        batches: gives them; called once.
        told: where they come from, for messages.
        objects: columns of pandas that hold objects, whose types are guessed from the values they happen to have.
    """

    schema: pa.Schema
    batches: Callable[[], Iterator[pa.RecordBatch]]
    told: str
    objects: Collection[str] = ()


def sources_of(rows: Rows) -> list[Source]:
    """Where rows come from; every file is opened, and none is read yet.

    Raises:
        ConfigError: it is nothing that has rows, or a file is not there or is no Parquet file.
        RowsRefusedError: a frame cannot be told as Arrow.
        StoreError, AccessDeniedError: a file cannot be read.
    """
    if isinstance(rows, pl.LazyFrame):
        return [_lazy(rows)]
    if isinstance(rows, ArrowStream):
        return [_frame(rows)]
    if isinstance(rows, str | PathLike):
        return [_file(fspath(rows))]
    if isinstance(rows, Sequence) and rows and all(isinstance(path, str | PathLike) for path in rows):
        return [_file(fspath(path)) for path in rows]
    msg = (
        f"a {type(rows).__name__} has no rows that can be written: give a frame of polars, pandas (2.2 or newer) or "
        "Arrow, or paths of Parquet files"
    )
    raise ConfigError(msg)


def _lazy(rows: pl.LazyFrame) -> Source:
    try:
        schema = rows.collect_schema().to_frame().to_arrow().schema
    except pl.exceptions.PolarsError as error:
        msg = f"the LazyFrame cannot be collected: {said(error)}"
        raise RowsRefusedError(msg) from error

    def batches() -> Iterator[pa.RecordBatch]:
        for frame in rows.collect_batches(chunk_size=_BATCH_ROWS):
            yield from frame.to_arrow().to_batches()

    return Source(schema, batches, "the LazyFrame")


def _frame(rows: ArrowStream) -> Source:
    try:
        reader = pa.RecordBatchReader.from_stream(rows)
    except (pa.ArrowException, TypeError, ValueError) as error:
        msg = f"the {type(rows).__name__} cannot be told as Arrow: {said(error)}"
        raise RowsRefusedError(msg) from error
    return _with_index(Source(reader.schema, lambda: iter(reader), f"the {type(rows).__name__}", _objects(rows)))


def _objects(rows: ArrowStream) -> Collection[str]:
    items = getattr(getattr(rows, "dtypes", None), "items", tuple)  # frames of polars have a list there
    return {str(name) for name, kind in items() if str(kind) == "object"}


def _with_index(source: Source) -> Source:
    lost = lost_index(source.schema)
    if lost is not None:
        msg = f"the index {lost} of {source.told} does not come with its rows: reset_index() makes a column of it"
        raise RowsRefusedError(msg)
    return source


def _file(path: str) -> Source:
    folder, _, name = path.rpartition("/")
    store = Store(folder or ".")
    if store.local is not None and (store.local / name).is_dir():
        msg = f"{path} is a folder: name its files, as in sorted(Path({path!r}).glob('*.parquet')); nothing was written"
        raise ConfigError(msg)
    try:
        with store.open(name) as opened:
            schema = pq.ParquetFile(opened).schema_arrow
    except FileNotFoundError:
        msg = f"there is no file {path}: nothing was written"
        raise ConfigError(msg) from None
    except pa.ArrowException as error:
        msg = f"{path} is not a Parquet file, or a torn one ({said(error)}): nothing was written"
        raise ConfigError(msg) from error
    return _with_index(Source(schema, lambda: _read(store, name), path))


def _read(store: Store, name: str) -> Iterator[pa.RecordBatch]:
    with store.open(name) as opened:
        yield from pq.ParquetFile(opened).iter_batches(_BATCH_ROWS)


def schema_of(sources: Sequence[Source]) -> pa.Schema:
    """The columns of a new table for those rows: of the first source, which the others have to fit.

    Raises:
        RowsRefusedError: there is no such table.
    """
    first = sources[0].schema
    guessed = [field.name for field in first if pt.is_decimal(field.type) and field.name in sources[0].objects]
    if guessed:
        digits = ", ".join(f"{name!r}: pd.ArrowDtype(pa.decimal128(18, 4))" for name in guessed)
        msg = (
            f"{sources[0].told} does not say how many digits {', '.join(guessed)} may have, and those of a few values "
            f"are too few for others: say it, as in .astype({{{digits}}})"
        )
        raise RowsRefusedError(msg)
    return table_schema(pa.schema([field for field in first if field.name not in unnamed_index(first)]))


def fitted(sources: Sequence[Source], wanted: pa.Schema, *, needed: Sequence[str] = ()) -> Iterator[pa.RecordBatch]:
    """The rows as batches of a table's columns; what a table may lack is null where it did not come.

    That the columns fit is known before the first batch is asked for; that the values do when it comes.

    Args:
        sources: of the rows.
        wanted: columns of the table.
        needed: columns that have to come although the table may lack them.

    Raises:
        RowsRefusedError: columns or values do not fit; the message names them.
    """
    for source in sources:
        unfit = misfits(_without_index(source.schema), wanted, needed=needed)
        if unfit:
            msg = f"{source.told} does not fit: {'; '.join(unfit)}. Nothing was written"
            raise RowsRefusedError(msg)
    return _batches(sources, wanted)


def _without_index(found: pa.Schema) -> pa.Schema:
    left_out = unnamed_index(found)
    return pa.schema([field for field in found if field.name not in left_out])


def _batches(sources: Sequence[Source], wanted: pa.Schema) -> Iterator[pa.RecordBatch]:
    for source in sources:
        try:
            for batch in source.batches():
                for begin in range(0, batch.num_rows, _BATCH_ROWS):
                    yield _cast(batch.slice(begin, _BATCH_ROWS), wanted, source.told)
        except (pa.ArrowException, pl.exceptions.PolarsError) as error:
            msg = f"{source.told} cannot be read to its end ({said(error)}): nothing was written"
            raise RowsRefusedError(msg) from error


def _cast(batch: pa.RecordBatch, wanted: pa.Schema, told: str) -> pa.RecordBatch:
    columns = []
    for field in wanted:
        if field.name not in batch.schema.names:
            columns.append(pa.nulls(batch.num_rows, field.type))
            continue
        column = batch.column(field.name)
        try:
            columns.append(column.cast(field.type))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            msg = f"{told}: column {field.name} does not fit {field.type} exactly ({said(error)}). Nothing was written"
            raise RowsRefusedError(msg) from error
        if not field.nullable and column.null_count:
            msg = f"{told}: column {field.name} has nulls, and the table allows none there. Nothing was written"
            raise RowsRefusedError(msg)
    return pa.RecordBatch.from_arrays(columns, schema=wanted)
