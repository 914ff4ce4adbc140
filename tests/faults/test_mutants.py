"""The tests are tested: every mutant turns the test red that guards against it, and no other test has to notice."""

import multiprocessing
from pathlib import Path

import pytest

from tests.faults.guarding import LIBRARIES, guard
from tests.faults.mutants import MUTANTS


@pytest.fixture(scope="session")
def processes() -> multiprocessing.context.ForkServerContext:
    """Processes as new as any, that begin with what takes long to import."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LIBRARIES)
    return context


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_turns_its_guard_red(
    processes: multiprocessing.context.ForkServerContext, name: str, tmp_path: Path
) -> None:
    test, said = MUTANTS[name].guard, tmp_path / "said"
    process = processes.Process(target=guard, args=(name, test, tmp_path / "inner", said))
    process.start()
    process.join(100)
    process.kill()
    assert process.exitcode == pytest.ExitCode.TESTS_FAILED, said.read_text()
    assert f"FAILED {test}" in said.read_text(), said.read_text()
