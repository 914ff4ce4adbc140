"""What a report about the data of a table says."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import polars as pl

from headrace.offsets import Address

AHEAD = timedelta(minutes=1)
"""Clocks of bots and brokers may differ by so much."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a report is about.

    Attributes:
        since, until: aware; only rows that landed, and records that were refused, at or after the one and before the
            other.
        by: length of the windows that are told apart; UTC.
        late_after: a row is late whose event is older than that when it lands.
        key: columns that name an event; by default the contract's.
    """

    since: datetime | None = None
    until: datetime | None = None
    by: Literal["hour", "day"] = "day"
    late_after: timedelta = timedelta(hours=1)
    key: tuple[str, ...] = ()

    def holds(self, column: str) -> list[pl.Expr]:
        """What is so of a time within it."""
        bounds = []
        if self.since is not None:
            bounds.append(pl.col(column) >= self.since.astimezone(UTC))
        if self.until is not None:
            bounds.append(pl.col(column) < self.until.astimezone(UTC))
        return bounds

    def window(self, column: str) -> pl.Expr:
        """The beginning of the window that a time falls into."""
        return pl.col(column).dt.truncate("1h" if self.by == "hour" else "1d").alias("start")


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What one column holds; lists and objects have no order, and nothing is lowest of no values.

    Attributes:
        column, type: which one.
        nulls: rows without a value.
        lowest, highest: of its values; of texts the beginning.
    """

    column: str
    type: str
    nulls: int
    lowest: object
    highest: object


@dataclass(frozen=True, slots=True)
class Rejects:
    """Records that were refused for one reason, because of one field.

    Attributes:
        reason: from the closed list.
        field: the first one that was wrong; None where the record as a whole is.
        records: how many.
        resolved: of these, those that a replay brought home.
        first_at, last_at: when they were refused.
        partition, offset: of the last one.
        detail: of the last one.
    """

    reason: str
    field: str | None
    records: int
    resolved: int
    first_at: datetime
    last_at: datetime
    partition: int
    offset: int
    detail: str


@dataclass(frozen=True, slots=True)
class Timeliness:
    """How event times stand to the times of records and of their landing.

    Attributes:
        late: rows that landed late.
        sent_late: of these, those whose record was late already: it was the sender, not the way here.
        older_day: of the late rows, those that landed on a later UTC day than that of their event.
        ahead: rows whose event is more than a minute later than its record: a clock is wrong.
        most_seconds: the longest that a row took from its event to its landing; None of no rows.
    """

    late: int
    sent_late: int
    older_day: int
    ahead: int
    most_seconds: float | None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An event that is there more than once.

    Attributes:
        key: what names it, by column.
        records: partition and offset of each, the first one that landed first.
    """

    key: Mapping[str, object]
    records: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Rows of an event that was there already.

    Attributes:
        key: columns that name an event.
        keys: events that are there more than once.
        rows: rows beyond the first of each.
        examples: some of them.
    """

    key: tuple[str, ...]
    keys: int
    rows: int
    examples: tuple[Duplicate, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """What landed and what was refused in a time.

    Attributes:
        start: UTC.
        rows: that landed.
        rejects: records that were refused.
        late, older_day, ahead: as of the whole.
        duplicates: rows of events that were there already.
    """

    start: datetime
    rows: int = 0
    rejects: int = 0
    late: int = 0
    older_day: int = 0
    ahead: int = 0
    duplicates: int = 0


@dataclass(frozen=True, slots=True)
class QualityReport:
    """How good the data of one table is.

    Attributes:
        table, version: what was looked at.
        since, until, by, late_after_seconds: what was asked for.
        rows: that landed within it.
        rejected: records that were refused within it.
        resolved: of these, those that a replay brought home.
        columns: in the order of the table.
        rejects: the most frequent first, at most a hundred.
        timeliness: None where the contract names no event time.
        duplicates: None where nothing names an event.
        windows: those with anything in them, rising.
    """

    table: str
    version: int
    since: datetime | None
    until: datetime | None
    by: str
    late_after_seconds: float
    rows: int
    rejected: int
    resolved: int
    columns: tuple[ColumnProfile, ...]
    rejects: tuple[Rejects, ...]
    timeliness: Timeliness | None
    duplicates: Duplicates | None
    windows: tuple[Window, ...]
