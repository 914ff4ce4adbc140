"""How far the tables are behind their topics, from the tables' own positions: right whether or not a worker lives."""

from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from headrace.clock import Clock
from headrace.connection import KafkaSettings
from headrace.errors import ConfigError, HeadraceError, PermanentError
from headrace.kafka.reader import TopicReader
from headrace.kafka.topics import TopicClient
from headrace.lake.listing import chosen_tables, refuse_half
from headrace.lake.store import Store
from headrace.offsets import OffsetRange
from headrace.read.commits import CommitLog
from headrace.read.proof.identity import check_topic

_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """One partition of the topic.

    Attributes:
        partition: of the topic.
        position: the next offset to read, by the table; 0 if it records none, as of an added partition.
        low, high: first offset that the topic still has, and the one after its last.
        lag: offsets from the position to `high`.
        gone: of these, offsets that the topic no longer has: a worker stops with exit code 81.
        ahead: offsets from `high` to the position, when the topic was truncated: likewise.
        durable_until: when that was true last of every record: now if all are durable, else the Kafka timestamp of the
            first that is not, None if it bears none.
        freshness_seconds: how long ago that is: 0 if all are durable.
    """

    partition: int
    position: int
    low: int
    high: int
    lag: int
    gone: int
    ahead: int
    durable_until: datetime | None
    freshness_seconds: float | None


@dataclass(frozen=True, slots=True)
class TableLag:
    """One table; where `problem` says why its topic cannot be compared, the numbers are None.

    Attributes:
        table, topic: which one.
        version: of the table.
        lag, gone, ahead: sums over the partitions.
        freshness_seconds: of the partition that is behind longest.
        partitions: all of the topic's.
        problem: one sentence.
        exit_code: of the failure that it tells; 0 without one.
    """

    table: str
    topic: str | None = None
    version: int | None = None
    lag: int | None = None
    gone: int | None = None
    ahead: int | None = None
    freshness_seconds: float | None = None
    partitions: tuple[PartitionLag, ...] = ()
    problem: str | None = None
    exit_code: int = 0


class SourceClients:
    """Connections to the cluster of one topic, kept for as long as somebody asks."""

    def __init__(self, kafka: KafkaSettings, topic: str) -> None:
        self.kafka = kafka
        self.name = topic
        self.topic = TopicClient(kafka, topic)
        self._reader: TopicReader | None = None

    @property
    def reader(self) -> TopicReader:
        """Reads records; a second connection, made only if something is behind."""
        if self._reader is None:
            self._reader = TopicReader(self.kafka, self.name)
        return self._reader

    def close(self) -> None:
        """Closes the connections."""
        self.topic.close()
        if self._reader is not None:
            self._reader.close()


class LagReader:
    """Compares tables with their topics; joins no group.

    Args:
        store: the lake.
        kafka: how to reach the cluster.
        clock: what freshness is told by.
    """

    def __init__(self, store: Store, kafka: KafkaSettings, clock: Clock) -> None:
        self._store = store
        self._kafka = kafka
        self._clock = clock

    def read(self, tables: Collection[str] = ()) -> tuple[TableLag, ...]:
        """Tables of those names, or all; one that cannot be read, or whose topic is missing, hides no other.

        Raises:
            ConfigError: there is no such table, or no broker is named.
            BrokerUnreachableError: no broker answers.
            StoreError: the lake or a position cannot be read.
        """
        return tuple(self._table_or_problem(name) for name in chosen_tables(self._store, tables))

    def _table_or_problem(self, table: str) -> TableLag:
        try:
            refuse_half(self._store, table)
            log = CommitLog(self._store, table)
            topic = log.identity.topic
        except HeadraceError as error:
            return _problem(table, error)
        try:
            with closing(SourceClients(self._kafka, topic)) as clients:
                return compare(log, clients, self._clock)
        except ConfigError:
            raise  # it concerns the cluster, so every table
        except PermanentError as error:
            return _problem(table, error)


def compare(log: CommitLog, clients: SourceClients, clock: Clock) -> TableLag:
    """How far a table is behind its topic.

    Args:
        log: of the table.
        clients: to its topic.
        clock: what freshness is told by.

    Raises:
        TopicRecreatedError: the topic is not the one that the table was filled from.
        TopicMissingError, AccessDeniedError, BrokerUnreachableError: it cannot be asked.
        StoreError: a position cannot be read.
    """
    identity = log.identity
    topic = clients.topic.identity()
    check_topic(topic, identity)
    # Before any question: what is durable of what the answers name is so since then.
    now = clock.now()
    places = [
        _Place(partition, log.position(partition) or 0, clients.topic.watermarks(partition))
        for partition in range(topic.partitions)
    ]
    partitions = tuple(place.lag(_durable_until(clients, place, now), now) for place in places)
    ages = [each.freshness_seconds for each in partitions if each.freshness_seconds is not None]
    return TableLag(
        table=log.table,
        topic=identity.topic,
        version=log.version,
        lag=sum(each.lag for each in partitions),
        gone=sum(each.gone for each in partitions),
        ahead=sum(each.ahead for each in partitions),
        freshness_seconds=max(ages, default=None),
        partitions=partitions,
    )


def _durable_until(clients: SourceClients, place: "_Place", now: datetime) -> datetime | None:
    """When the first record that waits was made; now if none does, or only markers and aborted records do."""
    if not place.waiting:
        return now
    with closing(clients.reader.read(place.partition, place.waiting)) as records:
        first = next(records, None)
    if first is None:
        return now
    made = first.timestamps[0]
    return None if made < 0 else min(now, _EPOCH + timedelta(milliseconds=made))


def _problem(table: str, error: HeadraceError) -> TableLag:
    return TableLag(table, problem=str(error), exit_code=error.exit_code)


@dataclass(frozen=True, slots=True)
class _Place:
    partition: int
    position: int
    kept: OffsetRange

    @property
    def waiting(self) -> OffsetRange:
        """What the topic still has of what is not durable."""
        return OffsetRange(max(self.position, self.kept.start), max(self.position, self.kept.end))

    def lag(self, durable_until: datetime | None, now: datetime) -> PartitionLag:
        low, high = self.kept.start, self.kept.end
        return PartitionLag(
            partition=self.partition,
            position=self.position,
            low=low,
            high=high,
            lag=max(0, high - self.position),
            gone=max(0, low - self.position),
            ahead=max(0, self.position - high),
            durable_until=durable_until,
            freshness_seconds=None if durable_until is None else (now - durable_until).total_seconds(),
        )
