"""The numbers of one table, from what was read of it. Pure."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import accumulate
from statistics import median

from headrace.lake.upkeep.health import assess, is_small
from headrace.lake.upkeep.stats import TableFile, TableStats
from headrace.metrics import tables
from headrace.metrics.metric import Reading
from headrace.metrics.recorder import Sample
from headrace.sections import MIB, MaintainSettings
from headrace_exporter.look import Census

_FRAGMENT = 1 / 8


def numbers(census: Census, policy: MaintainSettings, now: datetime) -> Iterator[Sample]:
    """How a table stands; its series are as many however many partitions it has.

    Args:
        census: of the table.
        policy: what compaction aims at.
        now: tells how old files are.
    """
    stats = census.stats
    for metric, value in (
        (tables.VERSION, stats.version),
        (tables.LAST_CHECKPOINT, stats.version - stats.since_checkpoint),
        (tables.FILES, len(stats.files)),
        (tables.ACTIVE_BYTES, stats.size),
        (tables.ROWS, sum(file.rows or 0 for file in stats.files) - census.deleted_rows),
        (tables.DELETED_ROWS, census.deleted_rows),
        (tables.UNCOUNTED_FILES, sum(file.rows is None for file in stats.files)),
        (tables.LOG_OBJECTS, len(stats.log.objects)),
        (tables.LOG_BYTES, sum(found.size for found in stats.log.objects.values())),
        (tables.LOG_STRAYS, len(stats.log.strays)),
        (tables.OLDEST_LOG_VERSION, min(stats.log.commits, default=stats.version)),
        (tables.TOMBSTONES, census.tombstones),
        (tables.VACUUMABLE_FILES, len(stats.expired)),
        (tables.VACUUMABLE_BYTES, stats.expired_size),
        (tables.ORPHAN_FILES, census.orphans),
    ):
        yield _of(stats, metric, value)
    for moment, time in (
        (tables.LAST_DATA_COMMIT, census.last_data_commit),
        (tables.NEWEST_EVENT, census.newest_event),
    ):
        if time is not None:
            yield _of(stats, moment, time.timestamp())
    yield from _partitions(stats, policy)
    yield from _sizes(stats)
    yield from _judged(stats, policy, now)


def _judged(stats: TableStats, policy: MaintainSettings, now: datetime) -> Iterator[Sample]:
    health = assess(stats, policy, now)
    yield _of(stats, tables.HEALTH, health.score)
    for part in health.parts:
        if part.weight:
            yield _of(stats, tables.HEALTH_POINTS, part.points, part=part.part.value)


def _of(stats: TableStats, metric: Reading, value: float, **labels: str) -> Sample:
    return Sample(metric, value, {"table": stats.table, **labels})


def _tier(file: TableFile, policy: MaintainSettings) -> str | None:
    """Which kind of small file it is; None if it is none."""
    if not is_small(file, policy):
        return None
    return "fragment" if file.weight < _FRAGMENT * policy.target_mib * MIB else "undersized"


def _partitions(stats: TableStats, policy: MaintainSettings) -> Iterator[Sample]:
    sizes: Counter[str | None] = Counter()
    small: Counter[str | None] = Counter()
    files: Counter[str | None] = Counter()
    size: Counter[str | None] = Counter()
    for file in stats.files:
        sizes[file.value] += file.size
        kind = _tier(file, policy)
        if kind is not None:
            small[file.value] += 1
            files[kind] += 1
            size[kind] += file.size
    for kind in tables.TIERS:
        yield _of(stats, tables.SMALL_FILES, files[kind], tier=kind)
        yield _of(stats, tables.SMALL_BYTES, size[kind], tier=kind)
    yield _of(stats, tables.PARTITIONS, len(sizes))
    yield _of(stats, tables.PARTITION_SMALL_FILES, max(small.values(), default=0))
    yield _of(stats, tables.PARTITION_BYTES_MAX, max(sizes.values(), default=0))
    yield _of(stats, tables.PARTITION_BYTES_MEDIAN, median(sizes.values()) if sizes else 0)


def _sizes(stats: TableStats) -> Iterator[Sample]:
    """Cumulative, as histograms are."""
    counts = Counter(bisect_left(tables.SIZES, file.size) for file in stats.files)
    bounds: Sequence[str] = tables.FILES_BY_SIZE.values["le"]
    for bound, count in zip(bounds, accumulate(counts[at] for at in range(len(bounds))), strict=True):
        yield _of(stats, tables.FILES_BY_SIZE, count, le=bound)
