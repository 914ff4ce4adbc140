"""What `changes` tells of two versions is what is different between them, however the rows lie in files."""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import Field
from deltalake.schema import PrimitiveType

from headrace.errors import ConfigError, WrongTableError
from headrace.lake import EventTime, KafkaPosition, Lake
from headrace.lake.store import Store
from headrace.read.audit import changes, quality, row_origins
from headrace.read.history import read_history
from tests.behaviour.latest import LatestWorld
from tests.behaviour.made_up import contract_for, tight_contract_for
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.upkeep import COLD, feed, maintain
from tests.behaviour.world import TABLE, Command, Row, World, fill, poison

ADDRESS = ("_partition", "_offset")
Pairs = dict[tuple[Any, ...], tuple[Row | None, Row | None]]


@pytest.fixture
def latest(tmp_path: Path) -> LatestWorld:
    return LatestWorld("memory", MemoryTopic(2), tmp_path)


def told(world: World, since: int, until: int | None = None, table: str = TABLE) -> Pairs:
    """What changed: before and after by the name of the row; names are unique and kinds are right."""
    frame = changes(Lake(str(world.root)), table, since, until).collect()
    names = frame.columns[1:-2]
    pairs: Pairs = {}
    for row in frame.to_dicts():
        name = tuple(row[each] for each in names)
        assert name not in pairs
        before, after = pairs[name] = row["before"], row["after"]
        assert row["_change"] == ("insert" if before is None else "delete" if after is None else "update")
        assert all(tuple(side[each] for each in names) == name for side in (before, after) if side)
    return pairs


def rows(world: World, version: int, name: Sequence[str], table: str = TABLE) -> Mapping[tuple[Any, ...], Row]:
    """All rows of a version by their name, as polars reads them."""
    found = pl.read_delta(str(world.root / table), version=version).to_dicts()
    return {tuple(row[each] for each in name): row for row in found}


def assert_right(world: World, name: Sequence[str], table: str = TABLE) -> None:
    """Over all versions, over half of them, and over each of the last steps, changes are what two frames say."""
    kinds = [commit.kind for commit in read_history(Store(str(world.root)), table, 1000).commits]
    kept = [version for version, kind in enumerate(reversed(kinds)) if kind != "claim"]
    asked = {*pairwise(kept[-5:]), (kept[0], kept[-1]), (kept[len(kept) // 2], kept[-1])}
    held = {version: rows(world, version, name, table) for version in {each for pair in asked for each in pair}}
    for first, last in asked:
        old, new = held[first], held[last]
        expected = {key: (old.get(key), new.get(key)) for key in old.keys() | new.keys()}
        expected = {key: pair for key, pair in expected.items() if pair[0] != pair[1]}
        assert told(world, first, last, table) == expected, (first, last)


def test_of_an_event_log_the_rows_that_were_added_are_told_and_merging_adds_none(memory_world: World) -> None:
    world = memory_world
    feed(world, 4, days=2)
    before = world.table().version()
    maintain(world, COLD)
    assert world.table().version() == before + 2
    assert told(world, before) == {}
    world.topic.extend([fill(n) for n in range(5)])
    world.drain()
    world.table().optimize.compact()

    assert len(told(world, before)) == 5
    assert_right(world, ADDRESS)


def test_a_partition_that_came_later_and_a_start_that_is_not_the_beginning_are_no_exception(
    memory_world: World,
) -> None:
    world = memory_world
    world.topic.extend([fill(n) for n in range(9)])
    world.drain(start="latest")
    world.topic.add_partitions(2)
    world.topic.extend([fill(n) for n in range(10)])
    world.drain()

    assert len(told(world, 0)) == 10
    assert_right(world, ADDRESS)


def test_what_a_replay_brought_home_is_told_and_in_the_quarantine_that_it_was(memory_world: World) -> None:
    world = memory_world
    world.contract = tight_contract_for(world.topic.name)
    for number in range(3):
        world.topic.extend([fill(600 + number), fill(number), poison(number)])
        world.drain(quarantine_max_ratio=1.0)
    before, quarantined = world.table().version(), world.table(f"{TABLE}__quarantine").version()
    world.contract = contract_for(world.topic.name)
    world.replay()
    world.table().optimize.compact()
    world.topic.append(fill(9))
    world.drain()

    found = told(world, before)
    assert sorted(after["fill_id"] for _, after in found.values() if after) == [
        *("fill-600", "fill-601", "fill-602"),
        "fill-9",
    ]
    assert_right(world, ADDRESS)
    marked = told(world, quarantined, table=f"{TABLE}__quarantine")
    assert sorted((b["resolution"], a["resolution"]) for b, a in marked.values() if a and b) == [(None, "replayed")] * 3
    assert_right(world, ADDRESS, f"{TABLE}__quarantine")


def test_what_another_tool_deleted_and_changed_is_told(memory_world: World) -> None:
    world = memory_world
    feed(world, 3)
    table = world.table()
    landed = table.version()
    table.delete("_partition = 1 AND _offset < 3")
    table.update(updates={"price": "price + 1"}, predicate="_partition = 0")
    table.restore(2)
    world.topic.append(fill(1))

    assert_right(world, ADDRESS)
    assert {kind for kind in map(_kind, told(world, landed - 1, landed + 1).values())} >= {"insert"}


def _kind(pair: tuple[Row | None, Row | None]) -> str:
    before, after = pair
    return "insert" if before is None else "delete" if after is None else "update"


@pytest.mark.parametrize("small", [0, 4096], ids=["vectors", "merged"])
def test_of_latest_rows_what_was_before_and_after_is_told(
    latest: LatestWorld, monkeypatch: pytest.MonkeyPatch, small: int
) -> None:
    monkeypatch.setattr("headrace.lake.latest.merging.SMALL", small)
    for account in range(20):
        latest.send(account, at=0, desk="AB"[account % 2])
    latest.drain()
    for turn in range(1, 6):
        for account in range(turn, 12, 3):
            latest.send(account, at=turn, price=turn, desk="ABC"[(account + turn) % 3])
        latest.send(100 + turn, at=turn)
        latest.send(15, at=-turn)
        if turn % 2:
            latest.forget(turn)
        latest.drain()

    assert_right(latest, ["account"])


def test_a_column_that_came_later_is_null_in_rows_from_before(memory_world: World) -> None:
    memory_world.topic.extend([fill(n) for n in range(3)])
    memory_world.drain()
    memory_world.table().alter.add_columns(Field("note", PrimitiveType("string")))

    found = told(memory_world, 0)
    assert [after["note"] for _, after in found.values() if after] == [None] * 3
    assert told(memory_world, memory_world.table().version() - 1) == {}


def test_names_of_folders_are_not_taken_for_values(latest: LatestWorld) -> None:
    latest.send(1, at=0, desk="a/b:c")
    latest.drain()
    before = latest.table().version()
    latest.send(1, at=1, desk="a/b:c", price=3)
    latest.drain()

    ((was, now),) = told(latest, before).values()
    assert was is not None
    assert now is not None
    assert (was["desk"], now["desk"], now["price"]) == ("a/b:c", "a/b:c", 3)


def test_tables_in_an_object_store_tell_the_same(latest: LatestWorld, objects: str) -> None:
    for turn in range(2):
        for account in range(4):
            latest.send(account, at=turn, price=turn)
        latest.send(10 + turn, at=turn, desk="a/b")
        latest.drain()
    there = Store(objects)
    for path in filter(Path.is_file, latest.root.rglob("*")):
        there.put(path.relative_to(latest.root).as_posix(), path.read_bytes())

    here, elsewhere = Lake(str(latest.root)), Lake(objects)
    told_here, told_there = (changes(lake, TABLE, 2).sort("account").collect() for lake in (here, elsewhere))
    assert (len(told_here), told_here.rows()) == (5, told_there.rows())
    asked = [pl.col("desk") == "a/b"]
    assert row_origins(here, TABLE, asked) == row_origins(elsewhere, TABLE, asked)
    assert quality(here, latest.contract) == quality(elsewhere, latest.contract)


def test_the_command_tells_what_changed(latest: LatestWorld, command: Command) -> None:
    for account in (1, 2, 3):
        latest.send(account, at=0)
    latest.drain()
    before = latest.table().version()
    latest.send(1, at=1, price=7)
    latest.send(4, at=1)
    latest.forget(2)
    latest.drain()

    code, out = command(latest, "audit", "changes", TABLE, str(before))
    lines = out.splitlines()
    assert code == 0
    newest = latest.table().version()
    assert lines[0] == f"{TABLE}, version {before} to {newest}: 1 inserted, 1 updated, 1 deleted"
    assert [line.split()[:2] for line in lines[2:]] == [["1", "update"], ["2", "delete"], ["4", "insert"]]
    assert "price: 0.0000 -> 7.0000" in lines[2]

    _code, out = command(latest, "audit", "changes", TABLE, str(before), "--json", "--limit", "2")
    report = json.loads(out)
    assert report["counts"] == {"insert": 1, "update": 1, "delete": 1}
    assert [(each["_change"], each["account"]) for each in report["changes"]] == [("update", "1"), ("delete", "2")]
    assert (report["changes"][0]["before"]["price"], report["changes"][0]["after"]["price"]) == ("0.0000", "7.0000")

    file = latest.folder / "changes.parquet"
    code, out = command(latest, "audit", "changes", TABLE, str(before), "--output", str(file))
    assert (code, len(out.splitlines())) == (0, 1)
    written = pl.read_parquet(file)
    assert sorted(written["_change"]) == ["delete", "insert", "update"]


def test_what_cannot_be_told_is_refused_with_what_to_do(memory_world: World, command: Command) -> None:
    world = memory_world
    feed(world, 2)
    lake = Lake(str(world.root))
    with pytest.raises(ConfigError, match="name the earlier one first"):
        changes(lake, TABLE, 3, 1)
    rows = lake.read(TABLE).collect().sort("_offset")
    within = KafkaPosition(rows["_partition"][-1], rows["_offset"][-1])
    assert lake.read(TABLE, as_of=within).collect().height < rows.height
    for since, until in ((within, None), (0, within), (0, EventTime(rows["timestamp"][0]))):
        with pytest.raises(ConfigError, match="name a version, or the time of a commit"):
            changes(lake, TABLE, since, until)
    assert command(world, "audit", "changes", TABLE, f"{within.partition}:{within.position}")[0] == 78
    pl.DataFrame({"a": [1]}).write_delta(world.root / "foreign")
    with pytest.raises(WrongTableError, match="no worker of Headrace fills"):
        changes(lake, "foreign", 0)
    asked = ("audit", "changes", TABLE)
    assert command(world, *asked, "99")[0] == 78
    assert command(world, "audit", "changes", "nothing", "0")[0] == 78
    assert command(world, *asked, "yesterday")[0] == 64
    assert command(world, *asked, "0", "--output", str(world.folder / "changes.csv"))[0] == 78
    assert command(world, *asked, "0", "--output", str(world.folder / "none" / "changes.parquet"))[0] == 78


def test_a_version_whose_files_are_gone_is_told_so(latest: LatestWorld, command: Command) -> None:
    for turn in range(3):
        latest.send(1, at=turn)
        latest.drain()
    first = next(iter(pl.scan_delta(str(latest.root / TABLE), version=2).select(pl.len()).collect().rows()))
    assert first == (1,)
    active = set(map(str, latest.table().file_uris()))
    for path in (latest.root / TABLE).rglob("*.parquet"):
        if str(path) not in active and "_delta_log" not in path.parts:
            path.unlink()
    assert command(latest, "audit", "changes", TABLE, "2")[0] == 78
