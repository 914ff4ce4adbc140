"""What `headrace offset` says of tables that real workers made."""

import json
from pathlib import Path

import pytest

from headrace.errors import ConfigError
from headrace.lake.store import Store
from headrace.read.history import CommittedRange, ReplayedRecords, read_commit
from headrace.read.summary import summarise
from headrace.read.whereabouts import Place, Whereabouts, locate
from tests.behaviour.made_up import contract_for, tight_contract_for
from tests.behaviour.world import TABLE, Command, World, fill, poison


def store(world: World) -> Store:
    return Store(str(world.root))


def where(world: World, partition: int, offset: int) -> Whereabouts:
    return locate(store(world), TABLE, partition, offset)


def test_every_record_is_told_where_it_is(memory_world: World) -> None:
    world = memory_world
    for first in range(0, 60, 20):
        world.topic.extend([poison(n) if n % 10 == 3 else fill(n) for n in range(first, first + 20)])
        world.drain()
    quarantined = world.quarantined()
    for partition, offset in world.topic.records:
        found = where(world, partition, offset)
        rejected = (partition, offset) in quarantined
        assert found.place is (Place.QUARANTINE if rejected else Place.TABLE)
        assert found.version is not None
        (span,) = [r for r in read_commit(store(world), TABLE, found.version).ranges if r.partition == partition]
        assert span.start <= offset < span.end
        assert found.file is not None
        assert (world.root / found.file).is_file()


def test_the_file_that_is_named_holds_the_record_also_after_another_tool_compacted(memory_world: World) -> None:
    world = memory_world
    for number in range(6):
        world.topic.append(fill(number), partition=number % 2)
        world.drain()
    before = where(world, 1, 1)
    world.table().optimize.compact()
    after = where(world, 1, 1)
    assert (after.place, after.version, after.batch) == (Place.TABLE, before.version, before.batch)
    assert before.file != after.file
    assert after.file in {f"{TABLE}/{path}" for path in world.table().get_add_actions()["path"].to_pylist()}


def test_a_reject_is_told_with_its_reason(memory_world: World) -> None:
    memory_world.topic.append(poison(1), partition=1)
    memory_world.drain()
    found = where(memory_world, 1, 0)
    assert (found.place, found.reason) == (Place.QUARANTINE, "not_json")
    assert found.detail
    assert found.file is not None
    assert found.file.startswith(f"{TABLE}__quarantine/")


def test_offsets_without_a_record_are_gaps(memory_world: World) -> None:
    world = memory_world
    world.topic.append(fill(1), partition=0)
    world.memory.skip(0, 2)
    world.topic.append(fill(2), partition=0)
    world.drain()
    assert [where(world, 0, offset).place for offset in range(4)] == ["table", "gap", "gap", "table"]


def test_gaps_beyond_those_that_a_commit_names_are_gaps_too(memory_world: World) -> None:
    world = memory_world
    for number in range(110):
        world.topic.append(fill(number), partition=0)
        world.memory.skip(0)
    world.drain()
    assert where(world, 0, 1).place is Place.GAP
    assert where(world, 0, 215).place is Place.GAP
    assert where(world, 0, 216).place is Place.TABLE


def test_what_lies_after_the_position_is_not_read_yet(memory_world: World) -> None:
    memory_world.topic.append(fill(1), partition=0)
    memory_world.drain()
    found = where(memory_world, 0, 1)
    assert (found.place, found.position, found.version) == (Place.NOT_READ, 1, None)


def test_what_the_table_knows_nothing_of_is_refused(memory_world: World, command: Command) -> None:
    memory_world.topic.append(poison(1), partition=0)
    memory_world.drain()
    with pytest.raises(ConfigError, match=f"{TABLE} knows partitions 0 to 2: if 3 was added to the topic"):
        where(memory_world, 3, 0)
    memory_world.topic.add_partitions(1)
    memory_world.topic.append(fill(1), partition=3)
    memory_world.drain()
    assert where(memory_world, 3, 1).place is Place.NOT_READ
    with pytest.raises(ConfigError, match="partitions 0 to 3: if 9 was"):
        where(memory_world, 9, 0)
    assert command(memory_world, "offset", f"{TABLE}__quarantine", "0", "0")[0] == ConfigError.exit_code


def test_what_lies_before_the_start_is_told_so(memory_world: World) -> None:
    world = memory_world
    world.topic.extend([fill(n) for n in range(30)])
    world.drain(start="latest")
    world.topic.extend([fill(n) for n in range(30, 60)])
    world.drain()
    assert where(world, 0, 9).place is Place.BEFORE_START
    assert where(world, 0, 10).place is Place.TABLE


def test_a_record_is_found_without_the_commit_that_brought_it(memory_world: World) -> None:
    world = memory_world
    log = world.root / TABLE / "_delta_log"
    for number in range(25):
        world.topic.append(fill(number), partition=0)
        world.memory.skip(0)
        world.drain(checkpoint_every=10)
    for version in range(35):
        (log / f"{version:020d}.json").unlink()
    found = where(world, 0, 0)
    assert (found.place, found.version, found.batch) == (Place.TABLE, None, None)
    assert found.file is not None
    assert where(world, 0, 1).place is Place.NOT_RETAINED
    assert where(world, 0, 48).version is not None


def test_a_row_that_another_tool_deleted_is_missing(memory_world: World, command: Command) -> None:
    world = memory_world
    world.topic.extend([fill(n) for n in range(9)])
    world.drain()
    world.table().delete("_partition = 1 and _offset = 2")
    assert where(world, 1, 2).place is Place.MISSING
    assert where(world, 1, 1).place is Place.TABLE
    code, out = command(world, "offset", TABLE, "1", "2")
    assert (code, "missing" in out) == (1, True)


@pytest.mark.parametrize("table", [TABLE, f"{TABLE}__quarantine"])
def test_a_row_whose_file_is_gone_is_missing(memory_world: World, command: Command, table: str) -> None:
    world = memory_world
    world.topic.extend([poison(n) if n == 4 else fill(n) for n in range(9)])
    world.drain()
    for file in world.table(table).file_uris():
        Path(str(file).removeprefix("file://")).unlink()
    offset = "1" if table != TABLE else "2"
    assert command(world, "offset", TABLE, "1", offset)[0] == 1
    assert where(world, 1, int(offset)).place is Place.MISSING


def test_a_version_names_the_offsets_it_brought(memory_world: World, command: Command) -> None:
    world = memory_world
    world.topic.append(fill(0), partition=0)
    world.drain()
    world.topic.extend([poison(n) if n == 3 else fill(n) for n in range(6)])
    world.memory.skip(2, 4)
    world.drain()
    version = where(world, 2, 0).version
    assert version is not None
    found = read_commit(store(world), TABLE, version)
    assert found.ranges == (
        CommittedRange(0, 1, 3, rows=1, rejects=1, gaps=0),
        CommittedRange(1, 0, 2, rows=2, rejects=0, gaps=0),
        CommittedRange(2, 0, 6, rows=2, rejects=0, gaps=4),
    )
    code, out = command(world, "audit", "version", TABLE, str(version), "--json")
    assert code == 0
    assert [each["end"] for each in json.loads(out)["commit"]["ranges"]] == [3, 2, 6]
    assert [each["position"] for each in json.loads(out)["positions"]] == [3, 2, 6]


def test_a_version_that_is_not_there_is_told_so(memory_world: World) -> None:
    memory_world.drain()
    with pytest.raises(ConfigError, match="the newest is"):
        read_commit(store(memory_world), TABLE, 99)
    memory_world.table().create_checkpoint()
    (memory_world.root / TABLE / "_delta_log" / f"{0:020d}.json").unlink()
    with pytest.raises(ConfigError, match="no longer retained"):
        read_commit(store(memory_world), TABLE, 0)


def test_a_record_that_a_replay_brought_home_is_in_the_table(memory_world: World) -> None:
    world = refused(memory_world)
    report = world.replay()
    found = where(world, 0, 0)
    assert (found.place, found.version, found.reason) == (Place.TABLE, report.versions[0], "out_of_bounds")
    assert found.file in {f"{TABLE}/{path}" for path in world.table().get_add_actions()["path"].to_pylist()}
    assert read_commit(store(world), TABLE, report.versions[0]).replayed == (ReplayedRecords(0, (0, 1)),)
    assert where(world, 0, 2).place is Place.QUARANTINE
    (table,) = summarise(store(world))
    assert (table.rows, table.quarantined) == (2, 1)


def test_a_replay_that_was_interrupted_before_the_quarantine_said_so_is_seen(memory_world: World) -> None:
    world = refused(memory_world)
    report = world.replay()
    log = world.root / f"{TABLE}__quarantine" / "_delta_log"
    max(log.glob("*.json")).unlink()
    found = where(world, 0, 1)
    assert (found.place, found.version) == (Place.TABLE, report.versions[0])
    assert where(world, 0, 2).place is Place.QUARANTINE


def refused(world: World) -> World:
    """Two records that a mended contract accepts, and one that none does, in the quarantine."""
    world.contract = tight_contract_for(world.topic.name)
    for value in (fill(600), fill(601), poison(1)):
        world.topic.append(value, partition=0)
    world.drain()
    world.contract = contract_for(world.topic.name)
    return world
