"""What is exported of tables that real workers made: the same as the library says, kept up with commit by commit."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from headrace.clock import SystemClock
from headrace.errors import WrongTableError
from headrace.lake.quarantine import quarantine_name
from headrace.lake.store import Store
from headrace.lake.upkeep.garbage import Garbage
from headrace.lake.upkeep.stats import gather
from headrace.metrics import tables
from headrace.read.summary import summarise_table
from headrace_exporter.look import Census, TableLooker
from tests.behaviour.exporting import exported
from tests.behaviour.upkeep import COLD, feed, leave_orphan, maintain, neglect
from tests.behaviour.world import DAY, TABLE, World, fill


def looker(world: World) -> TableLooker:
    return TableLooker(Store(str(world.root)), TABLE, "timestamp", SystemClock())


def assert_as_the_library_says(world: World, census: Census | None) -> None:
    assert census is not None
    stats, expected = census.stats, gather(Store(str(world.root)), TABLE)
    assert sorted(stats.files, key=lambda file: file.path) == sorted(expected.files, key=lambda file: file.path)
    assert (stats.version, stats.since_checkpoint) == (expected.version, expected.since_checkpoint)
    assert stats.log.commits == expected.log.commits
    assert (stats.file_retention, stats.log_retention) == (expected.file_retention, expected.log_retention)


def test_new_commits_are_folded_into_what_is_known(memory_world: World) -> None:
    world = memory_world
    feed(world, 3, days=3)
    look = looker(world)
    assert_as_the_library_says(world, look.full())
    assert look.log() is None

    feed(world, 6, days=2)
    assert_as_the_library_says(world, look.log())
    maintain(world)
    assert_as_the_library_says(world, look.log())
    world.table().create_checkpoint()
    feed(world, 2)
    assert_as_the_library_says(world, look.log())
    world.table().delete("date = '2026-03-03'")
    found = look.log()
    assert_as_the_library_says(world, found)

    anew = looker(world).full()
    assert found is not None
    assert replace(found, stats=anew.stats) == anew


def test_what_lies_in_the_folder_is_told_as_maintenance_sees_it(memory_world: World) -> None:
    world = memory_world
    neglect(world)
    leave_orphan(world, days=6, mark="too-young")
    (world.root / TABLE / "_delta_log" / "_commit_abc.json.tmp").write_bytes(b"torn")
    stats = gather(Store(str(world.root)), TABLE)

    with exported(world) as shown:
        assert len(stats.expired) == shown.value(tables.VACUUMABLE_FILES) == 12
        assert shown.value(tables.VACUUMABLE_BYTES) == stats.expired_size > 0
        assert shown.value(tables.TOMBSTONES) == 12
        assert shown.value(tables.ORPHAN_FILES) == 1
        orphans = Garbage(Store(str(world.root)), TABLE, SystemClock()).orphans(stats)
        assert set(orphans) - set(stats.expired) == {"one.parquet"}
        assert shown.value(tables.LOG_OBJECTS) == len(stats.log.objects)
        assert shown.value(tables.LOG_STRAYS) == 1
        assert shown.value(tables.LOG_BYTES) == sum(
            entry.stat().st_size for entry in (world.root / TABLE / "_delta_log").iterdir()
        )
        maintain(world, checkpoint_versions=10)
        shown.clock.advance(1_000)
        shown.turn()
        assert shown.value(tables.VACUUMABLE_FILES) == 0


def test_a_table_is_told_by_numbers_that_agree(memory_world: World) -> None:
    world = memory_world
    feed(world, 5, days=4)
    summary = summarise_table(Store(str(world.root)), TABLE)
    with exported(world) as shown:
        assert shown.value(tables.VERSION) == summary.version
        assert (shown.value(tables.FILES), shown.value(tables.ACTIVE_BYTES)) == (summary.files, summary.bytes)
        assert shown.value(tables.ROWS) == summary.rows
        assert shown.value(tables.FILES, table=quarantine_name(TABLE)) == 5
        assert shown.series(tables.SMALL_FILES) == {("fragment",): summary.files, ("undersized",): 0}
        assert sum(shown.series(tables.SMALL_BYTES).values()) == summary.bytes
        assert shown.value(tables.PARTITIONS) == 4
        assert shown.value(tables.PARTITION_SMALL_FILES) == 5
        assert shown.value(tables.PARTITION_BYTES_MAX) >= shown.value(tables.PARTITION_BYTES_MEDIAN) > 0
        assert set(shown.series(tables.FILES_BY_SIZE).values()) == {summary.files}
        assert shown.value(tables.LAST_CHECKPOINT) == -1
        assert shown.value(tables.NEWEST_EVENT) == (DAY + timedelta(days=3, milliseconds=419)).timestamp()
        assert shown.value(tables.UNCOUNTED_FILES) == 0


def test_claims_and_merges_are_no_data(memory_world: World) -> None:
    world = memory_world
    feed(world, 9)
    with exported(world) as shown:
        made = shown.value(tables.LAST_DATA_COMMIT)
        world.drain()
        maintain(world, COLD)
        world.table().create_checkpoint()
        shown.turn()
        assert shown.value(tables.LAST_DATA_COMMIT) == made
    with exported(world) as anew:
        assert anew.value(tables.LAST_DATA_COMMIT) == made


def test_as_many_series_are_shown_of_two_hundred_partitions_as_of_one(memory_world: World) -> None:
    world = memory_world
    world.topic.extend([fill(0)])
    world.drain()
    with exported(world) as shown:
        shown.turn()
        before = len(shown.samples())
        world.topic.extend([fill(n, at=DAY + timedelta(days=n)) for n in range(200)])
        world.drain()
        shown.turn()
        assert shown.value(tables.PARTITIONS) == 200
        assert len(shown.samples()) == before


def test_a_table_that_cannot_be_read_is_counted_and_hides_no_other(memory_world: World) -> None:
    world = memory_world
    feed(world, 2)
    with exported(world) as shown:
        torn = world.root / TABLE / "_delta_log" / f"{int(shown.value(tables.VERSION)) + 1:020d}.json"
        torn.write_bytes(b'{"add":{')
        shown.clock.advance(20)
        first = shown.clock.now().timestamp()
        shown.turn()
        shown.clock.advance(20)
        shown.turn()
        assert shown.value(tables.COLLECTION_FAILURES, "log") == 2
        assert shown.value(tables.COLLECTED, "log") == first
        assert shown.value(tables.FILES) == 2
        assert shown.value(tables.COLLECTED, "log", table=quarantine_name(TABLE)) > shown.value(
            tables.COLLECTED, "full"
        )
        torn.unlink()
        shown.turn()
        assert shown.value(tables.COLLECTED, "log") > 0


def test_a_table_that_is_gone_is_shown_no_more(memory_world: World) -> None:
    world = memory_world
    feed(world, 1)
    with exported(world) as shown:
        assert shown.series(tables.VERSION)
        world.root.rename(world.folder / "moved")
        shown.clock.advance(100)
        shown.turn()
        assert [s for s in shown.samples() if s.labels.get("table")] == []


def test_a_log_without_its_beginning_is_read_from_its_checkpoint(memory_world: World) -> None:
    world = memory_world
    feed(world, 4)
    world.table().create_checkpoint()
    feed(world, 2)
    for path in sorted((world.root / TABLE / "_delta_log").glob("*.json"))[:3]:
        path.unlink()
    assert_as_the_library_says(world, looker(world).full())


def test_a_log_with_a_gap_is_no_older_version_of_the_table(memory_world: World) -> None:
    world = memory_world
    feed(world, 3)
    (world.root / TABLE / "_delta_log" / f"{2:020d}.json").unlink()
    with pytest.raises(WrongTableError, match=f"commit 2 of .*{TABLE} is missing"):
        looker(world).full()


def test_other_writers_are_folded_in_too(memory_world: World) -> None:
    """Statistics that are missing, times that are no texts, and paths with characters that are escaped twice."""
    world = memory_world
    feed(world, 2)
    version = world.table().version() + 1
    add = {"path": "date=2026%252F03/a%20b.parquet", "size": 9, "modificationTime": 1, "dataChange": True}
    add |= {"partitionValues": {"date": "2026-03-09"}, "stats": '{"maxValues":null}'}
    lines = [{"add": add}, {"commitInfo": {"operation": "WRITE"}}]
    (world.root / TABLE / "_delta_log" / f"{version:020d}.json").write_text("\n".join(map(json.dumps, lines)))
    look = looker(world)
    found = look.full()
    assert_as_the_library_says(world, found)
    assert [file.path for file in found.stats.files if file.rows is None] == ["date=2026%2F03/a b.parquet"]
