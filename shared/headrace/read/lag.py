"""How far the tables are behind their topics, from the tables' own positions: right whether or not a worker lives."""

from collections.abc import Collection, Iterator, Sequence
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
        freshness_seconds: age of the first record that is not durable; 0 if all are, None if it bears no time.
    """

    partition: int
    position: int
    low: int
    high: int
    lag: int
    gone: int
    ahead: int
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
        except HeadraceError as error:
            return _problem(table, error)
        try:
            return self._table(log)
        except ConfigError:
            raise  # it concerns the cluster, so every table
        except PermanentError as error:
            return _problem(table, error)

    def _table(self, log: CommitLog) -> TableLag:
        identity = log.identity
        with closing(TopicClient(self._kafka, identity.topic)) as client:
            topic = client.identity()
            check_topic(topic, identity)
            places = [
                _Place(partition, log.position(partition) or 0, client.watermarks(partition))
                for partition in range(topic.partitions)
            ]
        partitions = tuple(self._partitions(identity.topic, places))
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

    def _partitions(self, topic: str, places: "Sequence[_Place]") -> Iterator[PartitionLag]:
        """A second connection is made only if something is behind."""
        if not any(place.waiting for place in places):
            yield from (place.lag(0.0) for place in places)
            return
        with closing(TopicReader(self._kafka, topic)) as reader:
            for place in places:
                yield place.lag(self._age(reader, place) if place.waiting else 0.0)

    def _age(self, reader: TopicReader, place: "_Place") -> float | None:
        """Seconds since the first record that waits was made; 0 if only markers and aborted records wait."""
        with closing(reader.read(place.partition, place.waiting)) as records:
            first = next(records, None)
        if first is None:
            return 0.0
        made = first.timestamps[0]
        if made < 0:
            return None
        return max(0.0, (self._clock.now() - _EPOCH - timedelta(milliseconds=made)).total_seconds())


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

    def lag(self, freshness_seconds: float | None) -> PartitionLag:
        low, high = self.kept.start, self.kept.end
        return PartitionLag(
            partition=self.partition,
            position=self.position,
            low=low,
            high=high,
            lag=max(0, high - self.position),
            gone=max(0, low - self.position),
            ahead=max(0, self.position - high),
            freshness_seconds=freshness_seconds,
        )
