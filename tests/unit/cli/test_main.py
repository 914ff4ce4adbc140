"""The `headrace` command as a process."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["verify", "--help"]], ids=" ".join)
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_output_that_nobody_reads_is_no_verdict(arguments: list[str], unbuffered: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "headrace_cli", *arguments],
            stdout=writer,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": unbuffered},
            check=False,
        )
    finally:
        os.close(writer)

    assert (ended.returncode, ended.stderr) == (141, b"")


def test_exit_code_of_a_failure_outlives_whoever_read_its_message() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "headrace_cli", "verify", "none"],
            stdout=subprocess.PIPE,
            stderr=writer,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "HEADRACE_LAKE__ROOT": "/nowhere"},
            check=False,
        )
    finally:
        os.close(writer)

    assert (ended.returncode, ended.stdout) == (78, b"")
