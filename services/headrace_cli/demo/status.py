"""Where the demo's tables stand, read from the tables themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from headrace.contracts import Contract
from headrace.kafka.topics import TopicClient
from headrace.lake.log import DeltaLog
from headrace.lake.quarantine import count_rows, quarantine_name
from headrace.lake.store import Store
from headrace.lake.tables import exists, positions_of
from headrace_cli.demo.debt import Debt, DebtWatch


@dataclass(frozen=True, slots=True)
class TableStatus:
    """A table at one moment.

    Attributes:
        table: its name.
        ends: per partition the position that the broker gives next.
        positions: per partition the table's own.
        starts: per partition where the table began.
        quarantined: records in its quarantine.
        commits: its version.
        debt: its data files.
    """

    table: str
    ends: Mapping[int, int]
    positions: Mapping[int, int]
    starts: Mapping[int, int]
    quarantined: int
    commits: int
    debt: Debt = field(default_factory=Debt)

    @property
    def records(self) -> int:
        """Records that the topic has had since the table began."""
        return sum(self.ends.values()) - sum(self.starts.values())

    @property
    def durable(self) -> int:
        """Records that are in the table: rows, or of latest rows events that were applied."""
        # Rejects are quarantined before the position moves past them.
        return max(0, sum(self.positions.values()) - sum(self.starts.values()) - self.quarantined)

    @property
    def lag(self) -> int:
        """Records that the broker has and the table does not."""
        return sum(self.ends.values()) - sum(self.positions.values())


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
        self._starts: Mapping[int, int] = dict.fromkeys(self._partitions, 0)
        self._main: DeltaLog | None = None
        self._debt = DebtWatch(store, contract.name)

    def ready(self) -> bool:
        """Whether a worker has created the table."""
        if self._main is None and exists(self._store, self._contract.name):
            self._main = DeltaLog(self._store, self._contract.name)
            self._starts = positions_of(self._main, self._partitions)
        return self._main is not None

    def status(self) -> TableStatus | None:
        """Everything at once; None as long as there is no table."""
        if not self.ready() or self._main is None:
            return None
        ends = {p: self._topic.watermarks(p).end for p in self._partitions}
        quarantined = count_rows(self._store, quarantine_name(self._contract.name))
        return TableStatus(
            table=self._contract.name,
            ends=ends,
            positions=positions_of(self._main, self._partitions),
            starts=self._starts,
            quarantined=quarantined,
            commits=self._main.version,
            debt=self._debt.debt(),
        )
