"""Maintenance of a world's lake, at whatever time a test says it is."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.lake.quarantine import quarantine_name
from headrace.lake.store import Store
from headrace.lake.upkeep.compaction import rewrite_files
from headrace.metrics import maintenance
from headrace.settings import load_settings
from headrace.testing.manual_clock import ManualClock
from headrace_maintenance.rounds import Rounds, TableRound
from headrace_maintenance.tools import Rewrite
from headrace_maintenance.wiring import Process, build_rounds, new_metrics
from tests.behaviour.world import DAY, TABLE, World, fill, poison

EAGER = {"compact_files": 8, "hot_minutes": 60}
NOW = timedelta(0)
COLD = timedelta(hours=3)


@contextmanager
def rounds_of(
    world: World, after: timedelta = NOW, *, halted: bool = False, rewrite: Rewrite | None = None, **policy: Any
) -> Iterator[Rounds]:
    """Rounds of a process whose clock is ahead by `after`; `policy` as MaintainSettings names it.

    One that is halted looks, and begins no job. Merges take place in this process, where tests plant faults, unless
    `rewrite` says otherwise.
    """
    settings = load_settings(lake={"root": str(world.root)}, maintain={**EAGER, **policy})
    metrics = new_metrics(settings, ManualClock(datetime.now(UTC) + after))
    contracts = {world.contract.name: world.contract}
    store = Store(settings.lake.root)
    process = Process(metrics, rewrite=rewrite or (lambda layout, merge, _beat: rewrite_files(store, layout, merge)))
    if halted:
        process.stopping.set()
    with closing(build_rounds(settings, contracts, process=process)) as rounds:
        yield rounds


def maintain(world: World, after: timedelta = NOW, **policy: Any) -> Mapping[str, TableRound]:
    """One round, as `headrace maintain --once` does it; raises what a table ended with."""
    with rounds_of(world, after, **policy) as rounds:
        found = rounds.go(lambda: False)
    for each in found:
        if each.problem is not None:
            raise each.problem
    return {each.table: each for each in found}


def outcomes(found: TableRound) -> list[tuple[str, str]]:
    """What was tried, and how it ended."""
    return [(done.job.kind.value, done.outcome) for done in found.done]


def files(world: World, name: str = TABLE) -> list[str]:
    """Paths of the newest version's data files."""
    root = f"{world.root / name}/"
    return sorted(str(uri).removeprefix("file://").removeprefix(root) for uri in world.table(name).file_uris())


def age_log(world: World, name: str = TABLE, *, days: float) -> None:
    """Everything in the log was written so much earlier."""
    for path in (world.root / name / "_delta_log").iterdir():
        then = path.stat().st_mtime - days * 86_400
        os.utime(path, (then, then))


def age_removals(world: World, name: str = TABLE, *, days: float) -> None:
    """What left the table did so much earlier, as far as no checkpoint says it too."""
    for path in (world.root / name / "_delta_log").glob("*.json"):
        actions = [json.loads(line) for line in path.read_text().splitlines()]
        for action in actions:
            if "remove" in action:
                action["remove"]["deletionTimestamp"] -= int(days * 86_400_000)
        path.write_text("".join(f"{json.dumps(action)}\n" for action in actions))


def leave_orphan(world: World, name: str = TABLE, *, days: float, mark: str = "one") -> Path:
    """A file that no commit names, as a worker leaves it that dies between file and commit."""
    orphan = world.root / name / f"{mark}.parquet"
    orphan.write_bytes(b"PAR1")
    then = orphan.stat().st_mtime - days * 86_400
    os.utime(orphan, (then, then))
    return orphan


def neglect(world: World) -> Path:
    """Gives the table one debt of each kind; returns the path of an orphan.

    Its checkpoint is older than the log is kept, files left it longer ago than they are kept, and then many commits
    brought small files.
    """
    feed(world, 6)
    for name in (TABLE, quarantine_name(TABLE)):
        world.table(name).create_checkpoint()
    feed(world, 6)
    maintain(world)
    for name in (TABLE, quarantine_name(TABLE)):
        age_removals(world, name, days=10)
        age_log(world, name, days=40)
    feed(world, 12)
    return leave_orphan(world, days=10)


def feed(world: World, batches: int, *, days: int = 1, **ingest: Any) -> None:
    """Lands so many batches, each a small file of the table and one of its quarantine."""
    every = {"flush_rows": 21, "flush_seconds": 3600, "quarantine_max_ratio": 1.0, "checkpoint_every": 1000}
    with world.running(**every, **ingest):
        for batch in range(batches):
            good = [fill(batch * 100 + n, at=DAY + timedelta(days=n % days)) for n in range(20)]
            world.await_landing(*world.topic.extend([*good, poison(batch)]))


def pass_days(world: World, days: float) -> None:
    """All of the lake becomes older: what a clock that is set forwards would make of it, for libraries too."""
    for path in sorted(world.root.rglob("*")):
        if path.suffix == ".json" and path.parent.name == "_delta_log":
            actions = [_older(json.loads(line), days) for line in path.read_text().splitlines()]
            then = path.stat().st_mtime
            path.write_text("".join(f"{json.dumps(action)}\n" for action in actions))
            os.utime(path, (then, then))
        elif path.name.endswith(".checkpoint.parquet"):
            then = path.stat().st_mtime
            table = pq.read_table(path)
            actions = [_older(dict(action), days) for action in table.to_pylist()]
            pq.write_table(pa.Table.from_pylist(actions, table.schema), path)
            os.utime(path, (then, then))
        if path.is_file():
            then = path.stat().st_mtime - days * 86_400
            os.utime(path, (then, then))


def _older(action: dict[str, Any], days: float) -> dict[str, Any]:
    for kind, time in (("add", "modificationTime"), ("remove", "deletionTimestamp"), ("commitInfo", "timestamp")):
        if action.get(kind):
            action[kind][time] -= int(days * 86_400_000)
    return action


def last_success(rounds: Rounds) -> float | None:
    """Of a table that this process never got through with: since when it tries."""
    return rounds._metrics.registry.get_sample_value(maintenance.LAST_SUCCESS.name, {"table": TABLE})


def pass_a_minute(rounds: Rounds) -> None:
    clock = rounds._metrics.clock
    assert isinstance(clock, ManualClock)
    clock.advance(60)


def fragmented(world: World, *, days: int = 1) -> World:
    """A drained world whose table and quarantine consist of small files."""
    feed(world, 12, days=days)
    return world


def stored(root: Path) -> dict[str, bytes]:
    """Everything that is stored."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
