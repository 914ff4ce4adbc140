"""Every command that README, pages and runbooks tell to type is one: `headrace` takes it, `make` has the target.

Those that look at tables are typed, too, on a lake that a real worker made.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from confluent_kafka import Producer

from headrace.kafka.embedded import EmbeddedBroker
from headrace.testing import a_trade
from headrace.testing.waiting import PATIENCE_SECONDS
from headrace_cli.main import app, run
from tests.pages import DOCS, ROOT, blocks
from tests.unit.test_docs import commands

PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted((ROOT / "deploy" / "runbooks").glob("*.md"))]
TYPED = ("", "sh", "console", "ini", "yaml")
INLINE = re.compile(r"`(headrace [a-z][^`]*)`")
MAKE = re.compile(r"(?:^|`)(?:HEADRACE_\S+ )?make ([a-z-]+)", re.MULTILINE)
BENCHMARK = re.compile(r"python -m benchmarks ([a-z_]+)")
END_OF_COMMAND = {"|", "&", "&&", ";", ">", ">>", ")"}
REDIRECTED = re.compile(r" \d>.*$")
NAMES = {name.partition(" ")[0] for name in commands()}

# Commands that look and end; of `maintain` and `top` those with the option that makes them end.
LOOKS = {"audit", "config", "doctor", "health", "history", "lag", "offset", "quarantine", "tables", "verify"}
OTHER_TABLES = {"fills", "my_fills", "headrace_heartbeat"}
# It is well, it is not, it cannot be told; or the table has no such version or record, or nothing runs that `top` asks.
LOOKED = {0, 1, 2, 78}
LISTING = "tables"
"""Its arguments may be tables, or begin with a subcommand."""
ENDING = {"maintain": {"--once", "--dry-run"}, "top": {"--once", "--json"}}


def lines(text: str) -> list[str]:
    return [line for line in text.replace("\\\n", " ").splitlines() if "headrace " in line]


def command_lines(text: str) -> Iterator[tuple[str, ...]]:
    """What stands behind each `headrace`, whatever starts it, to the end of the command."""
    for line in lines(text):
        lexer = shlex.shlex(REDIRECTED.sub("", line), posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = list(lexer)
        for place, word in enumerate(words[:-1]):
            if word.endswith("headrace") and words[place + 1] in NAMES:
                rest = words[place + 1 :]
                end = next((number for number, each in enumerate(rest) if each in END_OF_COMMAND), len(rest))
                yield tuple(rest[:end])


@dataclass(frozen=True, slots=True)
class Told:
    page: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: {' '.join(self.words)}"


def told() -> list[Told]:
    found = {
        Told(page.name, words): None
        for page in PAGES
        for block in blocks(page, *TYPED)
        for words in command_lines(block.text)
    }
    return list(found)


def take(words: tuple[str, ...]) -> None:
    """As a command line that is not carried out; raises what would be said about a wrong one."""
    command = typer.main.get_group(app)
    name, *rest = words
    leaf = command.get_command(typer.Context(command), name)
    while rest and rest[0] in (subcommands := getattr(leaf, "commands", {})):
        name, *rest = rest
        leaf = subcommands[name]
    assert leaf is not None
    assert not getattr(leaf, "commands", {}) or name == LISTING, f"{name} has no subcommand {rest[0]}"
    leaf.make_context(name, rest)


def test_every_command_of_a_block_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = told()

    assert len(found) > 100
    for each in found:
        take(each.words)


def test_every_command_in_a_line_exists() -> None:
    for page in PAGES:
        for said in INLINE.findall(page.read_text()):
            name, *rest = shlex.split(said)[1:]
            known = [each for each in commands() if each.split()[0] == name]
            assert known, f"{page.name}: {said}"
            assert (
                name == LISTING or not rest or " " not in known[0] or f"{name} {rest[0].partition('|')[0]}" in known
            ), said


def test_every_target_of_make_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert {target for page in PAGES for target in MAKE.findall(page.read_text())} - targets == set()


def test_every_benchmark_exists() -> None:
    named = {name for page in PAGES for name in BENCHMARK.findall(page.read_text())}

    assert named
    assert [name for name in named if f'"{name}"' not in (ROOT / "benchmarks" / "__main__.py").read_text()] == []


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A table of trades, one of them refused; settings lead to it."""
    with EmbeddedBroker() as broker:
        broker.ensure_topic("trades")
        producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})
        for value in (a_trade().to_wire(), b'{"torn', a_trade().to_wire()):
            producer.produce("trades", value, partition=3)
        assert producer.flush(PATIENCE_SECONDS) == 0
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HEADRACE_KAFKA__BOOTSTRAP_SERVERS", broker.bootstrap_servers)
        monkeypatch.setenv("HEADRACE_LAKE__ROOT", str(tmp_path / "lake"))
        monkeypatch.setenv("HEADRACE_METRICS__ENABLED", "false")
        assert run(["ingest", "trades", "--drain"]) == 0
        yield tmp_path


def on_the_lake(words: tuple[str, ...]) -> str | None:
    """The same command for its table; None of one that does not end, or that leads elsewhere."""
    elsewhere = any(word.startswith(("/", "http", "db")) for word in words)
    if (
        elsewhere
        or words[:2] == (LISTING, "create")
        or not (words[0] in LOOKS or ENDING.get(words[0], set()) & set(words))
    ):
        return None
    return shlex.join("trades" if word in OTHER_TABLES else word for word in words)


@pytest.mark.usefixtures("lake")
def test_commands_that_look_do_so() -> None:
    typed = {command for each in told() if (command := on_the_lake(each.words))}

    assert len(typed) > 40
    assert {command: code for command in sorted(typed) if (code := run(shlex.split(command))) not in LOOKED} == {}


HEREDOC = re.compile(r"^python - (?P<arguments>.*?) *<<'END'\n(?P<script>.*?)^END$", re.MULTILINE | re.DOTALL)


def test_python_of_shell_blocks_runs_on_the_lake(lake: Path) -> None:
    found = [match for page in PAGES for block in blocks(page, "sh") for match in HEREDOC.finditer(block.text)]

    assert found
    for match in found:
        command = [sys.executable, "-", *shlex.split(match["arguments"])]
        ended = subprocess.run(command, cwd=lake, input=match["script"], text=True, capture_output=True, check=False)
        assert ended.returncode == 0, ended.stderr
    assert "interval 90 days" in (lake / "lake" / "trades" / "_delta_log" / "00000000000000000003.json").read_text()
