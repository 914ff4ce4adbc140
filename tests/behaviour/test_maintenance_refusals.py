"""What maintenance does not touch, and what it says of it."""

import json
import signal
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from headrace.errors import InvariantError, MaintenanceHeldError, StoreError, WrongTableError
from headrace.lake.log import open_table
from headrace.lake.quarantine import quarantine_name
from headrace.lake.store import Store
from headrace.lake.upkeep.debt import debt_path
from headrace.lake.upkeep.lease import take_lease
from headrace.lake.upkeep.stats import removable
from headrace.metrics import maintenance, tables
from headrace.testing.manual_clock import ManualClock
from tests.behaviour.exporting import exported
from tests.behaviour.upkeep import age_removals, feed, maintain, neglect, rounds_of
from tests.behaviour.world import TABLE, World
from tests.faults.processes import Process, environment_of, start_maintenance

NEWER = {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["shinyNew"]}
UNREADABLE = {**NEWER, "minReaderVersion": 3, "readerFeatures": ["shinyNew"]}
LATER = {"minReaderVersion": 5, "minWriterVersion": 9}


def stored(root: Path) -> dict[str, bytes]:
    """Everything that is stored of a table."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def give(world: World, protocol: Mapping[str, object]) -> None:
    """What another tool commits that raises the protocol of the table."""
    version = world.table().version() + 1
    commit = world.root / TABLE / "_delta_log" / f"{version:020d}.json"
    commit.write_text(json.dumps({"protocol": protocol}) + "\n")


@pytest.mark.parametrize(
    ("protocol", "told"),
    [
        (NEWER, "is left alone: another tool gave it writer version 7 with shinyNew"),
        (UNREADABLE, "what Headrace does not know by another tool, it is left alone: Feature 'shinyNew'"),
        (LATER, "what Headrace does not know by another tool, it is left alone: Unsupported minimum reader version 5"),
    ],
)
def test_a_table_with_features_of_another_tool_is_left_alone_and_the_others_are_not(
    memory_world: World, protocol: Mapping[str, object], told: str
) -> None:
    neglect(memory_world)
    give(memory_world, protocol)
    before = stored(memory_world.root / TABLE)

    with rounds_of(memory_world) as rounds:
        found = {each.table: each for each in rounds.go(lambda: False)}
        registry = rounds._metrics.registry

    problem = found[TABLE].problem
    assert isinstance(problem, WrongTableError)
    assert told in str(problem)
    assert stored(memory_world.root / TABLE) == before
    assert registry.get_sample_value(maintenance.LEFT_ALONE.name, {"table": TABLE}) == 1
    assert registry.get_sample_value(maintenance.LEFT_ALONE.name, {"table": quarantine_name(TABLE)}) == 0
    assert found[quarantine_name(TABLE)].done


@pytest.mark.parametrize("said", ["interval 0 seconds", "interval 1 hour", "interval 6 days"])
def test_no_property_makes_files_go_before_a_week(memory_world: World, said: str) -> None:
    feed(memory_world, 9)
    maintain(memory_world)
    age_removals(memory_world, days=6.9)
    memory_world.table().alter.set_table_properties({"delta.deletedFileRetentionDuration": said})
    before = set(memory_world.root.rglob("*.parquet"))

    assert not maintain(memory_world)[TABLE].done
    assert set(memory_world.root.rglob("*.parquet")) == before


def test_no_code_can_ask_for_less_than_a_week(memory_world: World) -> None:
    feed(memory_world, 1)
    handle = open_table(Store(str(memory_world.root)), TABLE)

    with pytest.raises(InvariantError, match="is refused: they are kept for 7 days"):
        removable(handle, timedelta(days=7) - timedelta(seconds=1))


def test_who_comes_second_hears_from_its_command_line_who_was_first_and_since_when(memory_world: World) -> None:
    feed(memory_world, 9)
    with rounds_of(memory_world) as first:
        first.go(lambda: False)
        with start_maintenance(memory_world, "--once") as process:
            assert process.end() == MaintenanceHeldError.exit_code == 75

    assert f"{TABLE} is maintained by " in process.said
    assert " UTC: one process at a time is enough" in process.said


def test_a_violation_is_exported_with_no_process_that_maintains(memory_world: World) -> None:
    feed(memory_world, 1)
    with exported(memory_world) as shown:
        assert shown.value(tables.MAINTENANCE_BLOCKED) == 0
        lease = take_lease(Store(str(memory_world.root)), TABLE, "once/1", shown.clock)
        lease.block("rows differ")
        lease.release()
        shown.turn()
        assert shown.value(tables.MAINTENANCE_BLOCKED) == 1
        assert shown.value(tables.MAINTENANCE_BLOCKED, table=quarantine_name(TABLE)) == 0


def test_looks_that_never_got_through_are_counted_and_grow_old(memory_world: World) -> None:
    feed(memory_world, 1)
    (memory_world.root / debt_path(TABLE)).mkdir(parents=True)
    with rounds_of(memory_world) as rounds:
        registry, clock = rounds._metrics.registry, rounds._metrics.clock
        began = clock.now().timestamp()
        for _ in range(3):
            assert isinstance(rounds.go(lambda: False)[0].problem, StoreError)
            assert isinstance(clock, ManualClock)
            clock.advance(60)
        (memory_world.root / debt_path(TABLE)).rmdir()

    of_look = {"table": TABLE, "operation": "look", "reason": "storage"}
    assert registry.get_sample_value(maintenance.LAST_SUCCESS.name, {"table": TABLE}) == began
    assert registry.get_sample_value("headrace_maintenance_failures_total", of_look) == 3
    others = {"table": quarantine_name(TABLE)}
    assert registry.get_sample_value(maintenance.LAST_SUCCESS.name, others) == began + 120


def test_it_may_be_started_before_there_is_a_lake(tmp_path: Path) -> None:
    environment = environment_of({"lake__root": str(tmp_path / "none"), "metrics__enabled": "false"})
    with Process(["maintain"], environment, tmp_path / "log") as process:
        process.await_said("nothing_to_maintain")
        process.signal(signal.SIGTERM)
        assert process.end() == 0
