"""`headrace tables create|delete` from the outside."""

import json
from pathlib import Path

import polars as pl
import pytest

from headrace.lake import Lake
from tests.behaviour.topics import ClusterTopic
from tests.behaviour.world import TABLE, Command, World


@pytest.fixture
def world(embedded_world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose contract a user's module declares, on a broker that has no other topic."""
    embedded_world.declare(monkeypatch)
    return embedded_world


def test_tables_of_contracts_are_made_at_once_and_filled_by_workers(world: World, command: Command) -> None:
    world.topic.extend([world.fill(0)])

    code, said = command(world, "tables", "create", TABLE, "--json")

    told = json.loads(said)
    assert (code, told["time_travel"]) == (0, {"rows": [1, 2]})
    (made,) = told["tables"]
    assert (made["table"], made["created"], made["problem"]) == (TABLE, True, None)
    world.drain()
    world.assert_proved()
    code, said = command(world, "tables", "create", TABLE)
    assert code == 0
    assert "was there already" in said
    assert "Time travel works" in said
    assert sorted(path.name for path in world.root.iterdir()) == [TABLE, f"{TABLE}__quarantine"]


def test_a_contract_without_a_topic_hides_no_other(world: World, command: Command) -> None:
    code, said = command(world, "tables", "create", "legs", TABLE)

    assert code == 66
    assert "legs: " in said
    assert f"{TABLE} " in said


def test_a_table_is_deleted_only_by_who_is_sure(world: World, command: Command, tmp_path: Path) -> None:
    lake = Lake(str(world.root))
    lake.create("mine", pl.DataFrame({"x": [1]}))

    code, _ = command(world, "tables", "delete", "mine")
    assert (code, lake.exists("mine")) == (78, True)
    assert command(world, "tables", "delete", "mine", "--yes") == (0, "deleted mine\n")
    assert not lake.exists("mine")
    assert command(world, "tables", "delete", "mine", "--yes")[0] == 78


def test_deleting_a_table_of_workers_says_where_they_will_begin(
    world: World, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    world.topic.extend([world.fill(0)])
    world.drain()

    assert command(world, "tables", "delete", TABLE, "--yes")[0] == 0

    assert isinstance(world.topic, ClusterTopic)
    assert list(world.root.iterdir()) == []
