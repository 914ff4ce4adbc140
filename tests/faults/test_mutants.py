"""The tests are tested: every mutant turns the test red that guards against it, and no other test has to notice."""

from pathlib import Path

import pytest

from headrace.testing.waiting import PATIENCE_SECONDS
from tests.faults.forking import start_forked
from tests.faults.guarding import guard
from tests.faults.mutants import MUTANTS


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_turns_its_guard_red(name: str, tmp_path: Path) -> None:
    test, said = MUTANTS[name].guard, tmp_path / "said"
    process = start_forked(guard, name, test, tmp_path / "inner", said)
    process.join(3 * PATIENCE_SECONDS)
    process.kill()
    assert process.exitcode == pytest.ExitCode.TESTS_FAILED, said.read_text()
    assert f"FAILED {test}" in said.read_text(), said.read_text()
