"""`headrace quarantine replay` as it is called."""

import json
from pathlib import Path

import pytest

from headrace.errors import ConfigError, ContractError
from headrace_cli import replay
from headrace_cli.console import print_json
from headrace_cli.main import USAGE_ERROR, run
from headrace_ingest.replay.report import ReplayReport


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--offsets", "3", "names no offsets"),
        ("--since", "2026-01-31T09:30:00", "is no time with an offset"),
        ("--since", "yesterday", "is no time with an offset"),
        ("--reason", "ugly", "is not one of"),
    ],
)
def test_a_wrong_option_is_a_wrong_command_line(
    option: str, value: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["quarantine", "replay", "trades", option, value]) == USAGE_ERROR
    assert says in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_a_table_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADRACE_LAKE__ROOT", str(tmp_path))
    assert run(["quarantine", "replay", "trades"]) == ConfigError.exit_code
    said = f"there is no table trades under {tmp_path}: the tables there are: none. HEADRACE_LAKE__ROOT names the root"
    assert said in capsys.readouterr().err
    assert run(["quarantine", "replay", "none"]) == ContractError.exit_code
    assert list(tmp_path.iterdir()) == []


def test_the_report_is_for_people_and_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    report = ReplayReport(
        "trades", False, replayed=1200, outdated=40, finished=3, undecided=5, pending=2, versions=[17, 18]
    )
    report.refused.update({"not_json": 1, "wrong_type": 30})

    replay._show(report)

    assert capsys.readouterr().out.split("\n") == [
        "trades: 1,281 unresolved records selected",
        "  became rows                         1,200  versions 17 to 18",
        "  rows of an interrupted replay           3",
        "  marked, as later ones count            40",
        "  still refused                          31",
        "    wrong_type                           30",
        "    not_json                              1",
        "  deleted since? nobody can tell          5",
        "  not yet behind the position             2",
        "",
    ]
    print_json(report)
    assert json.loads(capsys.readouterr().out) == {
        "table": "trades",
        "dry_run": False,
        "replayed": 1200,
        "outdated": 40,
        "finished": 3,
        "refused": {"wrong_type": 30, "not_json": 1},
        "undecided": 5,
        "pending": 2,
        "versions": [17, 18],
    }
