"""Columns added to a table that was made by hand; rows that are there have null in them."""

import json

import pyarrow as pa
from deltalake import Schema

from headrace.errors import RowsRefusedError
from headrace.lake.by_hand.committing import Change, make
from headrace.lake.by_hand.rows import Rows, schema_of, sources_of
from headrace.lake.by_hand.writing import columns_of
from headrace.lake.log import DeltaLog
from headrace.lake.metadata import metadata_at, with_columns
from headrace.lake.store import Store

_ADDING = "add columns"


def add_columns(store: Store, table: str, like: Rows) -> int:
    """Gives a table the columns of `like` that it lacks, in one commit. Its rows are not touched, and none is added.

    Returns:
        The version that has them; the newest if there was nothing to add.

    Raises:
        ConfigError: there is no such table, or `like` is nothing that has columns.
        WrongTableError: workers fill it, or another tool gave it what is not known here.
        RowsRefusedError: no table can have these columns, or it has one of them with another type.
        CommitTimeoutError: other commits kept coming first.
        StoreError, AccessDeniedError: the store failed; the columns are there, or nothing changed.
    """
    wanted = schema_of(sources_of(like))

    def plan(newest: DeltaLog) -> Change | None:
        there = columns_of(newest)
        _check_types(table, there, wanted)
        added = pa.schema([field for field in wanted if field.name not in there.names])
        if not added.names:
            return None
        fields = json.loads(Schema.from_arrow(added).to_json())["fields"]
        action = with_columns(metadata_at(store, table, newest.version), fields, {})
        return Change("schema", "ADD COLUMN", [action], note={"columns": added.names})

    return make(store, table, _ADDING, plan)


def _check_types(table: str, there: pa.Schema, wanted: pa.Schema) -> None:
    lower = {name.lower(): name for name in there.names}
    for field in wanted:
        name = lower.get(field.name.lower())
        if name is None:
            continue
        if name != field.name:
            msg = f"{table} has {name}, and {field.name} is the same to readers: choose another name"
            raise RowsRefusedError(msg)
        if there.field(name).type != field.type:
            msg = f"{table} has {name} as {there.field(name).type}, not {field.type}: a column keeps its type"
            raise RowsRefusedError(msg)
