"""What `headrace maintain --once` ends with."""

import pytest

from headrace.errors import (
    AccessDeniedError,
    HeadraceError,
    InvariantError,
    MaintenanceHeldError,
    StoreError,
    WrongTableError,
)
from headrace_cli.maintain import worst_exit_code


@pytest.mark.parametrize(
    ("problems", "code"),
    [
        ([], 0),
        ([MaintenanceHeldError("held"), WrongTableError("left alone"), InvariantError("rows differ")], 84),
        ([MaintenanceHeldError("held"), StoreError("full"), AccessDeniedError("denied")], 77),
        ([MaintenanceHeldError("held"), StoreError("full")], 74),
        ([MaintenanceHeldError("held")], 75),
    ],
)
def test_the_worst_of_what_tables_ended_with_is_the_exit_code(problems: list[HeadraceError], code: int) -> None:
    assert worst_exit_code(problems) == code
