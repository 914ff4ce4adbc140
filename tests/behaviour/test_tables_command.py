"""`headrace tables create|delete` from the outside."""

import json
import uuid
from pathlib import Path

import polars as pl
import pytest

from headrace.lake import Lake
from headrace.testing.waiting import wait_until
from headrace_cli.main import run
from tests.behaviour.world import TABLE, Command, World, fill
from tests.integration.terminals import headrace


@pytest.fixture
def world(embedded_world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose contract a user's module declares."""
    name = f"fills_{uuid.uuid4().hex}"
    (embedded_world.folder / f"{name}.py").write_text(embedded_world.module())
    monkeypatch.syspath_prepend(str(embedded_world.folder))
    monkeypatch.setenv("HEADRACE_CONTRACTS", name)
    return embedded_world


def test_tables_of_contracts_are_made_at_once_and_filled_by_workers(world: World, command: Command) -> None:
    world.topic.extend([fill(0)])

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


def test_without_a_broker_that_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HEADRACE_KAFKA__BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.setenv("HEADRACE_LAKE__ROOT", str(tmp_path / "lake"))
    monkeypatch.chdir(tmp_path)

    assert run(["tables", "create"]) == 78

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("HEADRACE_KAFKA__BOOTSTRAP_SERVERS") == 1
    assert not (tmp_path / "lake").exists()


def test_a_table_is_deleted_only_by_who_is_sure(world: World, command: Command) -> None:
    lake = Lake(str(world.root))
    lake.create("mine", pl.DataFrame({"x": [1]}))

    code, _ = command(world, "tables", "delete", "mine")
    assert (code, lake.exists("mine")) == (78, True)
    assert command(world, "tables", "delete", "mine", "--yes") == (0, "deleted mine\n")
    assert not lake.exists("mine")
    assert command(world, "tables", "delete", "mine", "--yes")[0] == 78


def test_a_table_of_workers_is_asked_for_twice_and_what_they_will_do_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.topic.extend([fill(0)])
    world.drain()
    settings = {"HEADRACE_LAKE__ROOT": str(world.root)}

    with headrace(world.folder, "tables", "delete", TABLE, terminal=True, settings=settings) as running:
        wait_until(lambda: "[y/N]" in running.printed, "the question")
        assert f"Workers fill it from topic {world.topic.name}: stop them first" in running.printed
        running.type("y")
        wait_until(lambda: "Its name" in running.printed, "the second question")
        running.type("fill")
        assert running.wait() == 130
    assert "Nothing was deleted." in running.printed
    world.assert_proved()


def test_tables_made_by_hand_are_listed_too(world: World, command: Command) -> None:
    lake = Lake(str(world.root))
    lake.create("mine", pl.DataFrame({"x": [1, 2]}))
    code, said = command(world, "tables", "--json")
    assert (code, [(each["table"], each["rows"], each["topic"]) for each in json.loads(said)["tables"]]) == (
        0,
        [("mine", 2, None)],
    )
    assert command(world, "health", "mine")[0] == 0
    assert command(world, "maintain", "--once", "--table", "mine")[0] == 0
    world.drain()

    assert [line.split()[0] for line in command(world, "tables")[1].splitlines()] == ["table", TABLE, "mine"]
    assert command(world, "history", "mine")[0] == 0
    assert command(world, "maintain", "--dry-run")[0] == 0
