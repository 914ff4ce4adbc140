"""`Repository`: a table by the contract of its events; every query is a polars LazyFrame over one version of it."""

from collections.abc import Iterable
from copy import copy
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Generic, Self, TypeVar

import polars as pl
import pyarrow as pa

from headrace.clock import SystemClock
from headrace.contracts import Event, contract_of
from headrace.errors import ConfigError
from headrace.lake import AsOf, Lake, Snapshot
from headrace.lake.as_of import aware
from headrace.lake.frames import telling
from headrace.read.conformance import conforming
from headrace.read.rows import arrow_of, check_fields, equal, events_of, latest_of

if TYPE_CHECKING:
    from headrace.producer import EventProducer
    from headrace.read.appending import Appended

E = TypeVar("E", bound=Event)


class Repository(Generic[E]):
    """The table of one kind of events.

        lake = Lake("/data/lake")
        fills = Repository(lake, Fill)
        fills.rows().filter(pl.col("symbol") == "SPY").collect()
        fills.events(fills.last(7))

    Queries are lazy: what is filtered afterwards, with polars, decides which files are opened. Each asks for the newest
    version; a repository that `at` gives answers all of its queries from one.

    Args:
        lake: where the table lies.
        event: the class of its events, built in or your own.

    Raises:
        ContractError: the class has no topic.
    """

    def __init__(self, lake: Lake, event: type[E]) -> None:
        self.event = event
        """The class of the events."""
        self.contract = contract_of(event)
        """What the class says of itself."""
        self.lake = lake
        """Where its table lies."""
        self._pinned: Snapshot | None = None

    def __repr__(self) -> str:
        own = type(self).__name__
        event = f", {self.event.__name__}" if type(self) is Repository else ""
        pinned = "" if self._pinned is None else f" at version {self._pinned.version}"
        return f"{own}({self.lake!r}{event}){pinned}"

    @property
    def table(self) -> str:
        """Name of the table."""
        return self.contract.name

    @property
    def natural_key(self) -> tuple[str, ...]:
        """Fields that say which events are about the same thing; none where the contract does not tell."""
        named = () if self.contract.event_id is None else (self.contract.event_id,)
        return self.contract.table.key or named

    def at(self, as_of: AsOf | Snapshot = None) -> Self:
        """The same repository at one version, now and later: several queries that agree with each other.

        Args:
            as_of: a version, an aware datetime for a commit time, a position, an event time, a snapshot that
                `Lake.consistent_at` gave, or None for the newest version there is now.

        Raises:
            HeadraceError: as `Lake.snapshot`.
        """
        pinned = copy(self)
        pinned._pinned = as_of if isinstance(as_of, Snapshot) else self.lake.snapshot(self.table, as_of)
        return pinned

    def snapshot(self) -> Snapshot:
        """The version that a query reads now.

        Raises:
            HeadraceError: as `Lake.snapshot`.
        """
        return self._pinned or self.lake.snapshot(self.table)

    def get_version(self) -> int:
        """Its number.

        Raises:
            HeadraceError: as `Lake.snapshot`.
        """
        return self.snapshot().version

    def rows(self) -> pl.LazyFrame:
        """All rows: the contract's fields, what the table has beside them, and where each row came from.

        Raises:
            WrongTableError: the table is not one of this contract.
            HeadraceError: as `Lake.snapshot`.
        """
        snapshot = self.snapshot()
        return conforming(snapshot.frame(), self.contract, snapshot.table)

    def latest(self, *by: str, rows: pl.LazyFrame | None = None) -> pl.LazyFrame:
        """Of each value of `by` the row that is latest, by event time and then by when the record came.

        Args:
            by: fields; without any the natural key.
            rows: those to choose from; all by default.

        Raises:
            ConfigError: no field is named and there is no natural key, or a field is not in the contract.
            HeadraceError: as `rows`.
        """
        key = by or self.natural_key
        if not key:
            msg = f"{self.event.__name__} has no natural key: name fields, as in latest({self.contract.key!r})"
            raise ConfigError(msg)
        check_fields(self.contract, key)
        return latest_of(self.rows() if rows is None else rows, self.contract, key)

    def get(self, **values: object) -> E | None:
        """The latest event whose fields have these values; None if there is none.

        Raises:
            ConfigError: no value is given, a field is not in the contract, or cannot have that value.
            WrongTableError: the row is no event of the contract.
            HeadraceError: as `rows`.
        """
        if not values:
            msg = f"{self.table}: name a field, as in get({self.contract.key}=...)"
            raise ConfigError(msg)
        chosen = self.rows().filter(equal(self.contract, values))
        found = latest_of(chosen, self.contract, list(values))
        return next(iter(self.events(found)), None)

    def between(self, begin: datetime, end: datetime | None = None) -> pl.LazyFrame:
        """Rows of events that happened from `begin` on and before `end`; without `end` all since.

        Raises:
            ConfigError: a time has no offset, or the events have no time.
            HeadraceError: as `rows`.
        """
        time = self.contract.event_time
        if time is None:
            msg = f"{self.event.__name__} does not say when its events happened: add `timestamp: UtcTimestamp`"
            raise ConfigError(msg)
        begin, end = aware(begin), None if end is None else aware(end)
        since = self.rows().filter(pl.col(time) >= begin)
        return since if end is None else since.filter(pl.col(time) < end)

    def last(self, days: float, *, until: datetime | None = None) -> pl.LazyFrame:
        """Rows of events of the last so many days of 24 hours, up to now or to `until`, which is not included.

        Raises:
            ConfigError: as `between`.
            HeadraceError: as `rows`.
        """
        end = until or SystemClock().now()
        return self.between(end - timedelta(days=days), end)

    def events(self, rows: pl.LazyFrame | pl.DataFrame) -> list[E]:
        """The rows as events, each validated.

        Raises:
            ConfigError: a column of the contract is missing.
            WrongTableError: a row is no event of the contract as it is now.
            TableDamagedError: a file is not what the log says it is.
            StoreError, AccessDeniedError: a file cannot be read.
        """
        return events_of(self.event, self.contract, self._collected(rows))

    def arrow(self, rows: pl.LazyFrame | pl.DataFrame) -> pa.Table:
        """The rows in Arrow, with the column types of the contract.

        Raises:
            TableDamagedError: a file is not what the log says it is.
            StoreError, AccessDeniedError: a file cannot be read.
        """
        return arrow_of(self.contract, self._collected(rows))

    def _collected(self, rows: pl.LazyFrame | pl.DataFrame) -> pl.DataFrame:
        if isinstance(rows, pl.DataFrame):
            return rows
        with telling(lambda: [self.snapshot()]):
            return rows.collect()

    def append(
        self, events: Iterable[E], producer: "EventProducer | None" = None, *, seconds: float = 30.0
    ) -> "Appended":
        """Sends events to the contract's topic and waits until the broker has them; a worker makes them rows.

        Args:
            events: to send.
            producer: that sends them and stays open; by default one of the cluster that the environment names.
            seconds: to wait for the acknowledgements.

        Raises:
            DeliveryError: some were not acknowledged.
            HeadraceError: as `EventProducer.emit` and `EventProducer.flush`.
        """
        from headrace.read.appending import send  # noqa: PLC0415  # whoever only reads needs no Kafka client

        return send(events, producer, seconds=seconds)
