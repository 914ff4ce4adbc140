"""Every Python block of the README and of the pages under docs/ runs, page by page, in order, as one script.

Shell blocks of docs/contracts.md run too. A block that begins with a comment naming a file is written to that file
instead. Topics are those the page declares and that of trades, on the embedded broker.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from headrace.kafka.embedded import EmbeddedBroker

DOCS = Path(__file__).parents[2] / "docs"
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"# (\S+\.py)\n")
TOPIC = re.compile(r'\btopic="([^"]+)"')


def blocks(page: Path, language: str) -> list[str]:
    return [text for found, text in FENCED.findall(page.read_text()) if found == language]


PAGES = ["../README.md"]
PAGES += [page.relative_to(DOCS).as_posix() for page in sorted(DOCS.rglob("*.md")) if blocks(page, "python")]


def run(*command: str | Path, cwd: Path, environment: Mapping[str, str]) -> str:
    ended = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environment},
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def write_out(page: Path, folder: Path) -> Path:
    script = []
    for block in blocks(page, "python"):
        named = FILE_NAME.match(block)
        if named is None:
            script.append(block)
            continue
        file = folder / named[1]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block)
    written = folder / "page.py"
    written.write_text("\n".join(script))
    return written


def environment_of(page: Path, folder: Path, broker: EmbeddedBroker) -> dict[str, str]:
    for topic in (*TOPIC.findall("".join(blocks(page, "python"))), "trades"):
        broker.ensure_topic(topic)
    command = folder / "bin" / "headrace"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m headrace_cli.main "$@"\n')
    command.chmod(0o755)
    return {
        "HEADRACE_KAFKA__BOOTSTRAP_SERVERS": broker.bootstrap_servers,
        "HEADRACE_LAKE__ROOT": str(folder / "lake"),
        "PATH": f"{command.parent}:{os.environ['PATH']}",
    }


@pytest.mark.parametrize("name", PAGES)
def test_blocks_of_the_page_run_in_order(name: str, tmp_path: Path) -> None:
    page = DOCS / name
    with EmbeddedBroker() as broker:
        environment = environment_of(page, tmp_path, broker)

        run(sys.executable, "-W", "error", write_out(page, tmp_path), cwd=tmp_path, environment=environment)


def test_an_event_of_ones_own_is_ingested_and_proved_as_the_page_says(tmp_path: Path) -> None:
    page = DOCS / "contracts.md"
    (commands,) = blocks(page, "sh")
    with EmbeddedBroker() as broker:
        environment = environment_of(page, tmp_path, broker)
        run(sys.executable, write_out(page, tmp_path), cwd=tmp_path, environment=environment)

        said = run("sh", "-ec", commands, cwd=tmp_path, environment=environment)

    assert said.endswith("verify: PASS\n")
    assert (tmp_path / "lake" / "my_fills" / "_delta_log").is_dir()


def test_tests_of_a_bot_pass_as_the_page_has_them(tmp_path: Path) -> None:
    write_out(DOCS / "testing.md", tmp_path)

    said = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path, environment={})

    assert "5 passed" in said
