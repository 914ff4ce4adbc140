from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import ConfigError
from headrace.lake.as_of import CLOCKS, EventTime, Told, aware, version_at, version_reaching

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTES = st.integers(0, 15).map(lambda minutes: timedelta(minutes=minutes))


def by_definition(moment: datetime, made: Sequence[datetime]) -> int:
    """The newest version that was, like all before it, committed by then."""
    late = [version for version, when in enumerate(made) if when > moment]
    return min(late, default=len(made)) - 1


@given(
    st.lists(MINUTES, min_size=4, max_size=12),
    st.lists(st.sampled_from([-0.5, 0.0, 0.5]), min_size=12, max_size=12),
    MINUTES,
)
def test_it_is_the_newest_version_committed_like_all_before_it_by_then_whatever_clocks_say(
    true: list[timedelta], wrong: list[float], asked: timedelta
) -> None:
    made = [NOON + when + CLOCKS * off for when, off in zip(sorted(true), wrong, strict=False)]

    assert version_at(NOON + asked, len(made) - 1, made.__getitem__) == by_definition(NOON + asked, made)


@given(st.lists(MINUTES, min_size=1, max_size=60), st.integers(0, 59), MINUTES)
def test_commits_that_the_log_no_longer_tells_of_count_as_older_than_all_others(
    true: list[timedelta], gone: int, asked: timedelta
) -> None:
    made = [NOON + when for when in sorted(true)]
    told = [None if version < gone else when for version, when in enumerate(made)]

    found = version_at(NOON + asked, len(made) - 1, told.__getitem__)

    expected = by_definition(NOON + asked, made)
    assert found == max(expected, min(gone, len(made)) - 1)


def test_a_long_log_is_not_read_from_end_to_end() -> None:
    made = [NOON + timedelta(minutes=version) for version in range(100_000)]
    asked: list[int] = []

    def committed(version: int) -> datetime:
        asked.append(version)
        return made[version]

    assert version_at(made[70_000], 99_999, committed) == 70_000
    assert len(asked) < 30


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ConfigError, match="2026-03-02 12:00:00 has no time zone"):
        aware(NOON.replace(tzinfo=None))
    with pytest.raises(ConfigError, match="no time zone"):
        EventTime(NOON.replace(tzinfo=None))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), min_size=1, max_size=60), st.integers(0, 59), st.data())
def test_it_is_the_first_version_at_which_the_partition_stood_there(
    moves: list[tuple[bool, int]], gone: int, data: st.DataObject
) -> None:
    position, commits = 5, [Told(5)]
    for moved, by in moves:
        commits.append(Told(position + by, position) if moved else Told())
        position += by if moved else 0
    asked = data.draw(st.integers(5, position))
    told = [None if version < gone else said for version, said in enumerate(commits)]

    found = version_reaching(asked, len(commits) - 1, told.__getitem__)

    reached = [
        version
        for version, said in enumerate(told)
        if said is not None and said.position is not None and said.position >= asked
    ]
    assert found == min(reached, default=len(commits))
