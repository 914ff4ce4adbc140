"""Positions of many tables at once, as bots ask for them that must not run ahead of the workers."""

from collections.abc import Iterable

from headrace.contracts import Contract
from headrace.lake.log import DeltaLog
from headrace.lake.store import Store
from headrace.lake.tables import PARTITIONS, exists, source_of


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

    def __call__(self) -> dict[tuple[str, int], int]:
        """Next durable offset by topic and partition."""
        for table in [table for table in self._waiting if exists(self._store, table)]:
            self._logs[self._waiting.pop(table)] = DeltaLog(self._store, table)
        found: dict[tuple[str, int], int] = {}
        for topic, log in self._logs.items():
            log.refresh()
            source = source_of(log)
            for partition in range(int(log.properties[PARTITIONS])):
                found[topic, partition] = log.txn(source.app_id(partition)) or 0
        return found
