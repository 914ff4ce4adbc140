"""Where the demo's tables stand, read from the tables themselves."""

from collections.abc import Mapping
from dataclasses import dataclass

from headrace.contracts import Contract
from headrace.kafka.topics import TopicClient
from headrace.lake.log import DeltaLog
from headrace.lake.quarantine import count_rows, quarantine_name
from headrace.lake.store import Store
from headrace.lake.tables import exists, positions_of, source_of


@dataclass(frozen=True, slots=True)
class TableStatus:
    """One line of the demo's table; counts of records.

    `lag` is what the broker has and the table does not; `commits` the table's version.
    """

    table: str
    records: int
    durable: int
    quarantined: int
    lag: int
    commits: int


class TableWatch:
    """Looks at one table beside its workers.

    Args:
        store: the lake.
        contract: of the table.
        topic: asks for the topic's ends.
    """

    def __init__(self, store: Store, contract: Contract, topic: TopicClient) -> None:
        self._store = store
        self._contract = contract
        self._topic = topic
        self._partitions = range(topic.identity().partitions)
        self._starts: Mapping[int, int] = {}
        self._main: DeltaLog | None = None

    def ready(self) -> bool:
        """Whether a worker has created the table."""
        if self._main is None and exists(self._store, self._contract.name):
            self._main = DeltaLog(self._store, self._contract.name)
            self._starts = self.positions()
        return self._main is not None

    def positions(self) -> dict[int, int]:
        """The table's position of every partition."""
        if self._main is None:
            return {}
        return positions_of(self._main, self._partitions)

    def claims(self) -> dict[int, int]:
        """How often each partition has been claimed."""
        quarantine = DeltaLog(self._store, quarantine_name(self._contract.name))
        source = source_of(quarantine)
        return {p: quarantine.txn(source.owner_id(p)) or 0 for p in self._partitions}

    def status(self) -> TableStatus:
        """Everything at once."""
        ends = {p: self._topic.watermarks(p).end for p in self._partitions}
        positions = self.positions()
        begun = sum(self._starts.values())
        quarantined = count_rows(self._store, quarantine_name(self._contract.name))
        passed = sum(positions.values()) - begun
        return TableStatus(
            table=self._contract.name,
            records=sum(ends.values()) - begun,
            durable=max(0, passed - quarantined),
            quarantined=quarantined,
            lag=sum(ends[p] - positions.get(p, 0) for p in self._partitions),
            commits=0 if self._main is None else self._main.version,
        )
