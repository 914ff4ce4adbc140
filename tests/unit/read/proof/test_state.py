"""Runs that go on where the last PASS ended."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake import DeltaTable

from headrace.errors import ConfigError, StoreError
from headrace.read.proof.features import Json
from headrace_cli.main import USAGE_ERROR, run
from tests.unit.read.proof.tables import TableBuilder

Verify = Callable[..., Json]


@pytest.fixture
def verify(lake: TableBuilder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Verify:
    """Runs `headrace verify trades` with a state, and gives what it says of the table."""

    def call(*options: str, code: int = 0) -> Json:
        assert run(["verify", "trades", "--json", "--state", str(tmp_path / "state.json"), *options]) == code
        found: Json = json.loads(capsys.readouterr().out)["tables"][0]
        return found

    return call


def test_a_run_goes_on_where_the_last_pass_ended(table: TableBuilder, verify: Verify) -> None:
    assert verify()["since"] is None
    table.land({0: (260, 300)})
    assert verify()["since"] == 3
    DeltaTable(table.path).optimize.compact()
    table.land({0: (300, 310)})

    found = verify()

    assert (found["since"], [p["rows"] for p in found["partitions"]]) == (4, [10, 0])


def test_a_fail_is_found_again_until_it_is_mended(table: TableBuilder, verify: Verify) -> None:
    verify()
    table.land({0: (261, 300)})
    assert verify(code=1)["since"] == 3
    table.land({0: (300, 310)})

    assert verify(code=1)["since"] == 3


def test_less_that_passed_is_no_base_for_more(table: TableBuilder, verify: Verify) -> None:
    verify()
    ledger = ("--ledger", str(table.write_ledger()))
    assert verify(*ledger)["since"] is None
    assert verify(*ledger)["since"] == 3
    assert verify()["since"] == 3


def test_a_table_that_is_not_the_verified_one_fails(table: TableBuilder, verify: Verify, tmp_path: Path) -> None:
    verify()
    state = tmp_path / "state.json"
    state.write_text(state.read_text().replace("260", "250"))
    assert "the table is not the one that was verified" in verify(code=1)["findings"][1]["message"]

    state.write_text(state.read_text().replace('"version": 3', '"version": 30'))
    assert "has no version 30 yet" in verify(code=1)["findings"][0]["message"]


@pytest.mark.parametrize("content", ["", "[]", '{"trades": {"version": "x"}}'])
def test_a_file_of_something_else_is_left_alone(
    verify: Verify, tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state.json"
    state.write_text(content)

    assert run(["verify", "trades", "--state", str(state)]) == ConfigError.exit_code
    assert "name another file, or remove it" in capsys.readouterr().err
    assert state.read_text() == content


def test_a_file_that_cannot_be_read_or_has_no_folder_is_told_before_the_proof(
    verify: Verify, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["verify", "trades", "--state", str(tmp_path / "gone" / "state.json")]) == ConfigError.exit_code
    out, err = capsys.readouterr()
    assert out == ""
    assert "make its folder first" in err

    assert run(["verify", "trades", "--state", str(tmp_path)]) == ConfigError.exit_code
    assert "cannot be read: Is a directory" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_told_after_the_verdict(
    verify: Verify, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    longest = tmp_path / ("x" * 255)  # what is written under another name first has none left

    assert run(["verify", "trades", "--state", str(longest)]) == StoreError.exit_code

    out, err = capsys.readouterr()
    assert "verify: PASS" in out
    assert "writing " in err


def test_a_state_and_a_version_exclude_each_other(
    verify: Verify, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = ("--state", str(tmp_path / "state.json"))
    assert run(["verify", "trades", "--since", "3", *state]) == USAGE_ERROR
    assert "give one of them" in capsys.readouterr().err


@pytest.mark.parametrize("named", [(), ("trades",)])
def test_a_table_that_passed_and_is_gone_fails_and_stays_in_the_metrics(
    table: TableBuilder, verify: Verify, tmp_path: Path, capsys: pytest.CaptureFixture[str], named: tuple[str, ...]
) -> None:
    verify()
    for name in ("trades", "trades__quarantine"):
        shutil.rmtree(table.root / name)
    state, metrics = tmp_path / "state.json", tmp_path / "verify.prom"
    noted = state.read_bytes()

    code = run(["verify", *named, "--quiet", "--state", str(state), "--metrics-file", str(metrics)])

    assert code == 1
    assert "FAIL log_damaged: " in capsys.readouterr().out
    assert 'headrace_verify_verdict{table="trades",verdict="FAIL"} 1.0' in metrics.read_text()
    assert state.read_bytes() == noted
