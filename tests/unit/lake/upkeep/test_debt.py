"""What is told to workers, and what of it means something."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headrace.lake.store import Store
from headrace.lake.upkeep.debt import Debt, debt_path, deepest, owed, plead, publish, read_debt, withdraw
from headrace.lake.upkeep.logfiles import LogFiles
from headrace.lake.upkeep.stats import TableFile, TableStats
from headrace.sections import MaintainSettings
from headrace_ingest.pace import put_off

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
POLICY = MaintainSettings()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path))


def table(partitions: list[int]) -> TableStats:
    """Partitions of so many small files each."""
    files = (TableFile(f"{p}-{n}", 1000, 1, NOW, str(p)) for p, count in enumerate(partitions) for n in range(count))
    return TableStats("t", 9, tuple(files), LogFiles.of({}), {}, timedelta(days=7), timedelta(days=30))


@pytest.mark.parametrize(
    ("partitions", "size", "reason"),
    [
        ([], 0.0, "0 small files in one partition"),
        ([40, 3], 0.2, "40 small files in one partition"),
        ([200], 1.0, "200 small files in one partition"),
        ([700, 20], 3.5, "700 small files in one partition"),
        # Beyond one for each partition: a table of many days owes nothing for the last small file of each.
        ([1] * 6000, 0.005, "1 small files in one partition"),
        ([51] * 200, 2.0, "10200 small files"),
    ],
)
def test_a_table_owes_what_its_worst_partition_or_all_of_it_has(
    partitions: list[int], size: float, reason: str
) -> None:
    debt = owed(table(partitions), POLICY, NOW)

    assert (debt.size, debt.reason) == (size, reason)


@pytest.mark.parametrize(
    ("stats", "unmergeable"),
    [(table([300]), "no contract"), (replace(table([300]), protected="no contract"), None)],
)
def test_what_nobody_will_merge_is_no_debt(stats: TableStats, unmergeable: str | None) -> None:
    debt = owed(stats, POLICY, NOW, unmergeable=unmergeable)

    assert (debt.size, debt.reason) == (0, "no contract")
    assert debt.holds(NOW)


def test_what_is_told_is_read_until_it_lapses(store: Store) -> None:
    debt = owed(table([300]), POLICY, NOW)
    publish(store, "t", debt)

    assert read_debt(store, "t", NOW + 17 * MINUTE) == debt
    assert read_debt(store, "t", NOW + 18 * MINUTE) is None


def test_a_process_that_looks_seldom_is_believed_for_longer_and_never_for_more_than_an_hour() -> None:
    assert owed(table([]), MaintainSettings(every_seconds=600), NOW).until == NOW + 45 * MINUTE
    assert owed(table([]), MaintainSettings(every_seconds=86_400), NOW).until == NOW + 60 * MINUTE


def test_what_is_withdrawn_is_gone_and_may_be_withdrawn_twice(store: Store) -> None:
    publish(store, "t", owed(table([]), POLICY, NOW))

    withdraw(store, "t")
    withdraw(store, "t")

    assert read_debt(store, "t", NOW) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b'{"size":3.0,"rea',
        b"[]",
        b'{"size":3.0,"reason":"many"}',
        b'{"size":-1.0,"reason":"many","until":"2026-03-02T12:01:00Z"}',
        b'{"size":3.0,"reason":"many","until":"2026-03-02T12:01:00"}',
        b'{"size":3.0,"reason":"many","until":"2026-03-02T11:59:59Z"}',
        # A clock that is years ahead must not lengthen flushes for years.
        b'{"size":3.0,"reason":"many","until":"2031-01-01T00:00:00Z"}',
        b"\x00" * 80,
    ],
)
def test_what_is_torn_stale_or_from_the_future_means_nothing(store: Store, data: bytes) -> None:
    store.put(debt_path("t"), data)

    assert read_debt(store, "t", NOW) is None


def test_what_cannot_be_read_means_nothing(tmp_path: Path, store: Store) -> None:
    (tmp_path / debt_path("t")).mkdir(parents=True)

    assert read_debt(store, "t", NOW) is None
    assert read_debt(store, "missing", NOW) is None


def test_the_deepest_debt_of_a_table_and_its_quarantine_counts(store: Store) -> None:
    for name, size in (("t", 0.5), ("u", 2.0)):
        publish(store, name, Debt(size, "because", NOW + MINUTE))

    assert deepest(store, ("t", "u"), NOW) == Debt(2.0, "because", NOW + MINUTE)
    assert deepest(store, ("t", "v"), NOW) == Debt(0.5, "because", NOW + MINUTE)
    assert deepest(store, ("v",), NOW) is None


def test_what_a_rebuild_asks_for_is_heard_and_is_no_maintenance(store: Store) -> None:
    plead(store, "t", NOW)

    asked = deepest(store, ("t", "u"), NOW)

    assert asked is not None
    assert put_off(2.0, 10.0, asked.size) == 10.0
    assert read_debt(store, "t", NOW) is None
    assert deepest(store, ("t", "u"), NOW + 6 * MINUTE) is None
