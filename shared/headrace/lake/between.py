"""Rows of a table of records, by where they came from."""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import or_

import pyarrow as pa
import pyarrow.dataset as ds
from deltalake.exceptions import DeltaError

from headrace.lake.damage import damage
from headrace.lake.failures import said, store_failure
from headrace.lake.log import open_table
from headrace.lake.store import Store
from headrace.offsets import OffsetRange

_BATCH_ROWS = 131_072


def rows_between(
    store: Store, table: str, windows: Mapping[int, OffsetRange], columns: Sequence[str]
) -> Iterator[pa.Table]:
    """The rows of some offsets of each partition, some at a time and in no order.

    Files whose statistics say that they hold none of them are not opened.

    Args:
        store: where the table lies.
        table: its folder; deltalake has to be able to read it.
        windows: by partition.
        columns: to be read.

    Raises:
        FileNotFoundError: no table is there.
        TableDamagedError: a file is not what the log says it is.
        StoreError, AccessDeniedError: it cannot be read.
    """
    partition, offset = ds.field("_partition"), ds.field("_offset")
    wanted = [(partition == p) & (offset >= window.start) & (offset < window.end) for p, window in windows.items()]
    if not wanted:
        return
    handle = open_table(store, table)
    try:
        # Without reading ahead: what is read is held as long as a batch takes to be applied.
        batches = handle.to_pyarrow_dataset().to_batches(
            columns=list(columns),
            filter=reduce(or_, wanted),
            batch_size=_BATCH_ROWS,
            batch_readahead=1,
            fragment_readahead=1,
        )
        for batch in batches:
            if batch.num_rows:
                yield pa.Table.from_batches([batch])
    except MemoryError:  # pyarrow's is an ArrowException, too
        raise
    except pa.ArrowException as error:
        what = f"a file of {table}"
        raise damage(what, said(error)) from error
    except (DeltaError, OSError) as error:
        raise store_failure(error, f"reading {store.uri(table)}") from error
