"""Time travel tried on the store itself: with a small table beside the others, which is removed again."""

from dataclasses import dataclass
from typing import cast

import pyarrow as pa

from headrace.errors import InvariantError
from headrace.lake.by_hand.appending import append
from headrace.lake.by_hand.creating import Design, make_table
from headrace.lake.canary import new_trial, remove_trial
from headrace.lake.log import open_table
from headrace.lake.store import Store


@dataclass(frozen=True, slots=True)
class TimeTravel:
    """Rows that were read of each version of a table which got a row with each."""

    rows: tuple[int, ...]


def try_time_travel(store: Store) -> TimeTravel:
    """Makes a table of one row, adds another one, and reads both versions.

    Raises:
        InvariantError: an older version does not say what it said.
        UnsafeStoreError: the store does not keep two writers apart.
        StoreError, AccessDeniedError: the store cannot be written or read.
    """
    table = new_trial()
    try:
        make_table(store, table, pa.table({"x": [0]}), Design())
        append(store, table, pa.table({"x": [1]}))
        found = tuple(_rows(store, table, version) for version in (0, 1))
    finally:
        remove_trial(store, table)
    if found != ([0], [0, 1]):
        msg = f"{store.root}: versions of a test table say {found}, and not what was written: time travel does not work"
        raise InvariantError(msg)
    return TimeTravel(tuple(map(len, found)))


def _rows(store: Store, table: str, version: int) -> list[int]:
    read = pa.table(open_table(store, table, version=version).to_pyarrow_table())
    return sorted(cast("list[int]", read["x"].to_pylist()))
