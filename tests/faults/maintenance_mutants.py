"""Defects of maintenance on purpose."""

import sys

import headrace.lake.rewrite
import headrace.lake.upkeep.compaction
from headrace.lake.store import Store
from headrace.lake.upkeep.daily import VersionFiles
from headrace.lake.upkeep.logfiles import LogFiles
from tests.faults.maintaining import all_active
from tests.faults.planting import Mutant, patch


def leave_out_the_digest() -> None:
    """Commits a file without reading it back."""
    patch(headrace.lake.upkeep.compaction, "_prove", lambda *_: None)


def replace_what_is_gone() -> None:
    """Takes every file for active."""
    patch(headrace.lake.rewrite, "_active", all_active)


def look_away_after_the_exchange() -> None:
    """Takes a commit that landed for right."""
    patch(headrace.lake.upkeep.compaction, "check_exchange", lambda *_: None)


def overwrite_a_version() -> None:
    """Publishes an exchange over whatever another writer has committed."""
    create = Store.create

    def put(store: Store, path: str, data: bytes) -> bool:
        if sys._getframe(1).f_code.co_name != "replace_files":
            return create(store, path, data)
        store.put(path, data)
        return True

    patch(Store, "create", put)


def merge_what_may_be_lost() -> None:
    """Leaves it to the system when merged files become durable."""
    sync = Store.sync

    def unheeding(store: Store, path: str) -> None:
        if not path.endswith(".parquet") or ".checkpoint." in path:
            sync(store, path)

    patch(Store, "sync", unheeding)


def forget_the_evenings() -> None:
    """Vacuums what only versions of past days have."""
    patch(VersionFiles, "of", lambda *_: frozenset())


def cut_the_log_by_its_age() -> None:
    """Cleans up a log without asking which versions have to stay readable."""
    base = LogFiles.base
    patch(LogFiles, "base", lambda log, now, kept, _needed=None: base(log, now, kept / 4))


_BESIDE = "tests/faults/test_maintenance_beside.py::"
_MIDST = f"{_BESIDE}test_whatever_is_done_in_the_midst_of_a_round_changes_no_row"
_EVENINGS = "tests/faults/test_time_travel_faults.py::test_a_round_over_old_evenings_deletes_what_they_do_not_need"

MAINTENANCE_MUTANTS = {
    "leave-out-the-digest": Mutant(
        leave_out_the_digest,
        "tests/behaviour/test_maintenance_violations.py::test_rows_that_would_change_are_noticed_before_any_log_names_them",
    ),
    "replace-what-is-gone": Mutant(
        replace_what_is_gone,
        "tests/behaviour/test_maintenance.py::test_two_that_merge_the_same_files_at_once_do_not_double_them",
    ),
    "look-away-after-the-exchange": Mutant(
        look_away_after_the_exchange, f"{_BESIDE}test_files_that_two_replaced_at_once_are_noticed_and_nobody_goes_on"
    ),
    "overwrite-a-version": Mutant(overwrite_a_version, f"{_MIDST}[write a commit to the table-before-replay]"),
    "merge-what-may-be-lost": Mutant(
        merge_what_may_be_lost,
        "tests/faults/test_maintenance_faults.py::test_power_lost_at_moments_of_maintenance_takes_no_row[False]",
    ),
    "forget-the-evenings": Mutant(forget_the_evenings, _EVENINGS),
    "cut-the-log-by-its-age": Mutant(cut_the_log_by_its_age, _EVENINGS),
}
