"""Prometheus' own programs."""

import os
from pathlib import Path

import pytest

from headrace.testing.prometheus_programs import problem, program


@pytest.fixture(scope="session")
def promtool() -> Path:
    """Where it is; fetched if need be. Skips where it cannot be had, but fails where CI=true."""
    missing = problem()
    if missing and os.environ.get("CI") == "true":
        pytest.fail(missing, pytrace=False)
    elif missing:
        pytest.skip(missing)
    return program("promtool")
