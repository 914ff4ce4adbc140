"""How often bytes are written again: the rule, what follows from it, and a whole day of it."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from headrace.lake.store import StoredObject
from headrace.lake.upkeep.logfiles import LogFiles
from headrace.lake.upkeep.stats import SEALED, TableFile, TableStats
from headrace.lake.upkeep.writes import DayOfWrites
from headrace.sections import MIB, MaintainSettings
from headrace_maintenance.jobs import Job
from headrace_maintenance.planner import Given, plan_jobs
from headrace_maintenance.thrift import is_thrifty, thrifty

NOW = datetime(2026, 3, 2, tzinfo=UTC)
POLICY = MaintainSettings()
KIB = 1024
DAY = 86_400


def table(files: Sequence[TableFile]) -> TableStats:
    log = LogFiles.of({f"{0:020d}.checkpoint.parquet": StoredObject(1, NOW)})
    return TableStats("t", 0, tuple(files), log, {}, timedelta(days=7), timedelta(days=30))


def aged(count: int, size: int, hours: float) -> list[TableFile]:
    return [TableFile(f"{n}.parquet", size, 1, NOW - timedelta(hours=hours), "a") for n in range(count)]


@pytest.mark.parametrize(
    ("rewritten", "before", "now"),
    [(4.1, False, True), (4.0, False, False), (3.5, True, True), (3.5, False, False), (2.9, True, False)],
)
def test_it_begins_above_the_bound_and_ends_below_three_quarters_of_it(
    rewritten: float, before: bool, now: bool
) -> None:
    assert is_thrifty(before, DayOfWrites(100, int(100 * rewritten)), POLICY) is now


def test_a_table_to_which_nothing_came_is_not_thrifty() -> None:
    assert not is_thrifty(True, DayOfWrites(0, 10), POLICY)


def test_twice_as_many_files_have_to_gather() -> None:
    found = thrifty(POLICY)
    assert (found.compact_files, found.urgent_files) == (2 * POLICY.compact_files, 2 * POLICY.urgent_files)
    files = aged(POLICY.compact_files, MIB, 0)
    assert plan_jobs(table(files), Given(orphans_at=NOW), POLICY, NOW).jobs
    assert not plan_jobs(table(files), Given(orphans_at=NOW, thrifty=True), POLICY, NOW).jobs


@pytest.mark.parametrize(
    ("day", "thrifty", "seals"),
    [
        (DayOfWrites(200 * MIB, 100 * MIB), False, 2),
        (DayOfWrites(0, 1000 * MIB), False, 2),
        (DayOfWrites(100 * MIB, 250 * MIB), False, 1),
        (DayOfWrites(10 * MIB, 20 * MIB), False, 1),  # one of any size, or it would wait for ever
        (DayOfWrites(10 * MIB, 35 * MIB), False, 0),
        (DayOfWrites(10 * MIB, 45 * MIB), True, 0),
    ],
)
def test_sealing_waits_that_would_go_beyond_the_bound(day: DayOfWrites, thrifty: bool, seals: int) -> None:
    given = Given(orphans_at=NOW, day=day, thrifty=thrifty)
    found = plan_jobs(table(aged(4, 50 * MIB, 5)), given, POLICY, NOW)

    assert [job.kind.value for job in found.jobs] == ["seal"] * seals
    assert [text.partition(" (")[0] for text in found.waiting] == ([f"{2 - seals} seal"] if seals < 2 else [])
    assert all("until less than 4 bytes a day are written again for each that comes" in text for text in found.waiting)


class LastDay:
    """Bytes by their time, and the sum of those of the last 24 hours."""

    def __init__(self) -> None:
        self._held: deque[tuple[float, int]] = deque()
        self._sum = 0

    def add(self, second: float, size: int) -> None:
        self._held.append((second, size))
        self._sum += size

    def until(self, second: float) -> int:
        while self._held and self._held[0][0] <= second - DAY:
            self._sum -= self._held.popleft()[1]
        return self._sum


@dataclass
class SimulatedTable:
    """A table by the day, maintained every minute as its plan says; bytes are neither gained nor lost."""

    policy: MaintainSettings
    files: dict[str, TableFile] = field(default_factory=dict)
    appended: LastDay = field(default_factory=LastDay)
    rewritten: LastDay = field(default_factory=LastDay)
    came: dict[str, int] = field(default_factory=dict)
    times_sealed: dict[str, int] = field(default_factory=dict)
    thrifty: bool = False
    count: int = 0

    def append(self, second: float, size: int) -> None:
        at = NOW + timedelta(seconds=second)
        date = at.date().isoformat()
        self._put(f"{self.count}", size, at, date)
        self.appended.add(second, size)
        self.came[date] = self.came.get(date, 0) + size

    def day(self, second: float) -> DayOfWrites:
        return DayOfWrites(self.appended.until(second), self.rewritten.until(second))

    def maintain(self, second: float) -> None:
        now, day = NOW + timedelta(seconds=second), self.day(second)
        self.thrifty = is_thrifty(self.thrifty, day, self.policy)
        given = Given(("symbol",), now, day=day, thrifty=self.thrifty)
        for job in plan_jobs(table(tuple(self.files.values())), given, self.policy, now).jobs:
            if job.files:
                self._merge(job, second, now)

    def _merge(self, job: Job, second: float, now: datetime) -> None:
        for file in job.files:
            del self.files[file.path]
        seal = job.kind.value == "seal"
        self._put(f"{SEALED if seal else ''}{self.count}", job.size, now, str(job.value))
        self.rewritten.add(second, job.size)
        if seal:
            self.times_sealed[str(job.value)] = self.times_sealed.get(str(job.value), 0) + job.size

    def _put(self, name: str, size: int, at: datetime, value: str) -> None:
        self.count += 1
        self.files[name] = TableFile(name, size, 1, at, value)


def live(table: SimulatedTable, sizes: Sequence[int], days: int) -> Iterator[float]:
    """Commits every 10 s, a look every minute; yields the time at every full hour."""
    for second in range(0, days * DAY, 10):
        table.append(second, sizes[(second // 10) % len(sizes)])
        if second % 60 == 0:
            table.maintain(second)
        if second % 3600 == 0:
            yield second


@pytest.mark.parametrize("sizes", [(20 * KIB,), (50 * KIB, 10 * KIB, 150 * KIB), (700 * KIB,)])
def test_days_of_commits_every_ten_seconds_are_written_again_at_most_four_times_with_sealing(
    sizes: Sequence[int],
) -> None:
    simulated = SimulatedTable(POLICY)
    for second in live(simulated, sizes, days=2):
        found = simulated.day(second).amplification
        assert found is not None
        assert found <= 4
        assert len(simulated.files) <= 3 * POLICY.compact_files + second // 3600

    assert simulated.times_sealed.get("2026-03-02", 0) == simulated.came["2026-03-02"]  # each byte of it once


def test_a_policy_that_is_too_eager_is_held_back() -> None:
    eager = MaintainSettings(compact_files=8, amplification=2)
    left_to_itself = SimulatedTable(eager.model_copy(update={"amplification": 1e9}))
    held_back = SimulatedTable(eager)
    for each in (left_to_itself, held_back):
        for _ in live(each, (20 * KIB,), days=1):
            pass

    before, after = (each.day(DAY).amplification for each in (left_to_itself, held_back))
    assert before is not None
    assert before > 4
    assert after is not None
    assert after < 3.5


def test_small_files_between_large_ones_are_merged_all_the_same() -> None:
    alternating = [
        TableFile(f"{n:02d}", 60 * MIB if n % 2 else MIB, 1, NOW - timedelta(minutes=90 - n), "a") for n in range(80)
    ]
    (job,) = plan_jobs(table(alternating), Given(orphans_at=NOW), POLICY, NOW).jobs
    assert [file.size for file in job.files] == [MIB] * 40
