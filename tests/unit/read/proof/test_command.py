"""`headrace verify` as people and scripts call it."""

import json
import shutil

import pytest

from headrace.errors import ConfigError, WrongTableError
from headrace.read.proof.findings import Verdict
from headrace.settings import load_settings
from headrace_cli.main import USAGE_ERROR, run
from headrace_cli.verify_run import ProofOptions, verify_tables
from tests.unit.read.proof.tables import TableBuilder


def test_json_goes_to_stdout_and_nothing_else(lake: TableBuilder, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["verify", "--json", "--ledger", str(lake.write_ledger())])

    out, err = capsys.readouterr()
    assert code == 0
    assert err == ""
    found = json.loads(out)
    assert found["verdict"] == "PASS"
    assert found["tables"][0]["levels"] == ["log", "files", "ledger"]


def test_without_names_every_table_of_the_lake_is_verified(
    lake: TableBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["verify"]) == 0

    out = capsys.readouterr().out
    assert "trades at version 3, 6 files: PASS (checked: log, files)" in out
    assert out.endswith("verify: PASS\n")


def test_a_failure_is_told_with_its_place_and_exit_code_1(
    lake: TableBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = lake.land({0: (260, 300)})
    lake.land({0: (260, 300)})

    assert run(["verify", "trades"]) == 1

    out = capsys.readouterr().out
    assert "FAIL duplicate: offset 260 is in the table 2 times" in out
    assert f"batch {batch}" in out


def test_what_could_not_be_checked_is_exit_code_2(
    lake: TableBuilder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADRACE_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("HEADRACE_KAFKA__REQUEST_TIMEOUT_SECONDS", "0.3")

    assert run(["verify", "trades"]) == 2
    assert "UNKNOWN source_unavailable" in capsys.readouterr().out
    assert run(["verify", "trades", "--from-log"]) == 0


def test_the_lake_may_lie_below_the_home_folder(lake: TableBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(lake.root.parent))
    monkeypatch.setenv("HEADRACE_LAKE__ROOT", f"~/{lake.root.name}")

    assert run(["verify", "trades"]) == 0


def test_the_lake_may_be_named_by_a_file_uri(lake: TableBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_LAKE__ROOT", lake.root.as_uri())

    assert run(["verify", "trades"]) == 0


def test_a_lake_elsewhere_is_not_verified(lake: TableBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_LAKE__ROOT", "s3://bucket/lake")

    with pytest.raises(ConfigError, match="s3://bucket/lake is not on a local file system"):
        verify_tables(load_settings(), ["trades"])


def test_a_wrong_name_is_a_configuration_error(lake: TableBuilder) -> None:
    with pytest.raises(ConfigError, match="there is no table greeks under"):
        verify_tables(load_settings(), ["greeks"])


@pytest.mark.parametrize("command", [["verify", "greeks"], ["quarantine", "list", "greeks"]])
def test_a_file_where_a_table_should_be_is_told_as_such(
    lake: TableBuilder, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (lake.root / "greeks").write_text("notes")

    assert run(command) == WrongTableError.exit_code
    assert "greeks is a file: move it away" in capsys.readouterr().err


def test_since_begins_after_a_version(lake: TableBuilder, capsys: pytest.CaptureFixture[str]) -> None:
    lake.land({0: (260, 300)})

    assert run(["verify", "trades", "--since", "3", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)["tables"][0]
    assert (found["since"], [p["rows"] for p in found["partitions"]]) == (3, [40, 0])


def test_since_needs_one_table(lake: TableBuilder, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--since", "3"]) == USAGE_ERROR
    assert "name that table" in capsys.readouterr().err


def test_the_ledger_and_the_log_alone_exclude_each_other(
    lake: TableBuilder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["verify", "--from-log", "--ledger", str(lake.root)]) == USAGE_ERROR
    assert "give one of them" in capsys.readouterr().err


def test_an_unknown_contract_leaves_values_uncompared_and_unknown(lake: TableBuilder) -> None:
    creation = lake.log(0)
    creation.write_text(creation.read_text().replace('"headrace.contract":"trades"', '"headrace.contract":"mine"'))

    report = verify_tables(load_settings(), ["trades"], ProofOptions(ledger=lake.write_ledger()))[0]

    assert report.verdict is Verdict.UNKNOWN
    assert "HEADRACE_CONTRACTS" in report.findings[0].message
    assert [p.lost for p in report.partitions] == [0, 0]


@pytest.mark.parametrize("lost", ["trades", "trades__quarantine"])
@pytest.mark.parametrize("named", [(), ("trades",)])
def test_a_table_that_lost_a_half_is_not_passed_over(lake: TableBuilder, lost: str, named: tuple[str, ...]) -> None:
    shutil.rmtree(lake.root / lost)

    (report,) = verify_tables(load_settings(), named)

    assert (report.table, report.verdict) == ("trades", Verdict.FAIL)
    assert "holds no Delta log" in report.findings[0].message
