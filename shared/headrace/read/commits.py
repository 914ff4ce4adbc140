"""Single commits of a table, wherever in its log: none is read that was not asked for, so a long log costs nothing."""

from collections.abc import Iterator
from functools import cached_property

from headrace.errors import WrongTableError
from headrace.lake.listing import no_table
from headrace.lake.log import DeltaLog, commit_path
from headrace.lake.retention import Retention, retention_of
from headrace.lake.store import Store
from headrace.lake.tables import refuse_file
from headrace.read.proof.actions import Commit, parse_commit
from headrace.read.proof.findings import UnsupportedTableError
from headrace.read.proof.identity import TableIdentity, identify


class CommitLog:
    """The log of one table, up to the version that was the newest when it was opened.

    Args:
        store: the lake.
        table: folder of the table below the lake's root.

    Raises:
        NoTableError: there is no such table.
        WrongTableError: a file lies there.
        StoreError, AccessDeniedError: it cannot be read.
    """

    def __init__(self, store: Store, table: str) -> None:
        refuse_file(store, table)
        try:
            self._log = DeltaLog(store, table)
        except FileNotFoundError:
            raise no_table(store, table) from None
        self.store = store
        self.table = table
        self.version = self._log.version

    @property
    def id(self) -> str:
        """The table's own id, given at creation."""
        return self._log.id

    @cached_property
    def identity(self) -> TableIdentity:
        """What the table says it is filled from.

        Raises:
            WrongTableError: no worker fills it.
        """
        try:
            return identify(self._log.properties)
        except UnsupportedTableError:
            msg = f"no worker of Headrace fills {self.store.uri(self.table)}: its rows have no offsets of a topic"
            raise WrongTableError(msg) from None

    @property
    def retention(self) -> Retention:
        """How long it keeps what its newest version does not need.

        Raises:
            WrongTableError: a property says so in words that nobody understands.
        """
        return retention_of(self._log.properties, self.store.uri(self.table))

    def position(self, partition: int) -> int | None:
        """Next offset to read of a partition; None if the table records none."""
        return self._log.txn(self.identity.source.app_id(partition))

    @property
    def masks_rows(self) -> bool:
        """Whether a row that a file holds may be deleted all the same."""
        return self._log.masks_rows

    @property
    def has_replays(self) -> bool:
        """Whether a replay has ever brought records home from the quarantine."""
        return self._log.txn(self.identity.source.replay_id) is not None

    def commit(self, version: int) -> Commit | None:
        """One commit; None if the log does not retain it.

        Raises:
            LogDamagedError: it is torn.
            StoreError, AccessDeniedError: it cannot be read.
        """
        try:
            content = self.store.read(commit_path(self.table, version))
        except FileNotFoundError:
            return None
        return parse_commit(version, content)

    def newest_first(self) -> Iterator[Commit]:
        """The retained commits from the newest one back."""
        for version in range(self.version, -1, -1):
            commit = self.commit(version)
            if commit is None:
                return
            yield commit

    def passing(self, partition: int, offset: int) -> Commit | None:
        """The first retained commit after which the position of a partition is past `offset`.

        The position is past it now. It only grows, so the log is halved again and again. Commits that do not tell the
        position say nothing: the nearest one before the middle that does is looked for, and none is read twice.
        """
        app_id = self.identity.source.app_id(partition)
        before, after = -1, self.version + 1
        found: Commit | None = None
        while after - before > 1:
            middle = (before + after) // 2
            commit = self._telling(app_id, middle, before)
            if commit is not None and commit.txns[app_id] > offset:
                after, found = commit.version, commit
            else:
                before = middle
        return found

    def _telling(self, app_id: str, newest: int, beyond: int) -> Commit | None:
        """The newest retained commit of `beyond` < version <= `newest` that tells the position of `app_id`."""
        for version in range(newest, beyond, -1):
            commit = self.commit(version)
            if commit is None or app_id in commit.txns:
                return commit
        return None
