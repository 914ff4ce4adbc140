"""`headrace config check`."""

import json
import os
from pathlib import Path

import pytest

from headrace_cli.config_reference import reference
from headrace_cli.main import run


@pytest.fixture(autouse=True)
def _nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine reaches these tests."""
    for name in [name for name in os.environ if name.startswith("HEADRACE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_every_setting_of_the_reference_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "check", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["file"] is None
    assert told["problems"] == []
    listed = [line.split("`")[1] for line in reference().splitlines() if line.startswith("| `HEADRACE_")]
    assert sorted(each["variable"] for each in told["settings"]) == sorted(listed)
    assert {each["source"] for each in told["settings"]} == {"default"}


def test_text_names_value_source_and_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "headrace.toml").write_text("[ingest]\nflush_rows = 5\n")
    monkeypatch.setenv("HEADRACE_LAKES__ROOT", "/lake")
    monkeypatch.setenv("HEADRACE_KAFKA__SASL_USERNAME", "me")
    assert run(["config", "check"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"file: {tmp_path}/headrace.toml"
    assert ["ingest.flush_rows", "5", "file"] in [line.split() for line in lines]
    assert lines[-2:] == [
        "HEADRACE_LAKES__ROOT sets nothing: HEADRACE_LAKE__ROOT was probably meant",
        "kafka.sasl_username has no effect under kafka.security_protocol as it is",
    ]


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("HEADRACE_INGEST__FLUSH_ROWS", "many", "HEADRACE_INGEST__FLUSH_ROWS: Input should be a valid integer"),
        ("HEADRACE_INGEST__FLUSH_ROW", "7", "HEADRACE_INGEST__FLUSH_ROWS was probably meant"),
        ("HEADRACE_LAKE_ROOT", "/lake", "HEADRACE_LAKE_ROOT: no such setting; HEADRACE_LAKE__ROOT was meant"),
        ("HEADRACE_KAFKA__CLIENT", "{", "settings cannot be read"),
        ("HEADRACE_KAFKA__CLIENT", '{"acks": "1"}', "may not set acks"),
        ("HEADRACE_KAFKA__CLIENT", '{"no.such.property": "1"}', "no.such.property"),
        ("HEADRACE_KAFKA__SASL_PASSWORD_FILE", "/nowhere", "SASL_PASSWORD_FILE /nowhere cannot be read"),
        ("HEADRACE_CONTRACTS", "no_such_module", "module 'no_such_module' of HEADRACE_CONTRACTS cannot be imported"),
        ("HEADRACE_CONFIG", "/nowhere.toml", "HEADRACE_CONFIG names /nowhere.toml, which is not a file"),
    ],
)
def test_what_is_wrong_is_told_and_ends_with_78(
    variable: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, value)
    assert run(["config", "check", "--json"]) == 78
    out, err = capsys.readouterr()
    (problem,) = json.loads(out)["problems"]
    assert said in problem
    assert said in err


def test_all_that_is_wrong_is_told_at_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HEADRACE_CONTRACTS", "no_such_module")
    monkeypatch.setenv("HEADRACE_KAFKA__CLIENT", '{"acks": "1"}')
    assert run(["config", "check", "--json"]) == 78
    assert len(json.loads(capsys.readouterr().out)["problems"]) == 2
