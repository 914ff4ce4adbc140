"""What cannot be done by hand is said, and a store that fails leaves the whole change or nothing."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from headrace.errors import (
    ConfigError,
    MaintenanceHeldError,
    RowsRefusedError,
    StoreError,
    WrongTableError,
)
from headrace.lake import Lake
from headrace.lake.log import commit_path
from headrace.lake.store import Store
from headrace.lake.upkeep.lease import take_lease
from headrace.testing.manual_clock import ManualClock
from tests.behaviour.handmade import prices, rows

MOST_WRITES = 8


def no_zone() -> pl.DataFrame:
    return prices(1).with_columns(pl.col("at").dt.replace_time_zone(None))


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (no_zone, "column at holds times without a zone"),
        (
            lambda: prices(1).rename({"mark": "makr"}),
            "the table has no column makr; it has id, symbol, price, at, mark",
        ),
        (lambda: prices(1).with_columns(id=pl.lit("1")), "column id is .*string.*, the table has int64: cast it"),
        (lambda: prices(1).with_columns(price=pl.lit(Decimal("0.00001"))), "column price does not fit .* exactly"),
        (lambda: prices(1).with_columns(id=pl.lit(2**63, pl.UInt64)), "column id does not fit int64 exactly"),
        (lambda: pa.table({"id": [1], "ID": [1]}), "columns id are there more than once"),
    ],
)
def test_rows_that_do_not_fit_are_refused_by_name_and_nothing_is_written(
    disk: Lake, frame: Callable[[], Any], told: str
) -> None:
    disk.create("prices", prices(1))

    with pytest.raises(RowsRefusedError, match=told):
        disk.append("prices", frame())

    assert len(disk.history("prices")) == 1


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (no_zone, "column at holds times without a zone"),
        (lambda: pl.DataFrame({"a b": [1]}), "column 'a b' cannot be called so"),
        (lambda: pl.DataFrame({"a": [None]}), "column a holds nothing but nulls"),
        (lambda: pl.DataFrame({"a": [timedelta(1)]}), "column a is duration.*, which no Delta table can hold"),
        (pl.DataFrame, "there are no columns"),
    ],
)
def test_a_frame_that_can_be_no_table_is_refused(disk: Lake, frame: Callable[[], Any], told: str) -> None:
    with pytest.raises(RowsRefusedError, match=told):
        disk.create("new", frame())

    assert not disk.exists("new")


def test_a_merge_that_is_not_clear_is_refused_by_name(disk: Lake) -> None:
    disk.create("prices", prices(1, 2))

    with pytest.raises(RowsRefusedError, match="2 rows share a key with another one, such as id=7"):
        disk.merge("prices", prices(7, 7), on="id")
    with pytest.raises(RowsRefusedError, match="key column id is null in 1 rows"):
        disk.merge("prices", prices(1).with_columns(id=pl.lit(None, pl.Int64)), on="id")
    with pytest.raises(ConfigError, match="prices has no column idd; it has id, symbol, price, at, mark"):
        disk.merge("prices", prices(1), on="idd")
    with pytest.raises(ConfigError, match="id names a row and cannot be updated too"):
        disk.merge("prices", prices(1), on="id", update=["id"])
    with pytest.raises(RowsRefusedError, match="column price is missing"):
        disk.merge("prices", prices(1).drop("price"), on="id", update=["price"])
    assert len(disk.history("prices")) == 1


def test_names_files_and_rights_are_said_plainly(disk: Lake, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'a/b' cannot be the name of a table"):
        disk.create("a/b", prices(1))
    disk.create("prices", prices(1))
    with pytest.raises(WrongTableError, match="prices is there already"):
        disk.create("prices", prices(1))
    with pytest.raises(ConfigError, match="there is no table price under"):
        disk.append("price", prices(1))
    with pytest.raises(ConfigError, match="a dict has no rows that can be written: give a frame of polars"):
        disk.append("prices", {"id": [1]})  # type: ignore[arg-type]
    (tmp_path / "lake/file").write_text("")
    with pytest.raises(WrongTableError, match="file is a file"):
        disk.create("file", prices(1))


def test_a_table_that_is_maintained_now_is_not_optimized_beside(disk: Lake) -> None:
    disk.create("prices", prices(1))
    disk.append("prices", prices(2))
    lease = take_lease(Store(disk.store.root), "prices", "one/1", ManualClock())

    with pytest.raises(MaintenanceHeldError, match="prices is maintained by one/1"):
        disk.optimize("prices")
    lease.release()

    assert disk.optimize("prices").merges == 1


def test_files_that_are_about_to_be_deleted_are_not_restored(disk: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    disk.create("prices", prices(1))
    disk.replace("prices", prices(2))
    _removed_long_ago(disk, 1)
    delete = Store.delete

    def restored_before(self: Store, path: str) -> None:
        if path.endswith(".parquet"):
            with pytest.raises(MaintenanceHeldError):
                disk.restore("prices", 0)
        delete(self, path)

    monkeypatch.setattr(Store, "delete", restored_before)
    assert len(disk.vacuum("prices").files) == 1

    assert_frame_equal(rows(disk), prices(2))
    with pytest.raises(ConfigError, match="1 of its files were deleted"):
        disk.restore("prices", 0)


def test_a_table_that_nobody_maintains_until_somebody_looked_is_restored(disk: Lake) -> None:
    disk.create("prices", prices(1))
    disk.replace("prices", prices(2))
    lease = take_lease(disk.store, "prices", "one/1", ManualClock())
    lease.block("rows are gone")
    lease.release()

    assert disk.restore("prices", 0) == 2


def _removed_long_ago(lake: Lake, version: int) -> None:
    """As if that commit had been made two weeks ago."""
    path = commit_path("prices", version)
    actions = [json.loads(line) for line in lake.store.read(path).splitlines()]
    for action in actions:
        if "remove" in action:
            action["remove"]["deletionTimestamp"] -= 14 * 86_400_000
    lake.store.replace(path, "".join(f"{json.dumps(action)}\n" for action in actions).encode())


@pytest.mark.parametrize("operation", ["append", "replace", "merge", "restore"])
@pytest.mark.parametrize("done", [True, False])
def test_a_store_that_fails_at_any_write_leaves_the_whole_change_or_nothing(
    disk: Lake, monkeypatch: pytest.MonkeyPatch, operation: str, done: bool
) -> None:
    act: dict[str, Callable[[], object]] = {
        "append": lambda: disk.append("prices", prices(3), once="x"),
        "replace": lambda: disk.replace("prices", prices(2, mark="b")),
        "merge": lambda: disk.merge("prices", prices(2, 3, mark="b"), on="id"),
        "restore": lambda: disk.restore("prices", 0),
    }
    disk.create("prices", prices(1))
    disk.append("prices", prices(2))
    base = disk.snapshot("prices").version
    before = rows(disk)
    act[operation]()
    after = rows(disk)

    for failing in range(MOST_WRITES):
        disk.restore("prices", base)
        assert_frame_equal(rows(disk), before)
        with monkeypatch.context() as broken:
            numbers = _fail_at(broken, failing, done=done)
            try:
                act[operation]()
            except StoreError:
                assert_frame_equal(rows(disk), before)
            else:
                assert_frame_equal(rows(disk), after)
        act[operation]()
        assert_frame_equal(rows(disk), after)
        if next(numbers) <= failing:
            return
    pytest.fail("it writes more often than was tried")


def _fail_at(monkeypatch: pytest.MonkeyPatch, failing: int, *, done: bool) -> Iterator[int]:
    """The write of that number fails, when it was done or before; counts on."""
    numbers = count()

    def failing_one(write: Callable[[Store, str, bytes], object]) -> Callable[[Store, str, bytes], object]:
        def fail(self: Store, path: str, data: bytes) -> object:
            if next(numbers) != failing:
                return write(self, path, data)
            if done:
                write(self, path, data)
            msg = "the network went away"
            raise StoreError(msg)

        return fail

    for name in ("put", "create"):
        monkeypatch.setattr(Store, name, failing_one(getattr(Store, name)))
    return numbers


def test_what_is_asked_wrongly_is_said_plainly(disk: Lake, tmp_path: Path) -> None:
    disk.create("prices", prices(1))
    with pytest.raises(ConfigError, match=r'\Aprices: unable to find column "nope"; valid columns: \["id", .*\]\Z'):
        disk.read("prices", columns="nope")
    with pytest.raises(ConfigError, match=r'\Aprices: unable to find column "nope"'):
        disk.read("prices", where=pl.col("nope") == 1)
    for name in ("", "..", "../lake/prices"):
        with pytest.raises(ConfigError, match="cannot be the name of a table: tables are folders below"):
            disk.read(name)
    with pytest.raises(ConfigError, match=r"there is no table prices: .*elsewhere is no folder"):
        Lake(tmp_path / "elsewhere").read("prices")
    with pytest.raises(ConfigError, match="there is no table to be read under"):
        disk.consistent_at()
    with pytest.raises(ConfigError, match=r"prices has no property headrace\.event_time"):
        disk.consistent_at(tables="prices")
    with pytest.raises(ConfigError, match="time_travel_days is -1: name days"):
        disk.create("days", prices(1), time_travel_days=-1)
    assert disk.tables() == ["prices"]
