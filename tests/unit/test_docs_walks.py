"""Pages that are walked through: their files are written, what stands behind a prompt is typed, in their order."""

import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from headrace.kafka.embedded import EmbeddedBroker
from headrace.testing.waiting import PATIENCE_SECONDS
from tests.pages import DOCS, Shell, blocks, found, settled

WALKS: Mapping[str, str | None] = {
    "getting-started.md": None,
    "latest-rows.md": "## Which event counts",
    "quarantine.md": "## Commands",
}
"""Pages, and the heading at which the walk ends and the reference begins."""

# A dozen processes, one after the other: more than the limit of a test on a machine that has no time.
pytestmark = pytest.mark.timeout(300)

EXPORT = re.compile(r"^export (.*)$", re.MULTILINE)
TOPIC = re.compile(r'\btopic="([^"]+)"')


def walk(name: str, shell: Shell) -> None:
    """Does what the page says, and finds what it shows; what is exported holds unless the test says otherwise."""
    until = WALKS[name]
    text = (DOCS / name).read_text()
    for block in found(text if until is None else text.partition(f"\n{until}\n")[0]):
        match block.language:
            case "python":
                shell.write(block)
            case "console":
                for command, shown in block.typed:
                    assert settled(shell.run(command)) == settled(shown), command
            case "sh":
                for exported in EXPORT.findall(block.text):
                    said = (word.partition("=") for word in shlex.split(exported, comments=True))
                    shell.environment = {variable: value for variable, _, value in said} | shell.environment
                ended = shell.ended(EXPORT.sub("", block.text))
                assert ended.returncode == 0, ended.stdout


@contextmanager
def broker_of(page: Path, folder: Path) -> Iterator[str]:
    """Runs the page's own broker; the address that it prints."""
    shell = Shell(folder, {})
    (block,) = (block for block in blocks(page, "python") if block.file == "broker.py")
    shell.write(block)
    with subprocess.Popen(
        ["python", "broker.py"],
        cwd=folder,
        env=shell.environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as broker:
        assert broker.stdout is not None
        yield broker.stdout.readline().strip().partition("=")[2]
        broker.communicate("\n", timeout=PATIENCE_SECONDS)


def settings_of(servers: str) -> dict[str, str]:
    return {
        "HEADRACE_KAFKA__BOOTSTRAP_SERVERS": servers,
        "HEADRACE_LAKE__ROOT": "lake",
        "HEADRACE_INGEST__FLUSH_SECONDS": "60",  # what a drain reads is one batch, on any machine
    }


def test_the_first_event_is_proved_as_the_page_says(tmp_path: Path) -> None:
    name = "getting-started.md"
    (tmp_path / "broker").mkdir()
    (tmp_path / "bot").mkdir()
    with broker_of(DOCS / name, tmp_path / "broker") as servers:
        walk(name, Shell(tmp_path / "bot", settings_of(servers)))


@pytest.mark.parametrize("name", [name for name in WALKS if name != "getting-started.md"])
def test_the_page_is_walked_through(name: str, tmp_path: Path) -> None:
    with EmbeddedBroker() as broker:
        for topic in TOPIC.findall((DOCS / name).read_text()):
            broker.ensure_topic(topic)
        walk(name, Shell(tmp_path, settings_of(broker.bootstrap_servers)))
