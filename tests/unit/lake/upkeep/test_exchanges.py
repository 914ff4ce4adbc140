"""An exchange that another library version let through although it must not: noticed afterwards."""

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from headrace.errors import InvariantError
from headrace.lake.store import Store
from headrace.lake.upkeep.exchanges import check_exchange, take_snapshot


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A table of three files with a row each, at version 2."""
    for number in range(3):
        write_deltalake(str(tmp_path / "t"), pa.table({"x": [number]}), mode="append")
    return Store(str(tmp_path))


def commit(store: Store, removed: Sequence[str], added: str, *, rows: int) -> int:
    """A commit that nobody checked."""
    version = DeltaTable(store.uri("t")).version() + 1
    add = {"path": added, "partitionValues": {}, "size": 1, "modificationTime": 0, "dataChange": False}
    actions: list[object] = [
        {"remove": {"path": path, "dataChange": False, "deletionTimestamp": 0}} for path in removed
    ]
    actions += [{"add": {**add, "stats": json.dumps({"numRecords": rows})}}]
    store.put(f"t/_delta_log/{version:020d}.json", "\n".join(map(json.dumps, actions)).encode())
    return version


def test_an_exchange_beside_appends_is_right(store: Store) -> None:
    before = take_snapshot(store, "t")
    write_deltalake(store.uri("t"), pa.table({"x": [7]}), mode="append")
    made = commit(store, list(before.rows), "all.parquet", rows=3)
    write_deltalake(store.uri("t"), pa.table({"x": [8]}), mode="append")

    check_exchange(store, before, made)


def test_two_that_overlap_are_noticed(store: Store) -> None:
    before = take_snapshot(store, "t")
    commit(store, list(before.rows), "first.parquet", rows=3)
    made = commit(store, list(before.rows), "second.parquet", rows=3)

    with pytest.raises(InvariantError, match="which another commit had replaced before"):
        check_exchange(store, before, made)


def test_rows_that_came_or_went_are_noticed(store: Store) -> None:
    before = take_snapshot(store, "t")
    made = commit(store, list(before.rows), "all.parquet", rows=2)

    with pytest.raises(InvariantError, match="it turned 3 rows into 2"):
        check_exchange(store, before, made)


def test_a_library_that_sees_other_files_than_the_commits_say_is_noticed(store: Store) -> None:
    before = take_snapshot(store, "t")
    made = commit(store, list(before.rows), "all.parquet", rows=3)
    DeltaTable(store.uri("t")).create_checkpoint()
    checkpoint = Path(store.uri("t")) / "_delta_log" / f"{made:020d}.checkpoint.parquet"
    actions = pq.read_table(checkpoint)
    lost = pc.is_valid(pc.struct_field(actions["add"], "path"))
    pq.write_table(actions.filter(pc.invert(lost)), checkpoint)

    with pytest.raises(InvariantError, match=r"the library and the commits disagree on 1 files: all\.parquet"):
        check_exchange(store, before, made)
