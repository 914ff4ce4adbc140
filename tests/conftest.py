"""Fixtures of all tests; those with brokers are shipped with the library."""

import gc
import os

import pytest
from hypothesis import HealthCheck, settings

from headrace.logs import configure_logs
from tests.cpus import keep_to_one, start_one_runtime_thread, take_all_with_processes

pytest_plugins = ["headrace.testing.pytest_plugin"]

# How fast the machine is is no property of the code.
settings.register_profile("headrace", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("headrace")

start_one_runtime_thread()
_beside = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
if _beside:
    take_all_with_processes()


def pytest_runtest_setup() -> None:
    """Called by pytest before each test and its fixtures."""
    if _beside:
        keep_to_one(int(_beside))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Called by pytest, after the order was drawn: tests with a longer time limit come first.

    None of them is left to run alone when all others are done.
    """
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)


def pytest_collection_finish() -> None:
    """Called by pytest when all tests are known: from here on the garbage collector does not walk them again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _logs() -> None:
    """Logs as every process has them, so that `caplog` sees them whichever test ran before in this one."""
    configure_logs("INFO", "json")
