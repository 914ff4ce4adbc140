"""Which event times a commit brought: noted by whoever makes it, and what can be told from the notes. Pure.

A partition's events come in the order of their times, but for those that are late. So a table that has an event of a
moment has, of that partition, everything before.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

import pyarrow as pa

from headrace.lake.as_of import CLOCKS

NOTED = "event_times"
"""Key of the note: per partition the earliest and the latest event time, in microseconds since the epoch."""

_TICK = timedelta(microseconds=1)
_EPOCH = datetime.fromtimestamp(0, UTC)


def joined(one: Mapping[str, Sequence[int]], other: Mapping[str, Sequence[int]]) -> dict[str, Sequence[int]]:
    """What two notes say of event times, as one."""
    bounds = {p: (*one.get(p, ()), *other.get(p, ())) for p in one.keys() | other.keys()}
    return {partition: [min(times), max(times)] for partition, times in bounds.items()}


def noted(rows: pa.Table | None, column: str | None) -> dict[str, dict[str, Sequence[int]]]:
    """What the note of a commit says of the events that it brings.

    Args:
        rows: with their provenance; those too that do not become rows of the table, because others are later.
        column: of event times; None if they have none.
    """
    if rows is None or column is None or not rows.num_rows:
        return {}
    times = pa.table({"p": rows["_partition"], "t": rows[column].cast(pa.int64())})
    found = times.group_by("p").aggregate([("t", "min"), ("t", "max")]).sort_by("p").to_pydict()
    bounds = zip(found["p"], found["t_min"], found["t_max"], strict=True)
    return {NOTED: {str(partition): [low, high] for partition, low, high in bounds if low is not None}}


@dataclass(frozen=True, slots=True)
class Brought:
    """What one commit says of the events that it brought.

    Attributes:
        version: that it made.
        made: when, by the clock of whoever made it; None if it says nothing.
        events: records that could become rows; None if the commit does not say.
        written: of these, records that did.
        deletes: records that delete rows.
        times: per partition the earliest and the latest event time; empty without events, or if it does not say.
    """

    version: int
    made: datetime | None
    events: int | None = 0
    written: int = 0
    deletes: int = 0
    times: Mapping[int, tuple[datetime, datetime]] = field(default_factory=dict)

    @classmethod
    def of(cls, version: int, made: datetime | None, note: Mapping[str, Any]) -> "Brought":
        """What the note of a commit says."""
        times = {int(p): (_instant(low), _instant(high)) for p, (low, high) in note.get(NOTED, {}).items()}
        match note.get("kind"):
            case "create" | "claim" | "compact":
                return cls(version, made)
            case "ingest":
                spans = note["partitions"].values()
                events = sum(span["rows"] for span in spans)
                deletes = sum(span.get("deletes", 0) for span in spans)
                return cls(version, made, events, _written(note, events), deletes, times)
            case "replay":
                events = sum(map(len, note["offsets"].values()))
                return cls(version, made, events, _written(note, events), 0, times)
            case "rebuild":
                return cls(version, made, None, times=times)
            case _:
                return cls(version, made, None)

    @property
    def bounds(self) -> tuple[datetime, datetime] | None:
        """The earliest and the latest event time; None if the commit does not say."""
        if not self.times:
            return None
        lows, highs = zip(*self.times.values(), strict=True)
        return min(lows), max(highs)

    def reached(self, partition: int) -> datetime:
        """Up to when it brought events of a partition of which it brought some.

        An event from the future, of a bot whose clock is wrong, says nothing of what is to come before it.
        """
        high = self.times[partition][1]
        return high if self.made is None else min(high, self.made)

    def past(self, needed: datetime) -> frozenset[int]:
        """The partitions of which it brought something later; of the moment itself there may be more to come."""
        return frozenset(partition for partition in self.times if self.reached(partition) > needed)


def _written(note: Mapping[str, Any], events: int) -> int:
    """How many of the events became rows."""
    changes: Mapping[str, int] | None = note.get("upsert")
    return events if changes is None else changes["inserted"] + changes["replaced"]


def _instant(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the latest rows as of an event time are: in a version, and among what some later commits brought."""

    version: int
    more: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Untold:
    """A commit that keeps a question from being answered, and why."""

    commit: Brought
    why: str


def standing(
    moment: datetime, newest: int, commits: Iterable[Brought], settled: Callable[[int], bool]
) -> Standing | Untold:
    """Finds the latest rows as of an event time, in a table that keeps the latest row of each key.

    What was in the table before any later event came is right as it is. Of what came afterwards, events up to the
    moment count too; they are rows somewhere, unless a commit brought several of one key: then only the latest is.

    Args:
        moment: aware.
        newest: version.
        commits: the newest first, as far back as the log tells.
        settled: whether all rows of a version are of the moment or earlier.
    """
    version, more = newest, list[int]()
    for commit in commits:
        if commit.events == 0:
            continue  # tombstones alone count when they came
        if commit.bounds is None:
            return Untold(commit, "does not say which event times it brought")
        low, high = commit.bounds
        if high <= moment and settled(version):
            return Standing(version, tuple(more))
        if low <= moment:
            if commit.deletes:
                return Untold(commit, "brought tombstones, which have no event time")
            if commit.written != commit.events:
                return Untold(commit, "brought several events of a key, of which only the latest became a row")
            more.append(commit.version)
        version = commit.version - 1
    if version <= 0 or settled(version):
        return Standing(version, tuple(more))
    return Untold(Brought(version, None), "is as far back as the log goes, and has later events already")


@dataclass(frozen=True, slots=True)
class Partitions:
    """The partitions that fill a table.

    Attributes:
        quiet: the table has all that the broker had of them when it was asked.
        others: of which only commits tell.
        asked_at: when the broker was.
    """

    quiet: frozenset[int]
    others: frozenset[int]
    asked_at: datetime

    def lacking(self, needed: datetime, commits: Iterable[Brought]) -> frozenset[int]:
        """Those of which nothing tells that all events up to `needed` are in the table.

        Args:
            needed: aware.
            commits: the newest first.
        """
        missing = self.others if self.asked_at > needed else self.others | self.quiet
        for commit in _since(needed, commits):
            if not missing:
                break
            missing -= commit.past(needed)
        return missing

    def complete(self, needed: datetime, commits: Iterable[Brought]) -> int | None:
        """The first version that has all events up to `needed`, of partitions of which none is lacking.

        Args:
            needed: aware.
            commits: the newest first.

        Returns:
            The version; None if nothing has come since.
        """
        since: dict[int, int] = {}
        for commit in _since(needed, commits):
            # Nothing later tells of a quiet partition, so its last commit counts; of others the first that is past it.
            past = commit.past(needed)
            since |= {p: commit.version for p in commit.times if p in past or p not in since}
        return max(since.values(), default=None)

    def until(self, commits: Iterable[Brought]) -> datetime | None:
        """Up to when the table has all events, by the newest commits alone; None if of a partition none tells.

        Args:
            commits: the newest first.
        """
        found: dict[int, datetime] = {}
        for commit in commits:
            if found.keys() >= self.others:
                break
            found = {p: commit.reached(p) for p in commit.times if p in self.others} | found
        if found.keys() < self.others:
            return None
        asked = [self.asked_at] if self.quiet else []
        return min([*found.values(), *asked]) - _TICK


def _since(needed: datetime, commits: Iterable[Brought]) -> Iterator[Brought]:
    """Those of `commits` that can have brought what happened after `needed`."""
    return takewhile(lambda commit: commit.made is None or commit.made + CLOCKS >= needed, commits)
