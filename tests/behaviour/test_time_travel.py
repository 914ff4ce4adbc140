"""Tables that keep the last version of each day: what maintenance leaves of them is really read."""

import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from headrace.clock import SystemClock
from headrace.lake.quarantine import quarantine_name
from headrace.lake.store import Store
from headrace_exporter.look import TableLooker
from tests.behaviour.evenings import live, places, read_by_deltalake
from tests.behaviour.upkeep import COLD, feed, maintain, outcomes
from tests.behaviour.world import TABLE, Command, World, fill, poison

KEPT_DAYS = 90


def read_by_polars(world: World, version: int) -> list[tuple[int, int]]:
    """The same by another reader."""
    frame = pl.scan_delta(str(world.root / TABLE), version=version).select("_partition", "_offset").collect()
    return places(frame.to_dict(as_series=False))


def files_of(world: World, version: int) -> set[Path]:
    """Data files of a version."""
    return {
        Path(str(uri).removeprefix("file://")) for uri in DeltaTable(world.root / TABLE, version=version).file_uris()
    }


def commits(world: World) -> list[tuple[int, float]]:
    """Versions in the log, and their ages in days."""
    paths = (world.root / TABLE / "_delta_log").glob("*.json")
    return [(int(path.stem), (time.time() - path.stat().st_mtime) / 86_400) for path in paths]


def test_the_last_version_of_each_day_is_read_for_90_days_and_other_files_go_after_7(memory_world: World) -> None:
    world = memory_world
    evenings = live(world, [1] * 6 + [28] * 3 + [1] * 5, kept_days=KEPT_DAYS)
    found = maintain(world, COLD, checkpoint_versions=10)

    assert outcomes(found[TABLE]) == [("orphans", "done")]
    census = TableLooker(Store(str(world.root)), TABLE, None, SystemClock()).full()
    assert (census.stats.expired, census.orphans) == ({}, 0)
    within = [evening for evening in evenings if evening.age < KEPT_DAYS]
    standing, *before = [evening for evening in reversed(evenings) if evening.age >= KEPT_DAYS]
    assert [evening.age for evening in (*reversed(before), standing)] == [95, 94, 93, 92, 91, 90]
    for evening in (standing, *within):
        assert read_by_deltalake(world, evening.version) == evening.places
        assert read_by_deltalake(world, datetime.now(UTC) - timedelta(days=evening.age)) == evening.places
        assert read_by_polars(world, evening.version) == evening.places
    log = {version for version, _age in commits(world)}
    expired = [evening.version for evening in before if evening.version not in log]
    assert expired  # the log of the others goes with the next checkpoint that grows old
    for version in expired:
        with pytest.raises((DeltaError, OSError)):
            read_by_deltalake(world, version)
    kept = {standing.version, *(evening.version for evening in within), *(v for v, age in commits(world) if age < 8)}
    assert set((world.root / TABLE).rglob("date=*/*.parquet")) <= set().union(*(files_of(world, v) for v in kept))
    world.assert_exact()


def test_an_existing_table_gets_it_as_the_page_says_beside_its_worker(memory_world: World) -> None:
    page = (Path(__file__).parents[2] / "docs" / "maintenance.md").read_text()
    (commands,) = re.findall(r"^```sh\n(python - .*?)^```$", page, re.MULTILINE | re.DOTALL)
    folders = [str(memory_world.root / name) for name in (TABLE, quarantine_name(TABLE))]
    commands = commands.replace(
        "python - lake/trades lake/trades__quarantine", f"{sys.executable} - {' '.join(folders)}"
    )
    with memory_world.running(flush_seconds=0.02, quarantine_max_ratio=1.0):
        memory_world.await_landing(*memory_world.topic.extend([fill(1), poison(1)]))
        subprocess.run(["sh", "-ec", commands], check=True)
        memory_world.await_landing(*memory_world.topic.extend([fill(2), poison(2)]))

    feed(memory_world, 8)
    found = maintain(memory_world)

    assert ("compact", "done") in outcomes(found[TABLE])
    for each in found.values():
        assert each.look is not None
        assert each.look.stats.daily is not None
        assert each.look.stats.log_retention == timedelta(days=KEPT_DAYS)
    memory_world.assert_proved()


def test_a_table_says_how_far_back_it_can_be_read(memory_world: World, command: Command) -> None:
    feed(memory_world, 1, time_travel_days=KEPT_DAYS)
    feed(memory_world, 1)  # an existing table keeps its promise, whatever the setting says

    for name in (TABLE, quarantine_name(TABLE)):
        kept = memory_world.table(name).metadata().configuration
        assert (kept["headrace.time_travel"], kept["delta.logRetentionDuration"]) == ("interval 90 days",) * 2
    code, out = command(memory_world, "tables")
    assert (code, out.splitlines()[-1]) == (0, f"{TABLE}: keeps the last version of each day for 90 days")
