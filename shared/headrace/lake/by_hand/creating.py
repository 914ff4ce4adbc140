"""A table from a frame: its columns, and its rows in the same commit."""

import re
import uuid
from dataclasses import dataclass

from deltalake import Schema

from headrace.contracts import QUARANTINE_SUFFIX
from headrace.errors import ConfigError, WrongTableError
from headrace.lake.by_hand.opening import by_whom
from headrace.lake.by_hand.rows import Rows, fitted, schema_of, sources_of
from headrace.lake.by_hand.writing import changed, check_partition, plain_layout, write_rows
from headrace.lake.canary import prove_conflicts
from headrace.lake.latest.live import addition
from headrace.lake.log import note_of
from headrace.lake.retention import retention_properties
from headrace.lake.store import Store
from headrace.lake.tables import BY_HAND, TableSpec, create_table, exists

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]{0,99}")


@dataclass(frozen=True, slots=True)
class Design:
    """What a new table is beside its columns.

    Attributes:
        partition_by: a column of texts, whole numbers or days, with few values; None for none.
        description: in the table's metadata.
        time_travel_days: for how long the last version of each day can be read; 0 for as long as files are kept.
    """

    partition_by: str | None = None
    description: str = ""
    time_travel_days: int = 0


def create(store: Store, table: str, rows: Rows, design: Design) -> int:
    """Makes a table of those rows; readers see none of it, or all. Returns its version, 0.

    Raises:
        ConfigError: no table can have that name, or there are no rows to be had.
        WrongTableError: a table or a file lies there already.
        RowsRefusedError: no table can have these columns or values.
        UnsafeStoreError: the store does not keep two writers apart.
        StoreError, AccessDeniedError: the store failed; there is no table.
    """
    _check_name(table)
    if design.time_travel_days < 0:
        msg = f"time_travel_days is {design.time_travel_days}: name days, or 0 to keep no version of a day"
        raise ConfigError(msg)
    make_table(store, table, rows, design)
    return 0


def make_table(store: Store, table: str, rows: Rows, design: Design) -> None:
    """As `create`, in a folder of whatever name."""
    if exists(store, table):
        raise _there_already(store, table)
    sources = sources_of(rows)
    columns = schema_of(sources)
    if design.partition_by is not None:
        check_partition(columns, design.partition_by)
    batches = fitted(sources, columns)
    store.make_root()
    prove_conflicts(store)
    files = write_rows(store, plain_layout(table, columns, design.partition_by), batches)
    batch = uuid.uuid4().hex
    spec = TableSpec(
        name=table,
        schema=Schema.from_arrow(columns),
        partition_by=() if design.partition_by is None else (design.partition_by,),
        description=design.description,
        properties={**retention_properties(design.time_travel_days), BY_HAND: "true"},
        txns={},
    )
    note = {"batch": batch, "worker": by_whom(), **changed(files)}
    made = create_table(store, spec, actions=map(addition, files), note=note)
    # A store that repeats a request says that somebody else was first, and it was we.
    if not made and note_of(store, table, 0).get("batch") != batch:
        raise _there_already(store, table)


def _check_name(table: str) -> None:
    if _NAME.fullmatch(table) is None or table.endswith(QUARANTINE_SUFFIX):
        msg = f"{table!r} cannot be the name of a table: letters, digits and _, not ending in {QUARANTINE_SUFFIX}"
        raise ConfigError(msg)


def _there_already(store: Store, table: str) -> WrongTableError:
    msg = f"{store.uri(table)} is there already: append or merge rows, replace them, or choose another name"
    return WrongTableError(msg)
