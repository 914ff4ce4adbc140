"""What a table owes, and why: rules over what its log says."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.lake.store import StoredObject
from headrace.lake.upkeep.logfiles import LogFiles
from headrace.lake.upkeep.stats import SEALED, TableFile, TableStats
from headrace.sections import MIB, MaintainSettings
from headrace_maintenance.files import Partition, hot_jobs
from headrace_maintenance.jobs import Job, JobKind, Plan
from headrace_maintenance.planner import Given, plan_jobs

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
POLICY = MaintainSettings()
LOOKED = Given(("symbol",), orphans_at=NOW)


def file(number: int, size: int, *, age: timedelta = timedelta(0), value: str = "a", sealed: bool = False) -> TableFile:
    return TableFile(f"{SEALED if sealed else ''}{value}-{number}.parquet", size, 1, NOW - age, value)


def some(count: int, size: int, **more: object) -> list[TableFile]:
    return [file(number, size, **more) for number in range(count)]  # type: ignore[arg-type]  # as `file` takes them


def stats(
    files: Sequence[TableFile] = (),
    *,
    log: Mapping[str, StoredObject] | None = None,
    version: int = 1,
    expired: int = 0,
) -> TableStats:
    return TableStats(
        "t",
        version,
        tuple(files),
        LogFiles.of(log or {f"{0:020d}.checkpoint.parquet": StoredObject(1, NOW)}),
        {f"gone-{number}": 1 for number in range(expired)},
        timedelta(days=7),
        timedelta(days=30),
    )


def jobs(found: Plan) -> list[tuple[str, int]]:
    return [(job.kind.value, len(job.files)) for job in found.jobs]


def plan(files: Sequence[TableFile], policy: MaintainSettings = POLICY) -> Plan:
    return plan_jobs(stats(files), LOOKED, policy, NOW)


HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (some(39, MIB), []),
        (some(40, MIB), [("compact", 40)]),
        (some(4, 20 * MIB), [("compact", 3)]),
        (some(3, 20 * MIB), []),
        (some(40, 50 * MIB), []),
        ([*some(30, MIB), file(30, 40 * MIB)], [("compact", 25)]),
        ([*some(20, MIB), file(30, 40 * MIB)], []),
        (some(199, 1000) + [file(900 + n, MIB) for n in range(3)], [("compact", 202)]),
        (some(39, MIB, sealed=True), []),
        (some(1, MIB, age=DAY), []),
        (some(1, 9 * MIB, age=DAY), [("seal", 1)]),
        (some(2, MIB, age=DAY), [("seal", 2)]),
        (some(5, 50 * MIB, age=DAY), [("seal", 2), ("seal", 2), ("seal", 1)]),
        ([*some(3, MIB, age=DAY), file(9, 90 * MIB, age=DAY, sealed=True)], []),
        ([*some(4, MIB, age=DAY), file(9, 90 * MIB, age=DAY, sealed=True)], [("seal", 4)]),
        ([*some(4, MIB, age=DAY), file(9, 2 * MIB, age=DAY, sealed=True)], [("seal", 5)]),
        ([*some(3, MIB, age=DAY, sealed=True)], []),
        ([*some(5, MIB, age=HOUR), *some(5, MIB, age=DAY, value="b")], [("seal", 5)]),
    ],
)
def test_files_are_merged_when_it_is_worth_it(files: Sequence[TableFile], expected: Sequence[tuple[str, int]]) -> None:
    assert jobs(plan(files)) == expected


def test_a_budget_leaves_the_rest_to_the_next_time() -> None:
    found = plan([*some(40, MIB), *some(50, MIB, value="b")], POLICY.model_copy(update={"budget_mib": 60}))

    assert [(job.value, len(job.files)) for job in found.jobs] == [("b", 50)]
    assert found.waiting == ("1 compact (40 files, 40.0 MiB) wait for the next time: 60 MiB at a time",)
    assert found.unfinished


def test_one_merge_is_done_however_small_the_budget() -> None:
    assert jobs(plan(some(40, MIB), POLICY.model_copy(update={"budget_mib": 1}))) == [("compact", 40)]


def test_the_table_is_left_in_order_and_jobs_come_in_theirs() -> None:
    log = {
        f"{0:020d}.json": StoredObject(1, NOW - timedelta(days=50)),
        f"{5:020d}.json": StoredObject(1, NOW - timedelta(days=40)),
        f"{5:020d}.checkpoint.parquet": StoredObject(1, NOW - timedelta(days=40)),
    }
    found = plan_jobs(stats(some(40, MIB), log=log, version=200, expired=3), Given(), POLICY, NOW)

    assert [job.kind for job in found.jobs] == [kind for kind in JobKind if kind is not JobKind.SEAL]
    assert [job.reason for job in found.jobs] == [
        "40 files of like size or more: 40 files, 40.0 MiB",
        "3 files left the table more than 7 days ago",
        "195 versions since the last one",
        "1 objects of the log are older than 30 days and replaced",
        "files that no version names were looked for never",
    ]


@pytest.mark.parametrize(
    ("version", "written", "size", "due"),
    [
        (9, 2 * HOUR, 1, False),
        (10, 2 * HOUR, 1, True),
        (10, HOUR / 2, 1, False),
        (110, HOUR / 2, 1, True),
        (2, HOUR / 2, 33 * MIB, True),
    ],
)
def test_a_checkpoint_is_due_by_versions_age_or_size(version: int, written: timedelta, size: int, due: bool) -> None:
    log = {
        f"{0:020d}.checkpoint.parquet": StoredObject(1, NOW - written),
        f"{1:020d}.json": StoredObject(size, NOW),
    }
    found = plan_jobs(stats(log=log, version=version), LOOKED, POLICY, NOW)
    assert jobs(found) == ([("checkpoint", 0)] if due else [])


@pytest.mark.parametrize(("left", "searched"), [(None, True), (5 * HOUR, False), (6 * HOUR, True)])
def test_too_many_orphans_are_looked_for_again_after_hours(left: timedelta | None, searched: bool) -> None:
    found = plan_jobs(stats(), Given(orphans_left=None if left is None else NOW - left), POLICY, NOW)
    assert (jobs(found), found.unfinished) == (([("orphans", 0)], False) if searched else ([], True))


def test_files_that_cannot_be_merged_are_left_and_the_rest_is_done() -> None:
    found = plan_jobs(stats(some(40, MIB), expired=1), Given(orphans_at=NOW, unmergeable="because"), POLICY, NOW)
    assert (jobs(found), found.unmergeable) == ([("vacuum", 0)], "because")


@settings(max_examples=10)
@given(st.lists(st.integers(1_000, 200_000), min_size=1, max_size=400))
def test_hours_of_small_files_are_rewritten_a_bounded_number_of_times(sizes: list[int]) -> None:
    files: list[TableFile] = []
    rewritten = 0
    for number in range(2_000):
        files.append(file(number, sizes[number % len(sizes)], age=timedelta(seconds=-number)))
        for job in hot_jobs(Partition("a", files), POLICY):
            rewritten += job.size
            files = [*(f for f in files if f not in job.files), _merged(job, number)]
    came = sum(sizes[number % len(sizes)] for number in range(2_000))
    assert rewritten <= 4 * came
    assert len(files) <= 3 * POLICY.compact_files


def _merged(job: Job, number: int) -> TableFile:
    return file(100_000 + number, job.size, age=timedelta(seconds=-number))
