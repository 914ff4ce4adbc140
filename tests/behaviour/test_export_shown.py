"""What `headrace export` and `headrace maintain` serve: every metric of tables, by processes that only read."""

import json
import signal
from pathlib import Path

import pytest
from prometheus_client.samples import Sample

from headrace.lake.latest import merging
from headrace.lake.store import Store
from headrace.lake.upkeep.lease import take_lease
from headrace.metrics import TABLES, tables
from headrace.metrics.metric import Metric
from headrace.read.summary import summarise_table
from headrace.testing.waiting import wait_until
from tests.behaviour.exporting import exported
from tests.behaviour.latest import LatestWorld
from tests.behaviour.scraping import moved, probe, scrape, served_at
from tests.behaviour.standing import HOUR, send
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.upkeep import maintain, neglect, rounds_of
from tests.behaviour.world import TABLE, World
from tests.faults.processes import Process, process_environment

QUICK = {"export__every_seconds": "0.2", "export__full_minutes": "0.005", "metrics__port": "0"}


def a_neglected_table(folder: Path) -> list[Sample]:
    """One that owes everything, then owes nothing, and in the end cannot be read."""
    world = World("memory", MemoryTopic(3), folder)
    neglect(world)
    with rounds_of(world, halted=True, urgent_files=8) as behind:
        behind.go(lambda: False)
        with exported(world) as shown:
            before = shown.samples()
    maintain(world, checkpoint_versions=10)
    log = world.root / TABLE / "_delta_log"
    (log / "_commit_abc.json.tmp").write_bytes(b"torn")
    version = world.table().version()
    add = {"path": "foreign.parquet", "size": 9, "modificationTime": 1, "dataChange": True, "stats": "{}"}
    foreign = json.dumps({"add": {**add, "partitionValues": {"date": "2026-03-02"}}})
    (log / f"{version + 1:020d}.json").write_text(foreign)
    with exported(world) as shown:
        lease = take_lease(Store(str(world.root)), TABLE, "once/1", shown.clock)
        lease.block("rows differ")
        lease.release()
        shown.turn()
        before += shown.samples()
        (log / f"{version + 2:020d}.json").write_bytes(b'{"add":{')
        shown.turn()
        return [*before, *shown.samples()]


def a_table_of_latest_rows(folder: Path) -> list[Sample]:
    """Whose replaced rows deletion vectors take."""
    world = LatestWorld("memory", MemoryTopic(2), folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging, "SMALL", 1)
        for accounts in (range(20), range(2), range(1, 3)):
            for account in accounts:
                world.send(account, at=100 - len(accounts) + account)
            world.drain()
    with exported(world) as shown:
        version = shown.value(tables.VERSION)
        assert shown.value(tables.ROWS) == len(world.rows()) == 20
        assert shown.value(tables.DELETED_ROWS) > 0
        assert shown.value(tables.FILES) == summarise_table(Store(str(world.root)), TABLE).files
        world.table().create_checkpoint()
        with exported(world) as anew:
            told = (tables.ROWS, tables.DELETED_ROWS, tables.FILES, tables.TOMBSTONES, tables.ACTIVE_BYTES)
            assert [anew.value(metric) for metric in told] == [shown.value(metric) for metric in told]
            assert anew.value(tables.LAST_CHECKPOINT) == version
        return shown.samples()


def a_table_that_is_behind(world: World) -> list[Sample]:
    """By more than the topic still has."""
    fall_behind(world)
    with exported(world, kafka=world.topic.kafka().model_dump(exclude_unset=True)) as shown:
        return shown.samples()


def fall_behind(world: World) -> None:
    send(world, 5, age=HOUR)
    world.drain()
    send(world, 6, age=HOUR)
    world.topic.delete_before(0, 7)


@pytest.mark.kafka
def test_two_processes_say_the_same_and_the_one_that_only_exports_writes_nothing(kafka_world: World) -> None:
    world = kafka_world
    fall_behind(world)
    environment = process_environment(
        world, {"kafka__bootstrap_servers": world.cluster.handle.bootstrap_servers, **QUICK}
    )
    before = {path: path.stat().st_mtime_ns for path in world.root.rglob("*")}
    with Process(["export"], environment, world.folder / "export.log") as process:
        alone = what_is_shown(process)
        assert probe(served_at(process.said)) == {"startupz": 200, "livez": 200, "readyz": 200}
        stop(process)
    assert {path: path.stat().st_mtime_ns for path in world.root.rglob("*")} == before
    with Process(["maintain", "--table", TABLE], environment, world.folder / "maintain.log") as process:
        beside = what_is_shown(process)
        stop(process)
    for metric in (tables.SOURCE_LAG, tables.SOURCE_GONE, tables.FILES, tables.NEWEST_EVENT, tables.HEALTH):
        assert of(alone, metric) == of(beside, metric)
    assert sum(of(alone, tables.SOURCE_LAG).values()) == 6
    assert {s.name for s in alone} >= {"process_resident_memory_bytes", "headrace_build_info"}
    assert not [s for s in alone if s.name == "headrace_delta_conflict_guard_ok"]


def what_is_shown(process: Process) -> list[Sample]:
    process.await_said('"serving"')
    url = served_at(process.said)
    looks = {(tables.COLLECTION_SECONDS.name, look) for look in tables.LOOKS}
    wait_until(lambda: looks <= moved(scrape(url)), "all looks were taken")
    return scrape(url)


def of(samples: list[Sample], metric: Metric) -> dict[tuple[str, ...], float]:
    return {tuple(s.labels.values()): s.value for s in samples if s.name == metric.name and s.labels["table"] == TABLE}


def stop(process: Process) -> None:
    process.signal(signal.SIGTERM)
    assert process.end() == 0, process.said


@pytest.mark.kafka
def test_exporters_move_every_metric_of_tables(kafka_world: World, tmp_path: Path) -> None:
    for name in ("neglected", "latest"):
        (tmp_path / name).mkdir()
    shown = moved(
        [
            *a_neglected_table(tmp_path / "neglected"),
            *a_table_of_latest_rows(tmp_path / "latest"),
            *a_table_that_is_behind(kafka_world),
        ]
    )
    assert sorted({metric.name for metric in TABLES} - {name for name, _ in shown}) == []
    for metric, words in (
        (tables.COLLECTED, tables.LOOKS),
        (tables.COLLECTION_SECONDS, tables.LOOKS),
        (tables.COLLECTION_FAILURES, ("log",)),
        (tables.SMALL_FILES, ("fragment",)),
        (tables.FILES_BY_SIZE, tables.FILES_BY_SIZE.values["le"]),
        (tables.HEALTH_POINTS, tables.HEALTH_PARTS),
    ):
        assert sorted(word for word in words if (metric.name, word) not in shown) == [], metric.name


def test_a_named_table_that_does_not_exist_and_metrics_switched_off_are_refused(memory_world: World) -> None:
    memory_world.drain()
    for arguments, settings, said in (
        (["export", "--table", "nope"], QUICK, "there is no table nope"),
        (["export"], {"metrics__enabled": "false"}, "HEADRACE_METRICS__ENABLED is false"),
    ):
        with Process(arguments, process_environment(memory_world, settings), memory_world.folder / "log") as process:
            assert process.end() == 78
            assert said in process.said


def test_an_exporter_whose_broker_is_away_says_so_once_and_stops_at_once(memory_world: World) -> None:
    memory_world.drain()
    nobody = {"kafka__bootstrap_servers": "127.0.0.1:1", "kafka__request_timeout_seconds": "1"}
    environment = process_environment(memory_world, {**QUICK, **nobody})
    with Process(["export"], environment, memory_world.folder / "log") as process:
        process.await_said("collection_failed")
        url = served_at(process.said)
        wait_until(lambda: failures(url) >= 3, "it asks again and again")
        assert {s.value for s in scrape(url) if s.name == tables.FILES.name} == {0}
        stop(process)
    assert process.said.count("collection_failed") == 1
    assert "FAIL [rdkafka#" not in process.said, "a line for every attempt to connect"


def failures(url: str) -> float:
    return sum(s.value for s in scrape(url) if s.name == tables.COLLECTION_FAILURES.name)
