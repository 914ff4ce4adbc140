"""The two tables that a worker writes to, opened."""

from dataclasses import dataclass

from headrace.lake.log import DeltaLog
from headrace.lake.quarantine import quarantine_name
from headrace.lake.store import Store


@dataclass(frozen=True, slots=True)
class TablePair:
    """A handle on the main table and one on its quarantine. One thread uses them at a time."""

    main: DeltaLog
    quarantine: DeltaLog

    @classmethod
    def open(cls, store: Store, table: str) -> "TablePair":
        """The newest versions of `table` and its quarantine.

        Raises:
            FileNotFoundError: one of them is not there.
            WrongTableError: another tool gave one of them a feature that the library does not know.
            TableDamagedError: a commit is missing or torn.
            StoreError, AccessDeniedError: one of them cannot be read.
        """
        return cls(DeltaLog(store, table), DeltaLog(store, quarantine_name(table)))
