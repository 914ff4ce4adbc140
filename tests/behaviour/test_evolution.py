"""A column added to a table that workers fill, while they do."""

import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import polars as pl
import pytest

from headrace import Event, EventId, Price, Symbol, Table, UtcTimestamp
from headrace.contracts import Contract, contract_of
from headrace.errors import ConfigError, StoreError, WrongTableError
from headrace.lake import Lake
from headrace.lake.log import DeltaLog
from headrace.lake.store import Store
from headrace.read.audit.changed_rows import changes
from headrace_ingest.evolution import apply_schema, diff_schema
from tests.behaviour.holdings import grown_latest_contract_for
from tests.behaviour.latest import LatestWorld
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.upkeep import COLD, feed, maintain, outcomes, rounds_of
from tests.behaviour.world import TABLE, Command, World, fill


def grown(topic: str) -> Contract:
    """The contract of a world with a field more, by which sealed files are ordered, too."""

    class Fill(
        Event,
        topic=topic,
        key="symbol",
        table=Table(name=TABLE, partition_by="date", bloom_filters=("fill_id",), cluster_by=("venue", "symbol")),
        schema_version=2,
    ):
        """One fill, of a made-up kind."""

        fill_id: EventId
        symbol: Symbol
        price: Price
        timestamp: UtcTimestamp
        venue: Symbol | None = None
        """Where it was made."""

    return contract_of(Fill)


def at_venue(number: int) -> bytes:
    """A record with the field that is new."""
    return fill(number)[:-1] + b',"venue":"XNAS"}'


def venues(world: World) -> list[str | None]:
    found = Lake(str(world.root)).read(TABLE).sort("timestamp").collect()
    return list(found["venue"])


def test_a_column_is_added_and_old_rows_have_null(memory_world: World) -> None:
    world = memory_world
    feed(world, 2)
    old, world.contract = world.contract, grown(world.topic.name)
    with pytest.raises(WrongTableError, match=f"this contract has 2: .*`headrace schema apply {TABLE}`"):
        world.worker()
    store, before = Store(str(world.root)), world.table().version()
    assert [(each.subject, each.compatible) for each in diff_schema(store, world.contract).differences] == [
        ("venue", True)
    ]

    assert apply_schema(store, world.contract).changed
    assert not apply_schema(store, world.contract).changed

    assert diff_schema(store, world.contract).same
    world.topic.extend([at_venue(500), fill(501)])
    world.drain(quarantine_max_ratio=1.0)
    assert venues(world) == [None] * 40 + ["XNAS", None]
    world.assert_proved()
    lake = Lake(str(world.root))
    assert "venue" not in lake.read(TABLE, as_of=before).collect_schema()
    came = changes(lake, TABLE, before).collect()
    assert sorted(map(str, came["after"].struct.field("venue"))) == ["None", "XNAS"]
    world.contract = old
    with pytest.raises(WrongTableError, match="was brought to schema_version 2, this contract has 1: it is an older"):
        world.worker()


def test_files_from_before_the_column_are_merged_and_sealed_with_later_ones(memory_world: World) -> None:
    world = memory_world
    feed(world, 12)
    world.contract = grown(world.topic.name)

    with rounds_of(world) as rounds:
        (told,) = [each.plan.unmergeable for each in rounds.go(lambda: False) if each.table == TABLE]
        assert told == f"it lacks columns of contract {TABLE}: venue"
        apply_schema(Store(str(world.root)), world.contract)
        # Of the old files none has the column.
        assert ("compact", "done") in [pair for each in rounds.go(lambda: False) for pair in outcomes(each)]
    world.assert_proved()
    world.topic.extend([at_venue(2000 + number) for number in range(20)])
    world.drain(quarantine_max_ratio=1.0)
    maintain(world, COLD)

    assert sorted(map(str, venues(world))) == ["None"] * 240 + ["XNAS"] * 20
    world.table().create_checkpoint()
    world.assert_proved()


def test_a_worker_of_the_version_before_goes_on_and_nothing_is_lost(memory_world: World) -> None:
    world = memory_world
    later = grown(world.topic.name)
    with world.running(quarantine_max_ratio=1.0):
        world.await_landing(*world.topic.extend([fill(number) for number in range(20)]))
        apply_schema(Store(str(world.root)), later)
        world.await_landing(*world.topic.extend([fill(20), at_venue(21), fill(22)]))
        world.await_landing(*world.topic.extend([fill(23)]))

    world.contract = later
    assert world.replay().replayed == 1  # what the old worker could not know
    world.topic.extend([at_venue(24)])
    world.drain()
    assert venues(world) == [None] * 21 + ["XNAS", None, None, "XNAS"]
    world.assert_proved()


@pytest.fixture
def latest_world(memory_world: World) -> LatestWorld:
    return LatestWorld("memory", MemoryTopic(3), memory_world.folder / "latest")


def test_latest_rows_of_workers_of_both_versions_keep_the_column(latest_world: LatestWorld) -> None:
    world = latest_world
    later = grown_latest_contract_for(world.topic.name)
    with world.running(partitions=None):
        for account in range(40):
            world.send(account, at=account)
        world.await_all()
        apply_schema(Store(str(world.root)), later)
        for account in range(10):
            world.send(account, at=100 + account)
        world.await_all()
    old, world.contract = world.contract, later
    value = b'{"account":"7","desk":"A","price":"1.0000","timestamp":"2026-03-02T18:00:00.000000Z","venue":"XNAS"}'
    world.topic.append(value, key=b"7", partition=7 % world.topic.partitions)
    world.drain()
    assert [row["venue"] for row in world.rows() if row["account"] == "7"] == ["XNAS"]
    world.send(8, at=300)
    world.drain()

    assert [row["venue"] for row in world.rows() if row["account"] == "7"] == ["XNAS"]
    world.assert_rows()
    world.assert_proved()
    assert old.schema_version == 1


@pytest.mark.parametrize("kind", ["rows", "latest"])
def test_a_batch_in_flight_is_refused_and_lands_once(
    kind: str, memory_world: World, latest_world: LatestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world: World = latest_world if kind == "latest" else memory_world
    later = (grown_latest_contract_for if kind == "latest" else grown)(world.topic.name)
    world.drain()
    name = "commit_next" if kind == "latest" else "commit"
    commit: Callable[..., int] = getattr(DeltaLog, name)
    overtaken: list[int] = []

    def overtake(log: DeltaLog, given: Any, txns: Mapping[str, int], note: Mapping[str, object], **more: Any) -> int:
        if note["kind"] == "ingest" and not overtaken:
            overtaken.append(apply_schema(Store(str(world.root)), later).version)
        return commit(log, given, txns, note, **more)

    monkeypatch.setattr(DeltaLog, name, overtake)
    if isinstance(world, LatestWorld):
        world.send(1, at=1)
    else:
        world.topic.extend([fill(1)])
    world.drain()

    assert overtaken
    world.contract = later
    assert len(world.rows()) == 1
    world.assert_proved()


@pytest.mark.parametrize("landed", [True, False])
def test_a_store_that_fails_at_the_commit_leaves_all_of_it_or_nothing(
    landed: bool, memory_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = memory_world
    feed(world, 1)
    later, store = grown(world.topic.name), Store(str(world.root))
    before = world.table().version()
    create = Store.create

    def fail(self: Store, path: str, data: bytes) -> bool:
        if landed:
            create(self, path, data)
        msg = "the network went away"
        raise StoreError(msg)

    monkeypatch.setattr(Store, "create", fail)
    if landed:
        assert apply_schema(store, later).version == before + 1
    else:
        with pytest.raises(StoreError, match="the network went away"):
            apply_schema(store, later)
        assert world.table().version() == before
        world.assert_proved()
    monkeypatch.setattr(Store, "create", create)

    assert apply_schema(store, later).changed is not landed
    world.contract = later
    world.drain(quarantine_max_ratio=1.0)
    world.assert_proved()


def test_the_command_says_what_differs_and_brings_the_table_there(
    memory_world: World, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = memory_world
    feed(world, 1)
    name = f"grown_{uuid.uuid4().hex}"
    text = world.module().replace("table=Table(", "schema_version=2, table=Table(")
    (world.folder / f"{name}.py").write_text(text + "    venue: Symbol | None = None\n")
    monkeypatch.syspath_prepend(str(world.folder))
    monkeypatch.setenv("HEADRACE_CONTRACTS", name)

    code, said = command(world, "schema", "diff", TABLE)
    assert (code, "venue (" in said, "compatible" in said) == (0, True, True)
    code, said = command(world, "schema", "apply", TABLE, "--json")
    assert (code, json.loads(said)["changed"]) == (0, True)
    assert "already" in command(world, "schema", "apply", TABLE)[1]

    wrong = f"wrong_{uuid.uuid4().hex}"
    (world.folder / f"{wrong}.py").write_text(text + "    venue: int | None = None\n    desk: str\n")
    monkeypatch.setenv("HEADRACE_CONTRACTS", wrong)
    code, said = command(world, "schema", "diff", TABLE)
    assert code == 73
    assert "desk (" in said
    assert "both have schema_version 2: raise it in the contract" in said
    assert command(world, "schema", "apply", TABLE)[0] == 73


def test_what_is_no_table_of_the_contract_is_left_alone(memory_world: World) -> None:
    store = Store(str(memory_world.root))
    with pytest.raises(ConfigError, match=f"there is no table {TABLE}"):
        apply_schema(store, memory_world.contract)
    Lake(str(memory_world.root)).create(TABLE, pl.DataFrame({"x": [1]}))
    with pytest.raises(WrongTableError, match=f"is not a table of contract {TABLE}"):
        apply_schema(store, memory_world.contract)
