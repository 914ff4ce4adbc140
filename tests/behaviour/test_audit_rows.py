"""What `headrace audit row` and `headrace audit version` say of tables that real workers made."""

import json
import re
from pathlib import Path

import polars as pl
import pytest

from headrace.errors import TableDamagedError
from headrace.lake import Lake
from headrace.lake.store import Store
from headrace.read.audit import row_origins
from headrace.read.history import KeyChanges, read_history
from headrace.read.whereabouts import Place, locate
from tests.behaviour.latest import LatestWorld
from tests.behaviour.made_up import contract_for, tight_contract_for
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.upkeep import COLD, feed, maintain
from tests.behaviour.world import TABLE, Command, World, fill, poison


@pytest.fixture
def latest(tmp_path: Path) -> LatestWorld:
    return LatestWorld("memory", MemoryTopic(2), tmp_path)


def test_every_row_is_led_back_to_its_record_and_its_commit(memory_world: World) -> None:
    world = memory_world
    feed(world, 4)
    maintain(world, COLD)
    store = Store(str(world.root))
    found = row_origins(Lake(str(world.root)), TABLE, [pl.col("_partition") == 1, pl.col("_offset") % 7 == 0])
    asked = [row for row in world.rows() if row["_partition"] == 1 and row["_offset"] % 7 == 0]
    assert (len(found.rows), found.more) == (len(asked), False)
    for origin in found.rows:
        record = origin.record
        assert (record.partition, record.offset) == (origin.row["_partition"], origin.row["_offset"])
        assert record == locate(store, TABLE, record.partition, record.offset)
        assert (record.place, record.batch is None) == (Place.TABLE, False)
        assert json.loads(world.topic.records[record.partition, record.offset].value or b"")["fill_id"] == str(
            origin.row["fill_id"]
        )


def test_a_row_is_named_by_its_id_its_columns_or_a_condition(memory_world: World, command: Command) -> None:
    world = memory_world
    world.topic.extend([fill(n) for n in range(9)])
    world.drain()
    module = world.folder / "made_up.py"
    module.write_text(world.module())
    stamp = "2026-03-02T15:30:00.004+01:00"
    for asked in (["fill_id=fill-4"], [f"timestamp={stamp}"], ["price=0.04"], ["symbol=SPY", "price=0.0400"]):
        assert ids(command(world, "audit", "row", TABLE, *asked, "--json")) == ["fill-4"]
    where = "price > 0.06 AND symbol = 'SPY'"
    assert ids(command(world, "audit", "row", TABLE, "--where", where, "--json")) == ["fill-7", "fill-8"]
    code, out = command(world, "audit", "row", TABLE, "symbol=SPY", "--limit", "2", "--json")
    assert (code, len(json.loads(out)["rows"]), json.loads(out)["more"]) == (0, 2, True)
    code, out = command(world, "audit", "row", TABLE, "fill_id=none")
    assert (code, out.splitlines()[0].endswith("no such row")) == (1, True)


def ids(answer: tuple[int, str]) -> list[str]:
    code, out = answer
    assert code == 0
    return sorted(origin["row"]["fill_id"] for origin in json.loads(out)["rows"])


def test_a_bare_value_is_the_id_of_the_contract(
    memory_world: World, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = memory_world
    world.topic.extend([fill(n) for n in range(3)])
    world.drain()
    (world.folder / "made_up_fills.py").write_text(world.module())
    monkeypatch.syspath_prepend(world.folder)
    assert command(world, "audit", "row", TABLE, "fill-1")[0] == 78
    monkeypatch.setenv("HEADRACE_CONTRACTS", "made_up_fills")
    assert ids(command(world, "audit", "row", TABLE, "fill-1", "--json")) == ["fill-1"]
    code, out = command(world, "audit", "row", TABLE, "fill-1")
    lines = out.splitlines()
    assert code == 0
    assert "fill_id=fill-1" in lines[0]
    assert lines[1].split() == ["record", world.topic.name, "1", "0"]
    assert [line.split()[0] for line in lines[2:]] == ["sent", "now", "version", "committed", "batch", "worker", "file"]
    assert command(world, "audit", "row", TABLE, "fil_id=fill-1")[0] == 78, "a column that is misspelt is no id"


def test_a_row_of_an_older_version_is_told_with_what_became_of_it(latest: LatestWorld, command: Command) -> None:
    latest.send(1, at=0, price=3)
    latest.drain()
    before = latest.table().version()
    latest.send(1, at=1, price=4)
    latest.drain()
    lake = Lake(str(latest.root))
    (now,) = row_origins(lake, TABLE, [pl.col("account") == "1"]).rows
    (was,) = row_origins(lake, TABLE, [pl.col("account") == "1"], as_of=before).rows
    assert (now.row["price"], now.record.offset, now.record.place) == (4, 1, Place.TABLE)
    assert (was.row["price"], was.record.offset, was.record.place) == (3, 0, Place.APPLIED)
    assert (was.record.version, now.record.version) == (before, latest.table().version())
    asked = ("audit", "row", TABLE, "account=1", "--json", "--as-of")
    for moment in (str(before), "1:1"):
        code, out = command(latest, *asked, moment)
        assert (code, json.loads(out)["rows"][0]["row"]["price"]) == (0, "3.0000")


def test_a_row_that_a_replay_brought_home_says_why_it_was_refused(memory_world: World) -> None:
    world = memory_world
    world.contract = tight_contract_for(world.topic.name)
    world.topic.append(fill(600))
    world.drain()
    world.contract = contract_for(world.topic.name)
    report = world.replay()
    (origin,) = row_origins(Lake(str(world.root)), TABLE, [pl.col("fill_id") == "fill-600"]).rows
    assert (origin.record.version, origin.record.reason) == (report.versions[0], "out_of_bounds")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nothing=1"], 78),
        (["price=cheap"], 78),
        (["timestamp=2026-03-02T14:30:00"], 78),
        (["--where", "price >"], 78),
        (["--where", "nothing > 1"], 78),
        (["--where", "price + 1"], 78),
        (["--where", "CAST(symbol AS INT) = 1"], 78),
        (["price=1", "--as-of", "99"], 78),
        (["price=1", "--as-of", "soon"], 64),
        ([], 64),
    ],
)
def test_a_wrong_question_is_refused(memory_world: World, command: Command, arguments: list[str], code: int) -> None:
    memory_world.topic.append(fill(1))
    memory_world.drain()
    assert command(memory_world, "audit", "row", TABLE, *arguments)[0] == code


def test_a_version_of_latest_rows_says_what_it_did_to_keys(latest: LatestWorld, command: Command) -> None:
    for account in range(4):
        latest.send(account, at=10)
    latest.drain()
    latest.send(0, at=20)
    latest.send(1, at=5)
    latest.send(9, at=1)
    latest.forget(2)
    latest.topic.append(poison(1), partition=0)
    latest.drain()
    newest, *_older = read_history(Store(str(latest.root)), TABLE, 9).commits
    assert newest.changes == KeyChanges(inserted=1, replaced=1, outdated=1, removed=1)
    assert (newest.rows, newest.rejects) == (2, 1)
    assert sum(r.rows + r.deletes + r.rejects + r.gaps for r in newest.ranges) == 5
    code, out = command(latest, "audit", "version", TABLE, str(newest.version))
    assert code == 0
    assert "1 inserted, 1 replaced, 1 removed, 1 outdated" in out


def test_a_version_that_lost_rows_of_a_file_says_so(latest: LatestWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.lake.latest.merging.SMALL", 0)
    for account in range(0, 20, 2):
        latest.send(account, at=0)
    latest.drain()
    latest.send(0, at=1)
    latest.drain()
    newest = read_history(Store(str(latest.root)), TABLE, 1).commits[0]
    assert (newest.rows, newest.files_added, newest.files_removed, newest.files_masked) == (1, 1, 0, 1)


def test_history_says_who_merged_and_who_else_had_a_hand_in_the_table(memory_world: World, command: Command) -> None:
    feed(memory_world, 4)
    maintain(memory_world, COLD)
    memory_world.table().delete("_offset = 0")
    code, out = command(memory_world, "history", TABLE, "--json")
    foreign, merged = json.loads(out)["commits"][:2]
    assert code == 0
    assert (merged["kind"], merged["operation"], merged["rows"]) == ("compact", "OPTIMIZE", 0)
    assert merged["worker"]
    assert merged["batch"]
    assert (foreign["kind"], foreign["operation"], foreign["worker"]) == (None, "DELETE", None)
    assert foreign["client"].startswith("delta-rs")
    code, out = command(memory_world, "audit", "version", f"{TABLE}__quarantine", "1")
    assert (code, "positions" in out) == (0, False), "a quarantine has none"


def test_a_damaged_file_is_told(memory_world: World, command: Command) -> None:
    memory_world.topic.extend([fill(0)])
    memory_world.drain()
    (file,) = (memory_world.root / TABLE).rglob("*.parquet")
    whole = file.read_bytes()
    name = re.escape(str(file.relative_to(memory_world.root)))
    for damaged in (b"PAR1", whole[: len(whole) // 2]):
        file.write_bytes(damaged)
        said = f"^{name} is not what the log says it is: it has {len(damaged)} bytes, the log says {len(whole)}. Put"
        with pytest.raises(TableDamagedError, match=said):
            row_origins(Lake(str(memory_world.root)), TABLE, [pl.lit(value=True)])
        for asked in (["row", TABLE, "--where", "price > 0"], ["changes", TABLE, "0"]):
            assert command(memory_world, "audit", *asked)[0] == 85
