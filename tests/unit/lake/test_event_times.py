"""What notes of event times tell, on histories that are made up: each as a table would have lived it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.lake.event_times import NOTED, Brought, Partitions, Standing, Untold, noted, standing
from headrace.lake.schema import INSTANT

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATE = timedelta(seconds=5)


def second(number: float) -> datetime:
    return NOON + timedelta(seconds=number)


def test_a_note_tells_of_each_partition_the_earliest_and_the_latest_event() -> None:
    times = pa.array([second(3), second(1), second(2)], INSTANT)
    rows = pa.table({"_partition": pa.array([0, 4, 0], pa.int32()), "at": times})

    note = {"kind": "replay", "offsets": {"0": [1, 2], "4": [9]}, **noted(rows, "at")}
    told = Brought.of(7, NOON, note)

    assert note[NOTED] == {"0": [1_772_452_802_000_000, 1_772_452_803_000_000], "4": [1_772_452_801_000_000] * 2}
    assert told == Brought(7, NOON, 3, 3, 0, {0: (second(2), second(3)), 4: (second(1), second(1))})
    assert told.bounds == (second(1), second(3))


@pytest.mark.parametrize(("rows", "column"), [(None, "at"), (pa.table({"_partition": [1]}), None)])
def test_nothing_is_noted_without_rows_or_times(rows: pa.Table | None, column: str | None) -> None:
    assert noted(rows, column) == {}


def test_a_commit_of_another_tool_does_not_say_what_it_brought() -> None:
    assert (Brought.of(1, NOON, {}).events, Brought.of(1, NOON, {"kind": "compact"}).events) == (None, 0)


def test_an_event_from_the_future_tells_nothing_beyond_its_commit() -> None:
    assert Brought(1, NOON, times={0: (NOON, second(60))}).reached(0) == NOON
    assert Brought(1, second(90), times={0: (NOON, second(60))}).reached(0) == second(60)


# -- tables of latest rows


Event = tuple[int, int]
"""Key and second of one event; its place in the history breaks ties."""


def latest(events: Iterable[Event]) -> dict[int, int]:
    """Of each key the latest second."""
    found: dict[int, int] = {}
    for key, at in events:
        found[key] = max(at, found.get(key, at))
    return found


@dataclass
class LatestTable:
    """A table of latest rows: what each flush brought, and which of that became rows."""

    flushes: Sequence[Sequence[Event]]
    commits: list[Brought] = field(default_factory=lambda: [Brought(0, NOON)])
    states: list[dict[int, int]] = field(default_factory=lambda: [{}])
    written: list[list[Event]] = field(default_factory=lambda: [[]])

    def __post_init__(self) -> None:
        for version, flush in enumerate(self.flushes, start=1):
            before = self.states[-1]
            landing = [(key, at) for key, at in latest(flush).items() if key not in before or at >= before[key]]
            seconds = [second(at) for _, at in flush]
            times = {0: (min(seconds), max(seconds))} if flush else {}
            self.commits.append(Brought(version, NOON, len(flush), len(landing), 0, times))
            self.states.append(latest([*before.items(), *landing]))
            self.written.append(landing)

    def at(self, moment: int) -> Standing | Untold:
        def settled(version: int) -> bool:
            return max(self.states[version].values(), default=0) <= moment

        return standing(second(moment), len(self.flushes), reversed(self.commits), settled)

    def read(self, found: Standing, moment: int) -> dict[int, int]:
        more = [event for version in found.more for event in self.written[version]]
        every = [*self.states[found.version].items(), *more]
        return latest(event for event in every if event[1] <= moment)


EVENTS = st.tuples(st.integers(0, 3), st.integers(0, 30))
FLUSHES = st.lists(st.lists(EVENTS, max_size=4), max_size=12)


@given(FLUSHES, st.integers(0, 30))
def test_the_latest_rows_as_of_an_event_time_are_right_or_not_told(flushes: list[list[Event]], moment: int) -> None:
    table = LatestTable(flushes)

    found = table.at(moment)

    if isinstance(found, Standing):
        assert table.read(found, moment) == latest(event for flush in flushes for event in flush if event[1] <= moment)


@given(st.lists(st.lists(EVENTS, max_size=4, unique_by=lambda event: event[0]), max_size=12), st.integers(0, 30))
def test_they_are_told_where_every_event_became_a_row(flushes: list[list[Event]], moment: int) -> None:
    rising = [[(key, 10 * flush + at // 4) for key, at in events] for flush, events in enumerate(flushes)]

    assert isinstance(LatestTable(rising).at(moment), Standing)


def test_they_are_not_told_where_a_flush_left_out_what_counted_then() -> None:
    table = LatestTable([[(1, 1)], [(1, 5), (1, 9)]])

    assert table.at(4) == table.at(1) == Standing(1)
    assert table.at(9) == Standing(2)
    assert isinstance(table.at(5), Untold)


def test_a_log_that_begins_after_later_events_does_not_tell() -> None:
    commits = [Brought(9, NOON, 1, 1, 0, {0: (second(8), second(8))}), Brought(8, NOON)]

    assert isinstance(standing(second(5), 9, commits, lambda _: False), Untold)
    assert standing(second(5), 9, commits, lambda _: True) == Standing(8)


# -- several tables


@dataclass
class Stream:
    """A table with its partitions: events in the order of their arrival, and how many of each have been committed.

    Attributes:
        events: seconds of each partition's events; none is more than `LATE` behind an earlier one.
        cuts: how many events of each partition each commit brings.
        ends: whether the broker is asked.
    """

    events: Sequence[Sequence[int]]
    cuts: Sequence[Sequence[int]]
    ends: bool

    def __post_init__(self) -> None:
        self.commits = [Brought(0, NOON)]
        self.positions = [[0] * len(self.events)]
        for cut in self.cuts:
            before = self.positions[-1]
            after = [min(len(all_), at + more) for all_, at, more in zip(self.events, before, cut, strict=True)]
            spans = {p: self.events[p][before[p] : after[p]] for p in range(len(after)) if after[p] > before[p]}
            times = {p: (second(min(span)), second(max(span))) for p, span in spans.items()}
            newest = max([self.commits[-1].made or NOON, *(high for _, high in times.values())])
            self.commits.append(Brought(len(self.commits), newest, 1, 1, 0, times))
            self.positions.append(after)

    @property
    def partitions(self) -> Partitions:
        every = frozenset(range(len(self.events)))
        quiet = frozenset(p for p in every if self.ends and self.positions[-1][p] == len(self.events[p]))
        return Partitions(quiet, every - quiet, second(1_000))

    def lacks(self, moment: datetime, version: int) -> list[int]:
        """Events up to the moment that a version does not hold."""
        return [
            at
            for events, position in zip(self.events, self.positions[version], strict=True)
            for at in events[position:]
            if second(at) <= moment
        ]


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    partitions = draw(st.integers(1, 3))
    steps = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), max_size=12)
    events = []
    for _ in range(partitions):
        now, seconds = 0, []
        for step, late in draw(steps):
            now += step
            seconds.append(now - late)
        events.append(seconds)
    cut = st.lists(st.integers(0, 4), min_size=partitions, max_size=partitions)
    return Stream(events, draw(st.lists(cut, max_size=8)), draw(st.booleans()))


@given(st.lists(streams(), min_size=1, max_size=3), st.integers(-3, 40))
def test_no_table_lacks_an_event_up_to_the_moment_that_all_are_read_at(tables: list[Stream], at: int) -> None:
    moment = second(at)
    if any(table.partitions.lacking(moment + LATE, reversed(table.commits)) for table in tables):
        return  # refused
    for table in tables:
        newest = len(table.commits) - 1
        first = table.partitions.complete(moment + LATE, reversed(table.commits))
        assert table.lacks(moment, newest) == []
        assert table.lacks(moment, newest if first is None else first) == []


@given(st.lists(streams(), min_size=1, max_size=3))
def test_the_latest_moment_of_several_tables_is_one_at_which_they_can_be_read(tables: list[Stream]) -> None:
    found = [table.partitions.until(reversed(table.commits)) for table in tables]
    known = [moment for moment in found if moment is not None]
    if len(known) == len(tables):
        for table in tables:
            assert not table.partitions.lacking(min(known), reversed(table.commits))


@given(streams(), st.integers(0, 40))
def test_a_table_that_has_all_there_is_never_waits_for_quiet_partitions(table: Stream, at: int) -> None:
    whole = Stream(table.events, [*table.cuts, [100] * len(table.events)], ends=True)

    assert not whole.partitions.lacking(second(at), reversed(whole.commits))


def test_a_partition_that_is_quiet_is_waited_for_where_nobody_asks_the_broker() -> None:
    table = Stream([[1, 2, 9], []], [[3, 0]], ends=False)

    assert table.partitions.lacking(second(5), reversed(table.commits)) == {1}
    assert table.partitions.until(reversed(table.commits)) is None


def test_what_the_broker_said_tells_nothing_of_what_happened_afterwards() -> None:
    partitions = Partitions(frozenset({0}), frozenset(), second(5))

    assert partitions.lacking(second(4), []) == set()
    assert partitions.lacking(second(5), []) == {0}


def test_events_of_the_very_moment_may_still_come() -> None:
    table = Stream([[1, 2, 2]], [[2]], ends=False)

    assert table.partitions.lacking(second(2), reversed(table.commits)) == {0}
    assert table.partitions.lacking(second(1), reversed(table.commits)) == set()
