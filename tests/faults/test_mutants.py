"""The tests are tested: every mutant turns the test red that guards against it, and no other test has to notice."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.mutants import MUTANTS, SWITCH

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_turns_its_guard_red(name: str, tmp_path: Path) -> None:
    guard = MUTANTS[name].guard
    command = [sys.executable, "-m", "pytest", guard, "-rA", "-q", "--tb=line", "--no-header"]
    quiet = ["-p", "no:cacheprovider", "-p", "no:randomly", f"--basetemp={tmp_path / 'inner'}"]
    sources = os.pathsep.join([str(ROOT / "shared"), str(ROOT / "services")])
    done = subprocess.run(
        [*command, *quiet],
        cwd=ROOT,
        env=os.environ | {SWITCH: name, "PYTHONPATH": sources},
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    assert f"FAILED {guard}" in done.stdout, done.stdout
