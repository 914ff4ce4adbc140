"""A lake that is kept open tells of each table what is newest when it is asked, and opens it only when it changed."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import polars as pl
import pytest

from headrace.errors import ConfigError, TableDamagedError
from headrace.lake import Lake
from headrace.lake.resolving import Resolver
from tests.behaviour.upkeep import age_log, feed, maintain
from tests.behaviour.world import TABLE, World, fill


def rows(lake: Lake) -> int:
    return int(lake.read(TABLE).select(pl.len()).collect().item())


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A table's name for each time that one was opened."""
    found: list[str] = []
    real = Resolver.__init__

    def noted(self: Resolver, *arguments: Any) -> None:
        found.append(arguments[1])
        real(self, *arguments)

    monkeypatch.setattr(Resolver, "__init__", noted)
    return found


def test_each_question_sees_what_was_committed_before_it(memory_world: World) -> None:
    world, lake = memory_world, Lake(str(memory_world.root))
    for number in range(3):
        world.topic.append(fill(number))
        world.drain()
        assert rows(lake) == rows(lake) == number + 1
        assert lake.snapshot(TABLE).version == world.table().version()


def test_a_table_that_did_not_change_is_opened_once_whoever_asks(memory_world: World, opened: list[str]) -> None:
    memory_world.topic.append(fill(0))
    memory_world.drain()
    lake, together = Lake(str(memory_world.root)), Barrier(8)

    def ask(_: int) -> int:
        together.wait()
        return rows(lake)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {1}
    assert opened == [TABLE]


def test_a_snapshot_stays_what_it_was(memory_world: World) -> None:
    lake = Lake(str(memory_world.root))
    memory_world.topic.append(fill(0))
    memory_world.drain()
    before = lake.snapshot(TABLE)
    memory_world.topic.append(fill(1))
    memory_world.drain()
    assert rows(lake) == 2
    assert before.frame().collect().height == 1


def test_a_log_that_was_cut_meanwhile_is_read_anew(memory_world: World) -> None:
    lake = Lake(str(memory_world.root))
    feed(memory_world, 2)
    before = lake.snapshot(TABLE).version
    feed(memory_world, 12)
    memory_world.table().create_checkpoint()
    age_log(memory_world, days=40)
    feed(memory_world, 1)
    maintain(memory_world)
    log = {path.name for path in (memory_world.root / TABLE / "_delta_log").glob("*.json")}
    assert not log & {f"{before:020d}.json", f"{before + 1:020d}.json"}, "what tells that there is more is gone"
    assert lake.snapshot(TABLE).version == memory_world.table().version()


def test_a_table_that_was_made_anew_is_another_one(memory_world: World) -> None:
    lake = Lake(str(memory_world.root))
    memory_world.topic.extend([fill(number) for number in range(5)])
    memory_world.drain()
    assert rows(lake) == 5
    version = lake.snapshot(TABLE).version
    shutil.rmtree(memory_world.root)
    with pytest.raises(ConfigError, match=f"there is no table {TABLE}"):
        rows(lake)
    memory_world.topic.append(fill(5))
    memory_world.drain()
    assert memory_world.table().version() == version, "the same number"
    assert rows(lake) == 6


def test_a_small_table_that_is_kept_answers_without_its_files_until_it_changes(memory_world: World) -> None:
    world, lake = memory_world, Lake(str(memory_world.root), keep_mib=1)
    world.topic.append(fill(0))
    world.drain()
    assert rows(lake) == 1
    (file,) = (path for path in world.root.rglob("*.parquet") if "quarantine" not in str(path))
    away = file.rename(file.with_suffix(".away"))
    assert rows(lake) == 1
    assert lake.read(TABLE, where=pl.col("symbol") == "SPY", columns=["fill_id"]).collect().rows() == [("fill-0",)]
    away.rename(file)
    world.topic.append(fill(1))
    world.drain()
    assert rows(lake) == 2
    assert Lake(str(world.root), keep_mib=1e-6).snapshot(TABLE)._kept is None, "too large"


def test_a_table_that_is_to_be_kept_and_has_a_file_that_was_cut_short_is_told(memory_world: World) -> None:
    memory_world.topic.append(fill(0))
    memory_world.drain()
    (file,) = (path for path in memory_world.root.rglob("*.parquet") if "quarantine" not in str(path))
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    lake = Lake(str(memory_world.root), keep_mib=1)
    with pytest.raises(TableDamagedError, match=f"{file.name} .* it has {len(whole) // 2} bytes, the log says"):
        lake.snapshot(TABLE)
    file.write_bytes(whole)
    assert rows(lake) == 1
