"""Pages under docs/ as their tests see them, and a folder in which what they tell to type is typed."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE_NAME = re.compile(r"# (\S+\.py)\n")
_TYPED = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)

# What differs from run to run, and how the pages tell it.
_VARYING = (
    (r"^(verify|rebuild): \S+: \w+ \d+%.*\n", ""),  # said after five seconds, if it takes so long
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?", "<time>"),
    (r"[\w.=/-]+\.parquet", "<file>"),
    (r"\b[0-9a-f]{32}\b|\b[0-9a-f]{8}\b", "<batch>"),
    (rf"({re.escape(socket.gethostname())}|ingest-0)/\d+", "<worker>"),
    (r"(127\.0\.0\.1|localhost):\d+", "<broker>"),
    (r"[\d.]+ (bytes|kB|KiB)", "<size>"),
    (r"[\d,]+\.\d s\b", "<age>"),
    (r"[ \t]+", " "),
    (r" $", ""),
)


@dataclass(frozen=True, slots=True)
class Block:
    """What stands between two fences."""

    language: str
    text: str

    @property
    def file(self) -> str | None:
        """The file that its first line, a comment, names."""
        named = _FILE_NAME.match(self.text)
        return None if named is None else named[1]

    @property
    def typed(self) -> list[tuple[str, str]]:
        """Commands behind a prompt, each with what is shown below it."""
        return [(command, shown) for command, shown in _TYPED.findall(self.text)]


def found(text: str) -> Iterator[Block]:
    """All blocks of a text, in their order."""
    return (Block(language, body) for language, body in _FENCED.findall(text))


def blocks(page: Path, *languages: str) -> Iterator[Block]:
    """Those of a page in some languages, in their order."""
    return (block for block in found(page.read_text()) if block.language in languages)


def settled(text: str) -> list[str]:
    """Lines without what differs from run to run."""
    for pattern, said in _VARYING:
        text = re.sub(pattern, said, text, flags=re.MULTILINE)
    return text.strip().splitlines()


class Shell:
    """A folder, and settings that hold in it; `headrace` and `python` are those of the tests.

    Args:
        folder: that commands run in.
        settings: variables beside those of the process, of which no `HEADRACE_*` is passed on.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder = folder
        commands = folder / "bin"
        commands.mkdir()
        for name, arguments in (("headrace", " -m headrace_cli"), ("python", "")):
            command = commands / name
            command.write_text(f'#!/bin/sh\nexec "{sys.executable}"{arguments} "$@"\n')
            command.chmod(0o755)
        own = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
        self.environment = own | {
            "PATH": f"{commands}:{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            **settings,
        }

    def ended(self, command: str) -> subprocess.CompletedProcess[str]:
        """Types a command; its output has what it said to both."""
        return subprocess.run(
            ["/bin/sh", "-ec", command],
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )

    def run(self, command: str) -> str:
        """What a command says, however it ends."""
        return self.ended(command).stdout

    def write(self, block: Block) -> None:
        """Makes the file that a block is."""
        assert block.file is not None
        file = self.folder / block.file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text)
