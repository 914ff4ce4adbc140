"""The loop of `headrace maintain`, over a lake that cannot be listed for a while."""

from collections.abc import Sequence
from threading import Event

import pytest

from headrace.errors import ConfigError, HeadraceError, StoreError
from headrace.sections import MaintainSettings
from headrace.testing.manual_clock import ManualClock
from headrace_maintenance.metrics import MaintenanceMetrics
from headrace_maintenance.rounds import Rounds
from headrace_maintenance.runner import TableMaintainer
from headrace_maintenance.wiring import turn


def no_table(table: str) -> TableMaintainer:
    """None is listed."""
    raise AssertionError(table)


def turns(answers: Sequence[HeadraceError | None], *, forgiving: bool = False) -> int:
    """How often the lake was listed, which failed so."""
    stopping, metrics = Event(), MaintenanceMetrics(MaintainSettings(), ManualClock())
    left = list(answers)

    def tables() -> Sequence[str]:
        answer = left.pop(0)
        if not left:
            stopping.set()
        if answer is not None:
            raise answer
        return ()

    turn(Rounds(tables, no_table, metrics), metrics, 0, stopping, forgiving=forgiving)
    return len(answers) - len(left)


def test_a_lake_that_cannot_be_listed_for_a_while_ends_nothing() -> None:
    assert turns([None, StoreError("away"), ConfigError("no table"), None]) == 4


def test_one_that_cannot_be_listed_at_first_does() -> None:
    with pytest.raises(StoreError):
        turns([StoreError("away"), None])
    with pytest.raises(ConfigError):
        turns([ConfigError("no table"), None])


def test_tables_that_are_yet_to_be_made_are_waited_for() -> None:
    assert turns([ConfigError("no table"), None], forgiving=True) == 2
