"""Data files of a table that no commit names yet: what a worker has written and not committed."""

from headrace.lake.log import DeltaLog, commit_path
from headrace.lake.store import Store

# Two workers make about two commits a second, and a file is committed or given up within a few.
_RECENT_COMMITS = 20


class DataFiles:
    """Looks into the folder of one table that exists.

    Args:
        store: the lake.
        table: its name.
    """

    def __init__(self, store: Store, table: str) -> None:
        self._store = store
        self._table = table

    def all(self) -> frozenset[str]:
        """Every data file in the folder, committed or not."""
        paths = self._store.sizes(self._table)
        return frozenset(path for path in paths if path.endswith(".parquet") and not path.startswith("_delta_log/"))

    def uncommitted(self, files: frozenset[str]) -> frozenset[str]:
        """Those of `files`, all of them new, that no commit names."""
        newest = DeltaLog(self._store, self._table).version
        versions = range(max(0, newest - _RECENT_COMMITS), newest + 1)
        commits = [self._store.read(commit_path(self._table, version)) for version in versions]
        return frozenset(file for file in files if not any(file.encode() in commit for commit in commits))
