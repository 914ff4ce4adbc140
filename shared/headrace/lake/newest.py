"""Tables that are asked for again and again: opened once, and anew only when there is a newer version.

Opening a table costs several times what a small question does; that nothing came since is told by two looks into its
log. Small tables can be kept in memory, too. Nothing is served that is not the newest version at the time of asking.
"""

from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from headrace.errors import HeadraceError
from headrace.lake.log import commit_path
from headrace.lake.resolving import Resolver
from headrace.lake.snapshot import Snapshot
from headrace.lake.store import Store


@dataclass
class _Opened:
    """A table's newest version when somebody asked last, and when its commit was written."""

    lock: Lock = field(default_factory=Lock)
    snapshot: Snapshot | None = None
    written: datetime | None = None


class Newest:
    """The newest versions of the tables of a store. Safe to use from several threads.

    Args:
        store: where the tables lie.
        keep: rows of tables of at most so many bytes are kept in memory.
    """

    def __init__(self, store: Store, *, keep: int = 0) -> None:
        self._store = store
        self._keep = keep
        self._lock = Lock()
        self._opened: dict[str, _Opened] = {}

    def snapshot(self, table: str) -> Snapshot:
        """The newest version that there is now.

        Raises:
            ConfigError: there is no such table.
            StoreError, AccessDeniedError: the lake cannot be read.
        """
        with self._lock:
            opened = self._opened.setdefault(table, _Opened())
        # One thread opens it, the others that found it outdated wait for that.
        with opened.lock:
            known = opened.snapshot
            if known is None or opened.written is None or not self._is_newest(known, opened.written):
                opened.snapshot = None
                known = self._open(table)
                opened.snapshot, opened.written = known, self._written(known)
            return known

    def _open(self, table: str) -> Snapshot:
        found = Resolver(self._store, table).resolve(None)
        if self._keep and found.size <= self._keep:
            found.keep()
        return found

    def _is_newest(self, known: Snapshot, written: datetime) -> bool:
        """Whether nothing came after it, and its own commit is there: the log may have been cut, or begun anew."""
        later = self._store.size(commit_path(known.table, known.version + 1))
        return later is None and self._written(known) == written

    def _written(self, known: Snapshot) -> datetime | None:
        try:
            return self._store.modified(commit_path(known.table, known.version))
        except HeadraceError:
            return None
