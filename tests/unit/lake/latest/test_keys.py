"""Where keys lie, whatever of it is remembered."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

import headrace.lake.latest.keys
from headrace.lake.datafile import FileLayout, write_file
from headrace.lake.latest.keys import KeyIndex, Wanted
from headrace.lake.latest.live import LiveFile
from headrace.lake.latest.order import FILE, OFFSET, ROW, Naming
from headrace.lake.schema import INSTANT
from headrace.lake.store import Store

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
NAMING = Naming(("desk", "name", "at"), "at")
LAYOUT = FileLayout("t", "desk", ("name", "at"))


def rows(first: int, count: int) -> pa.Table:
    numbers = range(first, first + count)
    return pa.table(
        {
            "name": [f"n{number:04d}" for number in numbers],
            "at": pa.array([NOON + timedelta(seconds=number) for number in numbers], INSTANT),
            "_kafka_timestamp": pa.nulls(count, INSTANT),
            "_partition": pa.array([0] * count, pa.int32()),
            "_offset": pa.array(numbers, pa.int64()),
        }
    )


def wanted(*numbers: int, desk: str = "A") -> Wanted:
    names = [f"n{number:04d}" for number in numbers]
    times = [NOON + timedelta(seconds=number) for number in numbers]
    asked = pl.DataFrame({"desk": [desk] * len(numbers), "name": names, "at": times})
    return Wanted(asked.cast({"at": pl.Datetime("us", "UTC")}), NAMING.key)


@pytest.fixture
def files(tmp_path: Path) -> list[LiveFile]:
    store = Store(str(tmp_path))
    made = [write_file(store, LAYOUT, rows(first, 100), "A") for first in range(0, 1_000, 100)]
    stats = [json.loads(file.stats) for file in made]
    return [LiveFile(f.path, f.size, f.partition_values, s) for f, s in zip(made, stats, strict=True)]


@pytest.mark.parametrize("limit", [0, 1 << 30], ids=["forgetful", "remembering"])
@pytest.mark.parametrize("few", [0, 100], ids=["indexed", "looked through"])
def test_keys_are_found_in_the_files_that_hold_them(
    tmp_path: Path, files: list[LiveFile], monkeypatch: pytest.MonkeyPatch, limit: int, few: int
) -> None:
    monkeypatch.setattr(headrace.lake.latest.keys, "FEW", few)
    monkeypatch.setattr(headrace.lake.latest.keys, "_TOGETHER", 250)
    index = KeyIndex(Store(str(tmp_path)), "t", NAMING, limit=limit)
    for numbers in ([3, 250, 999], [5_000], [0, 100, 200], [3], range(0, 1_000, 7)):
        asked = wanted(*numbers)
        found = pl.concat(index.find(files, asked))
        places = sorted(found.select(OFFSET, ROW, FILE).iter_rows())
        assert places == [(n, n % 100, files[n // 100].path) for n in numbers if n < 1_000]


def test_statistics_rule_files_out(files: list[LiveFile]) -> None:
    assert [n for n, file in enumerate(files) if wanted(250).may_be_in(file)] == [2]
    assert not any(wanted(5_000).may_be_in(file) for file in files)
    assert not any(wanted(250, desk="B").may_be_in(file) for file in files)
    unknown = LiveFile(files[0].path, 1, {"desk": "A"}, {"numRecords": 100})
    assert wanted(250).may_be_in(unknown)


def test_a_highest_value_that_another_tool_cut_to_milliseconds_rules_nothing_out() -> None:
    at = NOON + timedelta(microseconds=999)
    asked = Wanted(
        pl.DataFrame({"desk": ["A"], "name": ["n"], "at": [at]}).cast({"at": pl.Datetime("us", "UTC")}), NAMING.key
    )
    cut = {"minValues": {"at": "2026-03-02T12:00:00.000Z"}, "maxValues": {"at": "2026-03-02T12:00:00.000Z"}}
    assert asked.may_be_in(LiveFile("f", 1, {"desk": "A"}, {"numRecords": 1, **cut}))
    later = {"minValues": {"at": "2026-03-02T12:00:00.002Z"}, "maxValues": {"at": "2026-03-02T12:00:00.002Z"}}
    assert not asked.may_be_in(LiveFile("f", 1, {"desk": "A"}, {"numRecords": 1, **later}))
    before = {"minValues": {"at": "2026-03-02T11:59:59.997Z"}, "maxValues": {"at": "2026-03-02T11:59:59.999Z"}}
    assert not asked.may_be_in(LiveFile("f", 1, {"desk": "A"}, {"numRecords": 1, **before}))
