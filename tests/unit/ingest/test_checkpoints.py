"""Who writes a checkpoint of a version."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headrace.lake.store import Store
from headrace.lake.upkeep.debt import Debt, publish
from headrace_ingest.checkpoints import checkpoint_due, is_due

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("version", "newest", "due"),
    [
        (100, None, True),
        (101, None, False),
        (600, 590, False),
        (500, 1, False),
        (500, 0, True),
        (500, -1, True),
        (501, 0, False),
        (600, 100, True),
    ],
)
def test_beside_maintenance_a_worker_writes_one_only_beyond_five_hundred_versions(
    version: int, newest: int | None, due: bool
) -> None:
    assert is_due(version, 100, newest=newest) is due


@pytest.mark.parametrize(
    ("hint", "maintained_for", "due"),
    [
        ('{"version":590,"size":1}', None, True),
        ('{"version":590,"size":1}', timedelta(minutes=-1), True),
        ('{"version":590,"size":1}', timedelta(minutes=1), False),
        ('{"version":90,"size":1}', timedelta(minutes=1), True),
        ("{torn", timedelta(minutes=1), True),
        (None, timedelta(minutes=1), True),
    ],
)
def test_who_writes_it_is_read_from_what_lies_beside_the_table(
    tmp_path: Path, hint: str | None, maintained_for: timedelta | None, due: bool
) -> None:
    store = Store(str(tmp_path))
    if hint is not None:
        store.put("t/_delta_log/_last_checkpoint", hint.encode())
    if maintained_for is not None:
        publish(store, "t", Debt(0, "none", NOW + maintained_for))

    assert checkpoint_due(store, "t", 600, every=100, now=NOW) is due
    assert not checkpoint_due(store, "t", 601, every=100, now=NOW)
