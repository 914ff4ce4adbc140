"""Every Python block of the README and of the pages under docs/ runs, page by page, in order, as one script.

Shell blocks of docs/contracts.md run too. A block that begins with a comment naming a file is written to that file
instead. Topics are those the page declares and those of the built-in contracts, on the embedded broker. Pages that
are walked through are in `test_docs_walks.py`.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from headrace.contracts import load_contracts
from headrace.kafka.embedded import EmbeddedBroker
from tests.pages import DOCS, Block, Shell, blocks
from tests.unit.test_docs_walks import WALKS

TOPIC = re.compile(r'\btopic="([^"]+)"')


def scripts(page: Path) -> Iterator[Block]:
    return (block for block in blocks(page, "python") if block.file is None)


PAGES = ["../README.md"]
PAGES += [page.relative_to(DOCS).as_posix() for page in sorted(DOCS.rglob("*.md")) if any(blocks(page, "python"))]


@contextmanager
def shell_of(page: Path, folder: Path) -> Iterator[Shell]:
    """With the files of the page, and the topics that it names."""
    with EmbeddedBroker() as broker:
        shell = Shell(
            folder,
            {
                "HEADRACE_KAFKA__BOOTSTRAP_SERVERS": broker.bootstrap_servers,
                "HEADRACE_LAKE__ROOT": str(folder / "lake"),
            },
        )
        for block in blocks(page, "python"):
            for topic in TOPIC.findall(block.text):
                broker.ensure_topic(topic)
            if block.file is not None:
                shell.write(block)
        for contract in load_contracts().values():
            broker.ensure_topic(contract.topic)
        (folder / "page.py").write_text("\n".join(block.text for block in scripts(page)))
        yield shell


def run(shell: Shell, command: str) -> str:
    ended = shell.ended(command)
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


@pytest.mark.parametrize("name", [name for name in PAGES if name not in WALKS])
def test_blocks_of_the_page_run_in_order(name: str, tmp_path: Path) -> None:
    with shell_of(DOCS / name, tmp_path) as shell:
        run(shell, "python -W error page.py")


def test_an_event_of_ones_own_is_ingested_and_proved_as_the_page_says(tmp_path: Path) -> None:
    page = DOCS / "contracts.md"
    (commands,) = blocks(page, "sh")
    with shell_of(page, tmp_path) as shell:
        run(shell, "python page.py")

        said = run(shell, commands.text)
        run(shell, "python read_fills.py")

    assert said.endswith("verify: PASS\n")
    assert (tmp_path / "lake" / "my_fills" / "_delta_log").is_dir()


def test_tests_of_a_bot_pass_as_the_page_has_them(tmp_path: Path) -> None:
    with shell_of(DOCS / "testing.md", tmp_path) as shell:
        said = run(shell, "python -m pytest -q -p no:cacheprovider")

    assert "5 passed" in said
