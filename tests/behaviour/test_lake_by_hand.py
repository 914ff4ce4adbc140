"""Tables that people write themselves, on a disk and in an object store."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Barrier
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

from headrace.errors import (
    CommitTimeoutError,
    ConfigError,
    RowsRefusedError,
)
from headrace.lake import Lake
from headrace.lake.by_hand import upkeep
from headrace.read.history import read_history
from headrace.testing.waiting import PATIENCE_SECONDS
from tests.behaviour.handmade import prices, rows

DAY = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


def test_a_frame_becomes_a_table_and_grows(lake: Lake) -> None:
    assert lake.create("prices", prices(1, 2), partition_by="symbol") == 0
    assert lake.append("prices", prices(3)) == 1

    assert_frame_equal(rows(lake), prices(1, 2, 3), check_column_order=False)
    assert_frame_equal(rows(lake, as_of=0), prices(1, 2), check_column_order=False)
    assert lake.exists("prices")
    assert not lake.exists("price")
    assert lake.tables() == ["prices"]
    assert [(done.kind, done.rows) for done in lake.history("prices")] == [("append", 1), ("create", 2)]


def test_a_merge_updates_what_is_there_and_adds_what_is_new(lake: Lake) -> None:
    lake.create("prices", prices(1, 2, 3), partition_by="symbol")

    merged = lake.merge("prices", prices(2, 3, 4, mark="b"), on="id", update=["mark"])

    assert (merged.version, merged.updated, merged.inserted) == (1, 2, 1)
    assert rows(lake)["mark"].to_list() == ["a", "b", "b", "b"]
    assert rows(lake)["id"].to_list() == [1, 2, 3, 4]
    (told,), (shown,) = lake.history("prices", 1), read_history(lake.store, "prices", 1).commits
    # One file was written again for each symbol, and row 1 lies in one of them.
    assert told.rows == shown.rows == 3
    again = lake.merge("prices", prices(2, 3, 4, mark="b"), on="id", update=["mark"])
    assert (again.version, again.updated, again.inserted) == (1, 0, 0)


def test_optimize_merges_files_in_order_and_keeps_every_row(lake: Lake) -> None:
    lake.create("prices", prices(*range(0, 50, 5)))
    for start in (1, 2, 3):
        lake.append("prices", prices(*range(start, 50, 5)))
    before = rows(lake)

    done = lake.optimize("prices", z_order=["symbol", "id"])

    assert (done.files_before, done.files_after, done.merges) == (4, 1, 1)
    assert_frame_equal(rows(lake), before)
    assert lake.read("prices").collect()["symbol"].to_list() == sorted(before["symbol"])
    assert lake.history("prices")[0].kind == "compact"


def test_a_deleted_table_is_gone_and_may_be_made_again(lake: Lake) -> None:
    lake.create("prices", prices(1))
    with pytest.raises(ConfigError, match="say its name once more"):
        lake.delete("prices", confirm="yes")
    assert lake.exists("prices")

    assert lake.delete("prices", confirm="prices").tables == ("prices",)

    assert not lake.exists("prices")
    with pytest.raises(ConfigError, match="there is no table prices"):
        lake.delete("prices", confirm="prices")
    lake.create("prices", prices(2))
    assert rows(lake)["id"].to_list() == [2]


def test_a_restored_version_is_the_newest_and_what_was_undone_stays_readable(lake: Lake) -> None:
    lake.create("prices", prices(1))
    lake.append("prices", prices(2), once="monday")
    lake.merge("prices", prices(1, mark="b"), on="id")

    assert lake.restore("prices", 0) == 3

    assert_frame_equal(rows(lake), prices(1))
    assert len(rows(lake, as_of=2)) == 2
    # What was undone can be done again, and what is there again cannot be doubled.
    assert lake.append("prices", prices(2), once="monday") == 4
    assert lake.restore("prices", 2) == 5
    assert lake.append("prices", prices(2), once="monday") == 5
    assert rows(lake)["mark"].to_list() == ["b", "a"]
    assert lake.restore("prices", 2) == 5


def test_many_writers_at_once_lose_and_double_nothing(lake: Lake) -> None:
    lake.create("prices", prices(0))
    gate = Barrier(4)

    def write(number: int) -> None:
        gate.wait(PATIENCE_SECONDS)
        if number % 2:
            lake.append("prices", prices(number))
        else:
            lake.merge("prices", prices(number, 0, mark=f"m{number}"), on="id", update=["mark"])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(1, 5)))

    assert rows(lake)["id"].to_list() == [0, 1, 2, 3, 4]
    assert len(lake.history("prices")) == 5


def test_vacuum_deletes_what_left_the_table_long_ago_and_nothing_sooner(disk: Lake, tmp_path: Path) -> None:
    disk.create("prices", prices(1))
    disk.replace("prices", prices(2))
    assert disk.vacuum("prices").files == ()
    with pytest.raises(ConfigError, match="keeps files that left it for 168 hours, and 24 are less"):
        disk.vacuum("prices", hours=24)
    log = tmp_path / "lake/prices/_delta_log/00000000000000000001.json"
    log.write_text(log.read_text().replace('"deletionTimestamp":1', '"deletionTimestamp":0'))

    (gone,) = disk.vacuum("prices", dry_run=True).files
    assert (tmp_path / "lake/prices" / gone).exists()
    assert disk.vacuum("prices").files == (gone,)
    assert not (tmp_path / "lake/prices" / gone).exists()
    assert_frame_equal(rows(disk), prices(2))


def test_an_append_under_a_name_happens_once(disk: Lake) -> None:
    disk.create("prices", prices(1))

    assert disk.append("prices", prices(2), once="2026-03-02") == 1
    assert disk.append("prices", prices(2), once="2026-03-02") == 1

    assert rows(disk)["id"].to_list() == [1, 2]


def test_parquet_files_are_appended_all_or_none(disk: Lake, tmp_path: Path) -> None:
    disk.create("prices", prices(0))
    paths = [tmp_path / f"{n}.parquet" for n in (1, 2)]
    for number, path in enumerate(paths, start=1):
        pq.write_table(prices(number).to_arrow(), path)
    torn = tmp_path / "torn.parquet"
    torn.write_bytes(b"PAR1")

    with pytest.raises(ConfigError, match=r"there is no file .*gone\.parquet"):
        disk.append("prices", [*paths, tmp_path / "gone.parquet"])
    with pytest.raises(ConfigError, match=r"torn\.parquet is not a Parquet file"):
        disk.append("prices", [*paths, torn])
    with pytest.raises(ConfigError, match=rf"{tmp_path} is a folder: name its files"):
        disk.append("prices", tmp_path)
    assert rows(disk)["id"].to_list() == [0]

    disk.append("prices", paths)
    assert rows(disk)["id"].to_list() == [0, 1, 2]


def test_a_merge_finds_rows_by_each_kind_of_key(disk: Lake) -> None:
    frame = prices(1, 2, 3).with_columns(day=pl.lit(date(2026, 3, 2)), share=pl.col("id") / 10)
    disk.create("prices", frame, partition_by="day")

    for key in ("price", "at", "day", "share", "symbol"):
        came = frame.unique(key, keep="first", maintain_order=True).with_columns(mark=pl.lit(key))
        merged = disk.merge("prices", came, on=key, update=["mark"])
        assert (merged.updated, merged.inserted) == (3, 0), key


def test_a_row_that_is_given_another_partition_moves_there(disk: Lake) -> None:
    disk.create("prices", prices(1, 2, 3), partition_by="symbol")

    disk.merge("prices", prices(1).with_columns(symbol=pl.lit("IWM")), on="id")

    assert rows(disk)["symbol"].to_list() == ["IWM", "QQQ", "SPY"]
    assert disk.read("prices", where=pl.col("symbol") == "IWM").collect()["id"].to_list() == [1]


def test_numbers_that_are_none_and_nulls_are_found_by_every_filter(disk: Lake) -> None:
    frame = pl.DataFrame({"id": [1, 2, 3], "x": [1.0, float("nan"), float("inf")], "s": ["a", None, "x" * 5000]})
    disk.create("odd", frame)

    assert_frame_equal(rows(disk, "odd"), frame)
    assert disk.read("odd", where=pl.col("x").is_nan()).collect()["id"].to_list() == [2]
    assert disk.read("odd", where=pl.col("s") > "w").collect()["id"].to_list() == [3]


def test_a_table_is_copied_and_its_rows_are_deleted_by_what_they_say(disk: Lake) -> None:
    disk.create("prices", prices(*range(10)), partition_by="symbol")
    disk.append("prices", prices(10))
    disk.create("copy", disk.read("prices", as_of=0))
    seen = disk.snapshot("copy")

    assert disk.replace("copy", seen.frame().filter(pl.col("id") > 7), if_version=0) == 1
    with pytest.raises(CommitTimeoutError, match="copy is at version 1 and no longer at 0"):
        disk.replace("copy", seen.frame(), if_version=0)

    assert rows(disk, "copy")["id"].to_list() == [8, 9]
    assert len(rows(disk)) == 11


def test_columns_are_added_and_old_rows_have_null(disk: Lake) -> None:
    disk.create("prices", prices(1))
    more = pl.DataFrame(schema={"mark": pl.String, "note": pl.String, "rank": pl.Int32})

    assert disk.add_columns("prices", more) == 1
    assert disk.add_columns("prices", more) == 1
    with pytest.raises(RowsRefusedError, match="prices has rank as int32, not string: a column keeps its type"):
        disk.add_columns("prices", pl.DataFrame(schema={"rank": pl.String}))
    with pytest.raises(RowsRefusedError, match="prices has note, and Note is the same to readers"):
        disk.add_columns("prices", pl.DataFrame(schema={"Note": pl.String}))

    disk.append("prices", prices(2).with_columns(note=pl.lit("new")))
    disk.merge("prices", prices(1).select("id", note=pl.lit("mended")), on="id")
    assert rows(disk).select("id", "note", "rank").rows() == [(1, "mended", None), (2, "new", None)]
    disk.optimize("prices", z_order=["rank", "id"])
    assert rows(disk)["note"].to_list() == ["mended", "new"]
    assert disk.restore("prices", 0) == 5
    assert "note" not in rows(disk).columns


def test_frames_of_pandas_are_written_and_what_their_types_cannot_say_is_refused(disk: Lake) -> None:
    first: Any = prices(1, 2).to_pandas()
    with pytest.raises(RowsRefusedError, match=r"how many digits price may have.*'price': pd\.ArrowDtype\(pa\.decimal"):
        disk.create("prices", first)
    disk.create("prices", prices(1, 2).to_pandas(use_pyarrow_extension_array=True))
    disk.append("prices", prices(3).to_pandas().set_index("id"))
    disk.merge("prices", prices(3, 4, mark="b").to_pandas()[["id", "mark"]], on="id")
    disk.append("prices", first.assign(id=[5, 6], mark=first["mark"].astype("category")).iloc[1:])

    assert_frame_equal(rows(disk).head(2), prices(1, 2), check_column_order=False)
    assert rows(disk).select("id", "mark").rows() == [(1, "a"), (2, "a"), (3, "b"), (4, "b"), (6, "a")]
    for frame, told in (
        (first.assign(at=first["at"].dt.tz_localize(None)), "column at holds times without a zone"),
        (first.assign(id=[1.5, 2.0]), "column id is double, the table has int64: cast it"),
        (first.assign(mark=[1, "x"]), "the DataFrame cannot be told as Arrow: .*mark"),
    ):
        with pytest.raises(RowsRefusedError, match=told):
            disk.append("prices", frame)


def pandas_like(index: object, **columns: list[object]) -> pa.Table:
    """What a frame of pandas streams: its index as columns, or only in a note."""
    return pa.table(columns).replace_schema_metadata({"pandas": json.dumps({"index_columns": [index]})})


def test_an_index_of_pandas_is_a_column_by_its_name_and_is_never_lost(disk: Lake) -> None:
    numbering = pandas_like("__index_level_0__", id=[1], __index_level_0__=[7])
    disk.create("t", numbering)
    disk.append("t", numbering)
    assert disk.read("t").collect().rows() == [(1,), (1,)]

    days = pandas_like("__index_level_0__", id=[1], __index_level_0__=[DAY])
    with pytest.raises(RowsRefusedError, match="the index has no name: name it, or leave it out"):
        disk.append("t", days)
    counting = {"kind": "range", "name": "day", "start": 0, "stop": 1, "step": 1}
    with pytest.raises(
        RowsRefusedError, match=r"the index day of the Table does not come with its rows: reset_index\(\)"
    ):
        disk.append("t", pandas_like(counting, id=[1]))
    disk.append("t", pandas_like({**counting, "name": None}, id=[1]))


def test_optimize_writes_a_checkpoint_where_the_log_has_become_long(
    disk: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(upkeep, "CHECKPOINT_VERSIONS", 4)
    disk.create("prices", prices(1))
    assert disk.optimize("prices").told == "no files are worth merging"
    disk.append("prices", prices(2), once="x")
    disk.append("prices", prices(3))
    disk.optimize("prices")

    log = tmp_path / "lake/prices/_delta_log"
    assert [path.name[:20] for path in log.glob("*.checkpoint.parquet")] == [f"{3:020d}"]
    # All that a version is made of is told by a checkpoint, too.
    assert disk.append("prices", prices(2), once="x") == 3
    disk.add_columns("prices", pl.DataFrame(schema={"note": pl.String}))
    disk.restore("prices", 1)
    assert_frame_equal(rows(disk), prices(1, 2))
