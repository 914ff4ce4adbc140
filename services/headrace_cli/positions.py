"""Positions of many tables at once, as bots ask for them that must not run ahead of the workers."""

from collections.abc import Collection, Iterable

from headrace.contracts import Contract
from headrace.lake.log import DeltaLog
from headrace.lake.store import Store
from headrace.lake.tables import exists, positions_of
from headrace_bots.pacing import TopicPartition


class LakePositions:
    """Reads every table's positions from its txns. One thread uses it.

    Args:
        store: the lake.
        contracts: of the tables; one that does not exist yet has no positions.
    """

    def __init__(self, store: Store, contracts: Iterable[Contract]) -> None:
        self._store = store
        self._waiting = {contract.name: contract.topic for contract in contracts}
        self._logs: dict[str, DeltaLog] = {}

    def __call__(self, places: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """Next durable offset of those of `places` whose table exists."""
        for table in [table for table in self._waiting if exists(self._store, table)]:
            self._logs[self._waiting.pop(table)] = DeltaLog(self._store, table)
        return {
            (topic, partition): position
            for topic, log in self._logs.items()
            for partition, position in positions_of(log, [p for t, p in places if t == topic]).items()
        }
