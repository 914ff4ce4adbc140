"""What docs/look.md shows is what the commands print of tables that a real worker made."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from confluent_kafka import Producer
from deltalake import DeltaTable

from headrace.kafka.embedded import EmbeddedBroker
from headrace.lake.upkeep.health import HealthPart, Part
from headrace.origins import EffectiveSetting
from headrace.read.health import TableHealth
from headrace.read.history import CommitEntry, CommittedRange, KeyChanges, ReplayedRecords, TableHistory
from headrace.read.lag import PartitionLag, TableLag
from headrace.read.summary import PartitionPosition, TableSummary
from headrace.read.whereabouts import Place, Whereabouts
from headrace.settings import UnknownVariable
from headrace.testing import a_trade
from headrace.testing.waiting import PATIENCE_SECONDS
from headrace_cli.config import ConfigReport
from headrace_cli.main import run
from tests.pages import DOCS, Shell, blocks, settled

PAGE = DOCS / "look.md"
TEXT = PAGE.read_text()
EXAMPLES = [typed for block in blocks(PAGE, "console") for typed in block.typed]


def trade(number: int) -> bytes:
    happened = datetime(2026, 3, 2, 14, 30, tzinfo=UTC) + timedelta(seconds=number)
    return a_trade(transaction_id=f"t-{number}", price="1.05", timestamp=happened).to_wire()


class Lake(Shell):
    """A folder in which the page's commands run."""

    def __init__(self, folder: Path, broker: EmbeddedBroker) -> None:
        self._servers = broker.bootstrap_servers
        self._settings = {"HEADRACE_LAKE__ROOT": "lake", "HEADRACE_KAFKA__BOOTSTRAP_SERVERS": self._servers}
        super().__init__(folder, self._settings)

    def enter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """From here on this process runs where its commands would, with their settings."""
        monkeypatch.chdir(self.folder)
        for name, value in self._settings.items():
            monkeypatch.setenv(name, value)

    def send(self, partition: int, *values: bytes) -> None:
        producer = Producer({"bootstrap.servers": self._servers, "log_level": 0})
        for value in values:
            producer.produce("trades", value, partition=partition)
        assert producer.flush(PATIENCE_SECONDS) == 0


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Two batches of trades, the second with a reject; compacted by another tool; three records wait."""
    with EmbeddedBroker() as broker, pytest.MonkeyPatch.context() as monkeypatch:
        broker.ensure_topic("trades")
        made = Lake(tmp_path_factory.mktemp("look"), broker)
        made.enter(monkeypatch)
        monkeypatch.setenv("HEADRACE_METRICS__ENABLED", "false")
        monkeypatch.setenv("HEADRACE_INGEST__FLUSH_SECONDS", "60")  # what a drain reads is one batch, on any machine
        made.send(0, *map(trade, range(4)))
        made.send(1, trade(4), trade(5))
        assert run(["ingest", "trades", "--drain"]) == 0
        made.send(0, trade(6))
        made.send(1, b'{"torn', trade(7))
        assert run(["ingest", "trades", "--drain"]) == 0
        DeltaTable(made.folder / "lake" / "trades").optimize.compact()
        made.send(0, *map(trade, range(8, 11)))
        monkeypatch.undo()
        yield made


@pytest.mark.parametrize(("command", "shown"), EXAMPLES, ids=[command for command, _ in EXAMPLES])
def test_examples_show_what_the_commands_print(
    command: str, shown: str, lake: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if "|" in command:
        said = lake.run(command)
    else:
        lake.enter(monkeypatch)
        run(shlex.split(command)[1:])
        said = "".join(capsys.readouterr())
    assert settled(said) == settled(shown)


def test_every_place_is_explained() -> None:
    table = TEXT.partition("| `place` |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(Place)


def test_every_part_of_health_is_explained() -> None:
    table = TEXT.partition("| Part | Points |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(Part)


@pytest.mark.parametrize(
    ("head", "report"),
    [
        ("Key of a table of `tables`", TableSummary),
        ("Key of a position", PartitionPosition),
        ("Key of a table of `lag`", TableLag),
        ("Key of a partition of `lag`", PartitionLag),
        ("Key of a table of `health`", TableHealth),
        ("Key of a part of `health`", HealthPart),
        ("Key of `history`", TableHistory),
        ("Key of a commit", CommitEntry),
        ("Key of a range", CommittedRange),
        ("Key of `changes`", KeyChanges),
        ("Key of what was replayed", ReplayedRecords),
        ("Key of `offset`", Whereabouts),
        ("Key of `config check`", ConfigReport),
        ("Key of a setting", EffectiveSetting),
        ("Key of an unknown variable", UnknownVariable),
    ],
)
def test_every_key_is_listed(head: str, report: type) -> None:
    table = TEXT.partition(f"| {head} |")[2].partition("\n\n")[0]
    listed = [name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(listed) == sorted(field.name for field in fields(report))
