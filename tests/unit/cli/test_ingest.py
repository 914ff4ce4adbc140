"""What `headrace ingest` refuses before it asks for a broker."""

import json
from pathlib import Path

import pytest

from headrace_cli.main import run


@pytest.mark.parametrize("partitions", ["", "0,", "one", "-1", "0,0", "0;1", "0-1"])
def test_partitions_are_numbers_each_named_once(partitions: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ingest", "trades", "--partitions", partitions]) == 64
    assert "separated by commas" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "value"), [("GROUP_INSTANCE_ID", "one"), ("GROUP_PROTOCOL", "consumer")])
def test_partitions_do_not_go_with_settings_of_a_group(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    monkeypatch.setenv(f"HEADRACE_KAFKA__{name}", value)
    assert run(["ingest", "trades", "--partitions", "0, 1"]) == 78
    assert f"HEADRACE_KAFKA__{name} is of one: unset it" in capsys.readouterr().err


def test_the_log_names_the_lake_and_variables_that_were_set_in_vain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADRACE_LAKES__ROOT", "/data/lake")
    monkeypatch.setenv("HEADRACE_LOG_FORMAT", "json")
    assert run(["ingest", "trades"]) == 78  # no broker is named
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    told = {line["event"]: line for line in lines}
    assert told["unknown_setting"]["meant"] == "HEADRACE_LAKE__ROOT"
    assert told["starting"]["lake"] == f"{tmp_path}/.headrace/lake"


def test_a_misspelt_lake_is_refused_and_none_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADRACE_LAKE_ROOT", "/data/lake")
    assert run(["ingest", "signals"]) == 78
    assert "HEADRACE_LAKE__ROOT was meant" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
