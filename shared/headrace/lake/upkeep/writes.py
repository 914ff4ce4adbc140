"""How many bytes came to a table within a day, and how many of its bytes were written again: read from its commits."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from headrace.lake.log import commit_path
from headrace.lake.store import Store
from headrace.lake.upkeep.logfiles import LogFiles

WINDOW = timedelta(days=1)
_HOUR = timedelta(hours=1)
_AT_ONCE = 16
_CHUNK = 1_000


@dataclass(frozen=True, slots=True)
class DayOfWrites:
    """What was written to a table in the last 24 hours, and the part of the hour before them.

    Attributes:
        appended: bytes of files that brought rows.
        rewritten: bytes of files with rows that were there before.
    """

    appended: int = 0
    rewritten: int = 0

    @property
    def amplification(self) -> float | None:
        """How often a byte that came was written again; None where none came."""
        return self.rewritten / self.appended if self.appended else None


class HourOfWrites(msgspec.Struct, frozen=True, array_like=True):
    """Bytes as in `DayOfWrites`; `hour` counts from the epoch."""

    hour: int
    appended: int
    rewritten: int


class Writes(msgspec.Struct, frozen=True):
    """What the commits up to and with `version` wrote, by hours, as far as that is not longer ago than a day."""

    version: int = -1
    hours: tuple[HourOfWrites, ...] = ()

    def day(self, now: datetime) -> DayOfWrites:
        """Their sum."""
        counted = [each for each in self.hours if each.hour >= _hour(now - WINDOW)]
        return DayOfWrites(sum(each.appended for each in counted), sum(each.rewritten for each in counted))


NOTHING_COUNTED = Writes()


class _Add(msgspec.Struct):
    size: int
    dataChange: bool = True  # noqa: N815  # the Delta protocol's name


class _Action(msgspec.Struct):
    add: _Add | None = None


_LINES = msgspec.json.Decoder(_Action)


def count_writes(store: Store, log: LogFiles, known: Writes, now: datetime, *, table: str) -> Writes:
    """`known` with the commits that came since; a day's worth of them is read where nothing is known.

    Args:
        store: the lake.
        log: of the table.
        known: from before.
        now: time.
        table: its folder.

    Raises:
        StoreError, AccessDeniedError: a commit cannot be read.
    """
    hours = {version: _hour(log.objects[f"{version:020d}.json"].modified) for version in log.commits}
    oldest = _hour(now - WINDOW)
    fresh = sorted(version for version, hour in hours.items() if version > known.version and hour >= oldest)
    sums = {each.hour: [each.appended, each.rewritten] for each in known.hours if each.hour >= oldest}
    for version, (appended, rewritten) in _read(store, table, fresh):
        counted = sums.setdefault(hours[version], [0, 0])
        counted[0] += appended
        counted[1] += rewritten
    newest = max([known.version, *log.commits])
    return Writes(newest, tuple(HourOfWrites(hour, *both) for hour, both in sorted(sums.items())))


def _read(store: Store, table: str, versions: Sequence[int]) -> Iterable[tuple[int, tuple[int, int]]]:
    """Bytes that each commit appended and rewrote."""

    def one(version: int) -> tuple[int, tuple[int, int]]:
        try:
            return version, _written(store.read(commit_path(table, version)))
        except FileNotFoundError:  # cleaned since the listing
            return version, (0, 0)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for begin in range(0, len(versions), _CHUNK):
            yield from pool.map(one, versions[begin : begin + _CHUNK])


def _written(commit: bytes) -> tuple[int, int]:
    sizes: dict[bool, int] = defaultdict(int)
    for line in commit.splitlines():
        add = _LINES.decode(line).add
        if add is not None:
            sizes[add.dataChange] += add.size
    return sizes[True], sizes[False]


def _hour(time: datetime) -> int:
    return int(time.timestamp() // _HOUR.total_seconds())
