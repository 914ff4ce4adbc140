"""Numbers of a table, from what its log says."""

from datetime import UTC, datetime, timedelta

import pytest

from headrace.lake.upkeep.logfiles import LogFiles
from headrace.lake.upkeep.stats import TableFile, TableStats
from headrace.metrics import tables
from headrace.metrics.metric import Reading
from headrace.sections import MIB, MaintainSettings
from headrace_exporter.look import Census
from headrace_exporter.numbers import numbers

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def told(*files: TableFile, metric: Reading, target_mib: int = 64) -> dict[tuple[str, ...], float]:
    """Values by labels beside the table."""
    kept = timedelta(days=7)
    stats = TableStats("t", 3, files, LogFiles.of({}), {}, kept, kept)
    census = Census(stats, deleted_rows=0, tombstones=0, orphans=0, last_data_commit=None, newest_event=None)
    samples = numbers(census, MaintainSettings(target_mib=target_mib), NOW)
    return {tuple(s.labels.values())[1:]: s.value for s in samples if s.metric is metric}


def file(size: float, value: str | None = None, *, name: str = "f", rows: int = 1) -> TableFile:
    return TableFile(f"{name}-{size}.parquet", int(size), rows, NOW, value)


def test_sizes_are_counted_as_histograms_count() -> None:
    counts = told(file(1), file(MIB), file(MIB + 1), file(2**40), metric=tables.FILES_BY_SIZE)

    assert list(counts) == [(bound,) for bound in tables.FILES_BY_SIZE.values["le"]]
    assert list(counts.values()) == [2, 3, 3, 3, 3, 3, 3, 4]


@pytest.mark.parametrize(
    ("size", "name", "expected"),
    [
        (8 * MIB - 1, "f", {"fragment": 1, "undersized": 0}),
        (8 * MIB, "f", {"fragment": 0, "undersized": 1}),
        (48 * MIB - 1, "f", {"fragment": 0, "undersized": 1}),
        (48 * MIB, "f", {"fragment": 0, "undersized": 0}),
        (1, "sealed-f", {"fragment": 0, "undersized": 0}),
    ],
)
def test_small_files_are_of_one_of_two_tiers(size: int, name: str, expected: dict[str, int]) -> None:
    assert told(file(size, name=name), metric=tables.SMALL_FILES) == {(tier,): n for tier, n in expected.items()}


def test_files_that_nobody_will_merge_are_not_small_however_well_they_compress() -> None:
    full = [file(n, "a", rows=2_000_000) for n in range(300)]

    assert told(*full, metric=tables.SMALL_FILES) == {("fragment",): 0, ("undersized",): 0}
    assert told(*full, metric=tables.PARTITION_SMALL_FILES) == {(): 0}
    assert told(file(1, rows=500_000), metric=tables.SMALL_FILES) == {("fragment",): 0, ("undersized",): 1}


def test_the_worst_partition_is_told_and_not_named() -> None:
    files = [file(1, "a"), file(2, "a"), file(3, "b"), file(100 * MIB, "c")]

    assert told(*files, metric=tables.PARTITIONS) == {(): 3}
    assert told(*files, metric=tables.PARTITION_SMALL_FILES) == {(): 2}
    assert told(*files, metric=tables.PARTITION_BYTES_MAX) == {(): 100 * MIB}
    assert told(*files, metric=tables.PARTITION_BYTES_MEDIAN) == {(): 3}


def test_an_empty_table_has_numbers_too() -> None:
    assert told(metric=tables.FILES) == told(metric=tables.PARTITION_BYTES_MEDIAN) == {(): 0}
    assert told(metric=tables.LAST_DATA_COMMIT) == {}
