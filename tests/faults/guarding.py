"""One test in a process of its own, in which a mutant is planted."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def guard(mutant: str, test: str, folder: Path, said: Path) -> None:
    """Runs `test` with `mutant` in it; ends this process with the exit code of pytest.

    Args:
        mutant: its name.
        test: a node id.
        folder: for what the test writes.
        said: file for what pytest prints.
    """
    os.chdir(ROOT)
    os.environ["HEADRACE_MUTANT"] = mutant
    os.environ["HEADRACE_TEST_PATIENCE_SECONDS"] = "30"  # some guards notice that they wait in vain
    out = os.open(said, os.O_WRONLY | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(out, stream)
    import pytest  # noqa: PLC0415  # says from here on what is said to the file

    quiet = ["-p", "no:cacheprovider", "-p", "no:randomly", f"--basetemp={folder}"]
    sys.exit(pytest.main([test, "-rA", "-q", "--tb=line", "--no-header", *quiet]))
