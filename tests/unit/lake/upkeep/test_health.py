"""How a table's log becomes a number with its reasons."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.lake.store import StoredObject
from headrace.lake.upkeep.health import Colour, HealthPart, Part, assess
from headrace.lake.upkeep.logfiles import LogFiles
from headrace.lake.upkeep.stats import SEALED, TableFile, TableStats
from headrace.sections import MIB, MaintainSettings

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
POLICY = MaintainSettings()
COLD = timedelta(days=1)


def file(number: int, size: int, *, age: timedelta = timedelta(0), value: str = "a", sealed: bool = False) -> TableFile:
    return TableFile(f"{SEALED if sealed else ''}{value}-{number}.parquet", size, 1, NOW - age, value)


def table(files: Sequence[TableFile] = (), *, behind: int = 0, objects: int = 1) -> TableStats:
    names = [f"{0:020d}.checkpoint.parquet", *(f"{number:020d}.json" for number in range(objects - 1))]
    log = LogFiles.of({name: StoredObject(1, NOW) for name in names})
    return TableStats("t", behind, tuple(files), log, {}, timedelta(days=7), timedelta(days=30))


def part(which: Part, stats: TableStats) -> HealthPart:
    return next(each for each in assess(stats, POLICY, NOW).parts if each.part is which)


def test_a_table_without_files_lacks_nothing() -> None:
    health = assess(table(), POLICY, NOW)

    assert (health.score, health.colour) == (100, Colour.GREEN)
    assert [each.remedy for each in health.parts] == [None] * len(Part)


@pytest.mark.parametrize(
    ("files", "points", "colour"),
    [
        # Small because nothing more came: nothing that maintenance could mend.
        ([file(1, 1000, age=COLD, sealed=True)], 40, Colour.GREEN),
        ([file(n, 1000) for n in range(50)], 40, Colour.GREEN),
        ([file(n, 1000) for n in range(100)], 20, Colour.AMBER),
        ([file(n, 1000) for n in range(500)], 4, Colour.RED),
        # A partition that gets no more files needs one.
        ([file(n, 1000, age=COLD) for n in range(4)], 10, Colour.AMBER),
        ([file(n, 64 * MIB, age=COLD, sealed=True) for n in range(9)], 40, Colour.GREEN),
        ([file(n, 16 * MIB, age=COLD) for n in range(8)], 10, Colour.AMBER),
        # Sealed partitions outweigh the small one of today.
        ([file(n, MIB, age=COLD, value=str(n), sealed=True) for n in range(400)], 40, Colour.GREEN),
    ],
)
def test_size_of_files_is_held_against_what_merging_would_reach(
    files: Sequence[TableFile], points: float, colour: Colour
) -> None:
    found = part(Part.FILE_SIZE, table(files))

    assert found.points == pytest.approx(points)
    assert found.colour is Colour(colour)


def test_files_that_maintenance_holds_for_full_are_so_here() -> None:
    full = [replace(file(n, 8 * MIB, age=COLD, sealed=True), rows=4_000_000) for n in range(9)]

    assert part(Part.FILE_SIZE, table(full)).colour is Colour.GREEN


@pytest.mark.parametrize(
    ("count", "points", "colour"), [(49, 18.875, "green"), (50, 18.75, "amber"), (199, 0.125, "amber"), (200, 0, "red")]
)
def test_small_files_count_in_the_worst_partition(count: int, points: float, colour: str) -> None:
    files = [*(file(n, MIB) for n in range(count)), *(file(n, MIB, value="b") for n in range(10)), file(0, 60 * MIB)]

    found = part(Part.SMALL_FILES, table(files))

    assert found.value == count
    assert found.points == pytest.approx(points)
    assert found.colour is Colour(colour)


@pytest.mark.parametrize(
    ("behind", "points", "colour"), [(0, 15, "green"), (299, 6.03, "green"), (300, 6, "amber"), (500, 0, "red")]
)
def test_commits_since_the_checkpoint(behind: int, points: float, colour: str) -> None:
    found = part(Part.CHECKPOINT, table(behind=behind))

    assert found.points == pytest.approx(points)
    assert found.colour is Colour(colour)
    assert found.found == f"{behind} versions since the last checkpoint"


@pytest.mark.parametrize(
    ("expired", "points", "colour"), [(0, 10, "green"), (2, 8, "amber"), (5, 5, "red"), (70, 0, "red")]
)
def test_expired_files_count_by_their_bytes(expired: int, points: float, colour: str) -> None:
    stats = replace(table([file(1, 10 * MIB)]), expired={"gone": expired * MIB})

    found = part(Part.EXPIRED, stats)

    assert found.points == pytest.approx(points)
    assert found.colour is Colour(colour)


@pytest.mark.parametrize(("without", "points", "colour"), [(0, 10, "green"), (1, 9.5, "amber"), (2, 9, "red")])
def test_files_without_statistics(without: int, points: float, colour: str) -> None:
    files = [file(n, MIB) for n in range(20)]

    found = part(Part.STATISTICS, table([replace(each, rows=None) for each in files[:without]] + files[without:]))

    assert found.points == pytest.approx(points)
    assert found.colour is Colour(colour)


def test_a_long_log_costs_no_points_and_is_told() -> None:
    found = part(Part.LOG, table(objects=50_000))

    assert (found.points, found.weight, found.colour) == (0, 0, Colour.AMBER)
    assert part(Part.LOG, table(objects=49_999)).colour is Colour.GREEN


def test_what_maintenance_leaves_alone_is_not_to_be_mended_by_it() -> None:
    stats = replace(table([file(n, 1000) for n in range(300)]), protected="because")

    assert part(Part.SMALL_FILES, stats).remedy == "headrace maintain merges no file of it: because"


def test_the_colour_of_a_table_is_that_of_its_worst_part() -> None:
    assert assess(table(behind=500), POLICY, NOW).colour is Colour.RED
    assert assess(table(behind=400), POLICY, NOW).colour is Colour.AMBER


@given(
    st.lists(st.tuples(st.integers(1, 600 * MIB), st.booleans(), st.sampled_from("abc"), st.booleans()), max_size=30),
    st.integers(0, 10_000),
    st.integers(0, 10_000 * MIB),
)
def test_a_score_is_the_sum_of_points_within_their_weights(
    files: list[tuple[int, bool, str, bool]], behind: int, expired: int
) -> None:
    made = [
        file(number, size, age=COLD if cold else timedelta(0), value=value, sealed=sealed)
        for number, (size, cold, value, sealed) in enumerate(files)
    ]

    health = assess(replace(table(made, behind=behind), expired={"gone": expired}), POLICY, NOW)

    assert 0 <= health.score <= 100 == sum(each.weight for each in health.parts)
    assert all(0 <= each.points <= each.weight for each in health.parts)
    assert all((each.remedy is None) == (each.colour is Colour.GREEN) for each in health.parts)
    assert [each.part for each in health.parts] == list(Part)
