"""Time travel: the last version of each day stays readable when the versions between are gone."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from sys import intern
from urllib.parse import unquote

import pyarrow as pa

from headrace.lake.log import open_table
from headrace.lake.store import Store
from headrace.lake.upkeep.logfiles import LogFiles


def daily_versions(log: LogFiles, now: datetime, span: timedelta) -> tuple[int, ...]:
    """The last version of each UTC day within `span`, the one that stood when it began, and no others; rising. Pure.

    The newest is not among them: nothing of it is deleted anyway. Days are those of the store's clock, by which other
    readers find the version of a moment too.

    Args:
        log: listed.
        now: aware.
        span: how far back.
    """
    last: dict[date, int] = {}
    for version in sorted(log.commits):
        written = log.written(version)
        if version >= log.readable_from:
            last[written.date() if now - written < span else date.min] = version
    return tuple(sorted(set(last.values()) - {max(log.commits, default=0)}))


class VersionFiles:
    """Which data files versions of a table consist of; a version is read once. One thread uses it.

    Args:
        store: where the table lies.
        table: its folder.
    """

    def __init__(self, store: Store, table: str) -> None:
        self._store = store
        self._table = table
        self._known: dict[tuple[int, datetime], frozenset[str]] = {}

    def of(self, log: LogFiles, versions: Iterable[int]) -> frozenset[str]:
        """Paths of all files of those versions; what is known of others is forgotten.

        Args:
            log: as it is now.
            versions: readable ones of it.

        Raises:
            StoreError, AccessDeniedError: one of them cannot be read.
        """
        # With its time: a table that was deleted and made again has the same versions once more.
        wanted = [(version, log.written(version)) for version in versions]
        self._known = {key: self._known[key] if key in self._known else self._read(key[0]) for key in wanted}
        return frozenset().union(*self._known.values())

    def _read(self, version: int) -> frozenset[str]:
        actions = pa.table(open_table(self._store, self._table, version=version).get_add_actions()).to_pydict()
        return frozenset(intern(unquote(path)) for path in actions["path"])
