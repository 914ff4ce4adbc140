"""What docs/audit.md shows is what the commands and functions say of tables that real workers made."""

import doctest
import json
import re
import shlex
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headrace import PositionUpdate
from headrace.contracts import load_contracts
from headrace.metrics import QUALITY
from headrace.read.audit.data_quality.report import (
    ColumnProfile,
    Duplicate,
    Duplicates,
    QualityReport,
    Rejects,
    Timeliness,
    Window,
)
from headrace.read.audit.origin import RowOrigin, RowOrigins
from headrace.read.audit.version_origin import VersionOrigin
from headrace.testing.manual_clock import ManualClock
from headrace_cli.main import run
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.world import World
from tests.pages import settled
from tests.unit.test_docs_look import trade

PAGE = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()
EXAMPLES = re.findall(r"^```console\n\$ headrace (.*?)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SESSIONS = re.findall(r"^```pycon\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
NOW = datetime(2026, 3, 2, 14, 31, tzinfo=UTC)


def made(folder: Path, table: str, partitions: int) -> World:
    """A lake in the folder with that table to come."""
    contract = load_contracts()[table]
    world = World("memory", MemoryTopic(partitions, contract.topic), folder, clock=ManualClock(NOW))
    world.contract = contract
    return world


def update(conid: int, quantity: int, price: str, second: int) -> bytes:
    happened = NOW + timedelta(seconds=second)
    return PositionUpdate(
        conid=conid,
        symbol="SPY",
        quantity=quantity,
        average_cost="1.2000",
        market_price=price,
        market_value="120",
        unrealized_pnl="0",
        timestamp=happened,
    ).to_wire()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trades of two batches, the second with a reject, a late one and one that was sent twice; and what is held."""
    folder = tmp_path_factory.mktemp("audit")
    stamp = int(NOW.timestamp() * 1000)
    trades = made(folder, "trades", 2)
    for number in range(6):
        trades.topic.append(trade(number), partition=number // 4, timestamp_ms=stamp)
    trades.drain()
    for value in (trade(6), trade(5), trade(-90_000)):
        trades.topic.append(value, partition=0, timestamp_ms=stamp)
    trades.topic.append(b'{"torn', partition=1, timestamp_ms=stamp)
    trades.topic.append(trade(7).replace(b'"1.0500"', b'"1.23456"'), partition=1, timestamp_ms=stamp)
    trades.drain(quarantine_max_ratio=1.0)
    trades.table("trades").optimize.compact()
    held = made(folder, "position_updates", 1)
    for conid, price in ((101, "1.2500"), (102, "0.8000")):
        held.topic.append(update(conid, 1, price, 0), timestamp_ms=stamp)
    held.drain()
    held.topic.append(update(101, 1, "1.3100", 30), timestamp_ms=stamp)
    held.topic.append(update(103, 2, "2.0000", 30), timestamp_ms=stamp)
    held.drain()
    return folder


@pytest.fixture
def _here(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(lake)
    monkeypatch.setenv("HEADRACE_LAKE__ROOT", "lake")


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize(("command", "shown"), EXAMPLES, ids=[command for command, _ in EXAMPLES])
def test_examples_show_what_the_commands_print(command: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(shlex.split(command)) == 0
    assert settled(capsys.readouterr().out) == settled(shown)


@pytest.mark.usefixtures("_here")
def test_sessions_show_what_python_prints() -> None:
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner(verbose=False)
    assert SESSIONS
    runner.run(parser.get_doctest("".join(SESSIONS), {}, "docs/audit.md", "audit.md", 0))
    assert runner.summarize(verbose=False).failed == 0


@pytest.mark.parametrize(
    ("head", "report"),
    [
        ("Key of `audit version`", VersionOrigin),
        ("Key of `audit row`", RowOrigins),
        ("Key of a row", RowOrigin),
        ("Key of a table of `audit quality`", QualityReport),
        ("Key of a column", ColumnProfile),
        ("Key of a reject", Rejects),
        ("Key of `timeliness`", Timeliness),
        ("Key of `duplicates`", Duplicates),
        ("Key of an example", Duplicate),
        ("Key of a window", Window),
    ],
)
def test_every_key_is_listed(head: str, report: type) -> None:
    assert keys(head) == sorted(field.name for field in fields(report))


def keys(head: str) -> list[str]:
    table = PAGE.partition(f"| {head} |")[2].partition("\n\n")[0]
    return sorted(name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1]))


@pytest.mark.usefixtures("_here")
def test_every_key_of_changes_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit", "changes", "position_updates", "2", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert keys("Key of `audit changes`") == sorted(report)
    assert set(keys("Key of a change")) <= report["changes"][0].keys()


def test_queries_read_what_the_run_leaves() -> None:
    named = set(re.findall(r"headrace_quality_\w+", PAGE))
    assert named
    assert named <= {metric.name for metric in QUALITY}
