"""How good a table is to read, from 0 to 100, and what it lacks: a pure function of what its log says.

Nothing is held against a table that maintenance would not mend: small files of a partition that still gets some, or
files that are small because there are no more rows, cost no points.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from headrace.lake.upkeep.stats import TableFile, TableStats
from headrace.sections import MIB, MaintainSettings

SMALL = 0.75
"""A file with less than this share of the size that is aimed at is worth merging."""

_GREEN_FILES, _RED_FILES = 50, 200
"""Small files of one partition: a look waits for dozens, and hundreds make any query slow."""


class Colour(StrEnum):
    """From all is well to something has to be done."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


class Part(StrEnum):
    """What points are given for."""

    FILE_SIZE = "file_size"
    SMALL_FILES = "small_files"
    CHECKPOINT = "checkpoint"
    EXPIRED = "expired"
    STATISTICS = "statistics"
    LOG = "log"


_WEIGHTS = {
    Part.FILE_SIZE: 40,
    Part.SMALL_FILES: 25,
    Part.CHECKPOINT: 15,
    Part.EXPIRED: 10,
    Part.STATISTICS: 10,
    Part.LOG: 0,
}


@dataclass(frozen=True, slots=True)
class HealthPart:
    """One thing that is looked at.

    Attributes:
        part: which.
        points: that the table gets for it.
        weight: points that there are; 0 where readers do not feel it, so that only its colour speaks.
        value: the number it is judged by.
        colour: of that number.
        found: the number in words.
        remedy: what to do; None where all is well.
    """

    part: Part
    points: float
    weight: int
    value: float
    colour: Colour
    found: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """Of one table at one version."""

    parts: tuple[HealthPart, ...]

    @property
    def score(self) -> float:
        """The sum of all points, 0 to 100."""
        return round(sum(part.points for part in self.parts), 1)

    @property
    def colour(self) -> Colour:
        """The worst of all parts: a good sum hides none."""
        return max((part.colour for part in self.parts), key=list(Colour).index)


def assess(stats: TableStats, policy: MaintainSettings, now: datetime) -> Health:
    """Judges a table.

    Args:
        stats: what its log says.
        policy: which files are small, and which partitions still get some.
        now: tells how old files are.
    """
    return Health(
        (
            _file_size(stats, policy, now),
            _small_files(stats, policy),
            _checkpoint(stats),
            _expired(stats),
            _statistics(stats),
            _log(stats),
        )
    )


def is_small(file: TableFile, policy: MaintainSettings) -> bool:
    """Whether it is smaller than compaction aims at."""
    return not file.sealed and file.weight < SMALL * policy.target_mib * MIB


def small_files(stats: TableStats, policy: MaintainSettings) -> Counter[str | None]:
    """How many small files each partition has."""
    return Counter(file.value for file in stats.files if is_small(file, policy))


def _file_size(stats: TableStats, policy: MaintainSettings, now: datetime) -> HealthPart:
    partitions: dict[str | None, list[TableFile]] = defaultdict(list)
    for file in stats.files:
        partitions[file.value].append(file)
    enough = sum(_enough(files, policy, now) for files in partitions.values())
    count = len(stats.files)
    share = enough / count if count else 1.0
    found = f"{_files(count)}, {_size(stats.size / max(1, count))} on average"
    found += f"; {enough} would do" if enough < count else ""
    # A half and an eighth of the size that is aimed at.
    colour = _colour(1 - share, 0.5, 1 - 1 / 8)
    return _part(Part.FILE_SIZE, share, value=share, colour=colour, told=(found, _merging(stats)))


def _enough(files: Sequence[TableFile], policy: MaintainSettings, now: datetime) -> int:
    """How many files maintenance would leave of these of one partition, or tolerate."""
    weight = sum(file.weight for file in files)
    enough = max(1, -(-weight // (policy.sealed_mib * MIB // 2)))
    came = max((file.modified for file in files if not file.sealed), default=None)
    if came is not None and now - came < timedelta(minutes=policy.hot_minutes):
        enough = max(enough, _GREEN_FILES)
    return min(enough, len(files))


def _small_files(stats: TableStats, policy: MaintainSettings) -> HealthPart:
    most = max(small_files(stats, policy).values(), default=0)
    return _part(
        Part.SMALL_FILES,
        1 - most / _RED_FILES,
        value=most,
        colour=_colour(most, _GREEN_FILES, _RED_FILES),
        told=(f"{_files(most, 'small ')} in the worst partition", _merging(stats)),
    )


def _checkpoint(stats: TableStats) -> HealthPart:
    behind = stats.since_checkpoint
    remedy = "headrace maintain writes one every hundred versions; see that it runs, and why the last one failed"
    # More than come between two looks; opening a table of 500 such commits takes a fifth of a second more.
    colour = _colour(behind, 300, 500)
    told = (f"{behind} {'version' if behind == 1 else 'versions'} since the last checkpoint", remedy)
    return _part(Part.CHECKPOINT, 1 - behind / 500, value=behind, colour=colour, told=told)


def _expired(stats: TableStats) -> HealthPart:
    share = stats.expired_size / max(1, stats.size)
    found = f"{_files(len(stats.expired), 'expired ')}, {share:.0%} of the table's bytes"
    colour = _colour(share, 0.2, 0.5)
    return _part(Part.EXPIRED, 1 - share, value=share, colour=colour, told=(found, _MAINTAIN))


def _statistics(stats: TableStats) -> HealthPart:
    without = sum(file.rows is None for file in stats.files)
    lacking = without / max(1, len(stats.files))
    remedy = "another tool wrote them: queries read them whole until headrace maintain merges them"
    told = (f"{_files(without)} without statistics", remedy)
    return _part(Part.STATISTICS, 1 - lacking, value=lacking, colour=_colour(lacking, 1e-9, 0.1), told=told)


def _log(stats: TableStats) -> HealthPart:
    count = len(stats.log.objects)
    remedy = "longer HEADRACE_INGEST__FLUSH_SECONDS, or a shorter delta.logRetentionDuration of the table"
    # Readers begin at the checkpoint; whoever lists the whole log waits seconds for so many.
    colour = Colour.AMBER if count >= 50_000 else Colour.GREEN
    return _part(Part.LOG, 1.0, value=count, colour=colour, told=(f"{count} objects in the log", remedy))


_MAINTAIN = "run headrace maintain; if it runs, headrace maintain --dry-run says what it waits for"


def _merging(stats: TableStats) -> str:
    return f"headrace maintain merges no file of it: {stats.protected}" if stats.protected else _MAINTAIN


def _files(count: int, which: str = "") -> str:
    return f"{count} {which}{'file' if count == 1 else 'files'}"


def _size(size: float) -> str:
    return f"{size / MIB:.1f} MiB" if size >= MIB else f"{size / 1024:.1f} KiB"


def _part(part: Part, share: float, *, value: float, colour: Colour, told: tuple[str, str]) -> HealthPart:
    weight = _WEIGHTS[part]
    points = weight * min(1.0, max(0.0, share))
    found, remedy = told
    return HealthPart(part, points, weight, value, colour, found, None if colour is Colour.GREEN else remedy)


def _colour(value: float, amber: float, red: float) -> Colour:
    """Green below `amber`, red from `red` on."""
    if value < amber:
        return Colour.GREEN
    return Colour.AMBER if value < red else Colour.RED
