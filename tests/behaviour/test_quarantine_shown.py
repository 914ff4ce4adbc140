"""What `headrace quarantine list` and `show` say of records that a worker refused."""

import json
import re
from pathlib import Path

import pytest

from headrace.errors import ConfigError, TableDamagedError
from headrace.lake.quarantine import quarantine_name
from headrace_cli.main import run
from tests.behaviour.world import TABLE, Command, World, fill, poison


@pytest.fixture
def world(memory_world: World) -> World:
    """A good record, a torn one with a key and a header, and one without a value."""
    memory_world.topic.append(fill(1), partition=0)
    memory_world.topic.append(poison(2), partition=0, key=b"SPY", headers=[("sent-by", b"\x01bot")])
    memory_world.topic.append(None, partition=1)
    memory_world.drain()
    return memory_world


def test_list_counts_by_reason_and_names_the_newest(world: World, command: Command) -> None:
    code, told = command(world, "quarantine", "list", TABLE)
    assert code == 0
    assert told.startswith(f"{TABLE}: 2 records in quarantine\n")
    assert [line.split()[:2] for line in told.splitlines()[-2:]] in ([["1", "0"], ["0", "1"]], [["0", "1"], ["1", "0"]])


def test_list_is_json_with_times_as_everywhere(world: World, command: Command) -> None:
    code, told = command(world, "quarantine", "list", TABLE, "--json")
    found = json.loads(told)
    assert code == 0
    assert (found["table"], sum(found["counts"].values()), found["resolved"]) == (TABLE, 2, 0)
    assert {(record["partition"], record["offset"]) for record in found["records"]} == {(0, 1), (1, 0)}
    assert all(record["quarantined_at"].endswith("Z") for record in found["records"])


def test_list_of_one_reason_leaves_out_the_others(world: World, command: Command) -> None:
    _, told = command(world, "quarantine", "list", TABLE, "--json")
    (reason, count), *_ = json.loads(told)["counts"].items()
    _, told = command(world, "quarantine", "list", TABLE, "--json", "--reason", reason)
    assert [record["reason"] for record in json.loads(told)["records"]] == [reason] * count


def test_show_prints_one_record_whole_and_nothing_that_a_terminal_obeys(world: World, command: Command) -> None:
    code, told = command(world, "quarantine", "show", TABLE, "0", "1", "--json")
    record = json.loads(told)
    assert code == 0
    assert (record["key"], record["value"]) == ("SPY", "{torn 2\\xff")
    assert record["headers"] == [["sent-by", "\\x01bot"]]
    _, shown = command(world, "quarantine", "show", TABLE, "0", "1")
    assert "{torn 2\\xff" in shown


def test_a_record_that_was_not_refused_is_not_there(world: World, command: Command) -> None:
    code, _ = command(world, "quarantine", "show", TABLE, "0", "0")
    assert code == ConfigError.exit_code


def test_every_key_of_the_json_is_explained(world: World, command: Command) -> None:
    listed = json.loads(command(world, "quarantine", "list", TABLE, "--json")[1])
    shown = json.loads(command(world, "quarantine", "show", TABLE, "0", "1", "--json")[1])
    assert _explained("list") == {*listed, *listed["records"][0]}
    assert _explained("show") == shown.keys()


def _explained(command: str) -> set[str]:
    page = (Path(__file__).parents[2] / "docs" / "quarantine.md").read_text()
    table = page.partition(f"| Key of `{command} --json` |")[2].partition("\n\n")[0]
    return set(re.findall(r"`(\w+)`", table))


def test_a_file_that_was_cut_short_is_told(
    world: World, command: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in (world.root / quarantine_name(TABLE)).rglob("*.parquet"):
        file.write_bytes(file.read_bytes()[:100])
    assert command(world, "quarantine", "list", TABLE)[0] == TableDamagedError.exit_code
    monkeypatch.setenv("HEADRACE_LAKE__ROOT", str(world.root))
    assert run(["quarantine", "show", TABLE, "0", "1"]) == TableDamagedError.exit_code
    told = capsys.readouterr().err
    assert f"headrace: TableDamagedError: {quarantine_name(TABLE)}/" in told
    assert "it has 100 bytes, the log says" in told
