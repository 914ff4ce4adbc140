"""How far tables are behind their topics, as `headrace lag` tells it, again and again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from headrace.clock import Clock
from headrace.connection import KafkaSettings
from headrace.errors import BrokerUnreachableError, TopicMissingError, TopicRecreatedError
from headrace.lake.listing import refuse_half
from headrace.lake.store import Store
from headrace.metrics import tables
from headrace.metrics.recorder import Sample
from headrace.read.commits import CommitLog
from headrace.read.lag import PartitionLag, SourceClients, TableLag, compare
from headrace_exporter.board import Board


@dataclass(frozen=True)
class Ends:
    """What is compared.

    Attributes:
        store: where the tables lie.
        kafka: how to reach their topics.
        partition_detail: whether each partition has series of its own.
    """

    store: Store
    kafka: KafkaSettings
    partition_detail: bool


class SourceLooker:
    """Asks the cluster about every table again and again; connections are kept. One thread uses it.

    Args:
        ends: what is compared.
        names: asked at every round for the tables, quarantines left out.
        board: shows what is found.
        clock: time.
    """

    def __init__(self, ends: Ends, names: Callable[[], Sequence[str]], board: Board, clock: Clock) -> None:
        self._ends = ends
        self._names = names
        self._board = board
        self._clock = clock
        self._clients: dict[str, SourceClients] = {}

    def turn(self, stopping: Callable[[], bool]) -> None:
        """Asks about each table once; when no broker answers, about none of the others.

        Args:
            stopping: asked between two tables whether to end.
        """
        away: BrokerUnreachableError | None = None
        for name in self._names():
            if stopping():
                return
            with self._board.look(name, "source"):
                if away is not None:
                    raise away
                try:
                    self._board.put(name, "source", list(lag_samples(self._look(name), self._ends.partition_detail)))
                except BrokerUnreachableError as error:
                    away = error
                    raise
                except (TopicMissingError, TopicRecreatedError):
                    self._board.put(name, "source", ())
                    raise

    def _look(self, name: str) -> TableLag:
        refuse_half(self._ends.store, name)
        log = CommitLog(self._ends.store, name)
        topic = log.identity.topic
        if topic not in self._clients:
            self._clients[topic] = SourceClients(self._ends.kafka, topic)
        return compare(log, self._clients[topic], self._clock)

    def close(self) -> None:
        """Closes the connections; the last call."""
        for clients in self._clients.values():
            clients.close()
        self._clients.clear()


def lag_samples(found: TableLag, partition_detail: bool) -> Iterator[Sample]:
    """Series of one table: of each partition of its topic, or of the topic as a whole."""
    where = {"table": found.table, "topic": str(found.topic)}
    groups = [({"partition": str(each.partition)}, [each]) for each in found.partitions]
    for labels, each in groups if partition_detail else [({}, list(found.partitions))]:
        yield from _samples(where | labels, each)


def _samples(labels: dict[str, str], partitions: Sequence[PartitionLag]) -> Iterator[Sample]:
    yield Sample(tables.SOURCE_LAG, sum(each.lag for each in partitions), labels)
    yield Sample(tables.SOURCE_GONE, sum(each.gone for each in partitions), labels)
    known = [each.durable_until.timestamp() for each in partitions if each.durable_until is not None]
    if known:
        yield Sample(tables.SOURCE_WATERMARK, min(known), labels)
