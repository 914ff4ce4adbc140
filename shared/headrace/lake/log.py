"""One handle on a Delta log: what it says of positions, and commits fenced by what it said.

Delta stores a txn version but does not compare it. A commit is refused only if another commit with one of its
`appId`s landed after the snapshot of the handle it is made with. So whoever checks a position and then commits must
do both on one handle, and must never commit through a URI.
"""

import json
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction

from headrace.errors import WrongTableError
from headrace.lake.datafile import DataFile
from headrace.lake.failures import said, store_failure
from headrace.lake.log_damage import actions_in, damaged_log, reading_failure, torn
from headrace.lake.protocols import demands, refuse_raised
from headrace.lake.store import Store

NOTE = "headrace"
"""Key of the object in commitInfo that says what a commit holds."""

Note = dict[str, Any]
"""That object."""

_EPOCH = datetime.fromtimestamp(0, UTC)

_UNKNOWN = "Kernel error: Unsupported"

# A bound on what a handle gathers while it lives; it is the checkpoints that keep commits cheap (decision 0007).
_COMMITS_PER_HANDLE = 50

# Checkpoints and clean-up on the commit path would turn a durable commit into an error when they fail.
_NO_HOOKS = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)


class DeltaLog:
    """A handle on one table's log, without its file list. One thread uses it at a time."""

    def __init__(self, store: Store, table: str) -> None:
        self.store = store
        self.table = table
        self._commits = 0
        self._handle = open_table(store, table, without_files=True)
        # Whoever makes a version makes durable what it rests on, so only the newest can be in doubt.
        self._durable = self.version - 1
        self.schema = self._handle.schema()
        self.partition_by = self._handle.metadata().partition_columns

    @property
    def version(self) -> int:
        """Version of the snapshot that this handle holds."""
        return self._handle.version()

    @property
    def id(self) -> str:
        """The table's own id, given at creation."""
        return str(self._handle.metadata().id)

    @property
    def properties(self) -> Mapping[str, str]:
        """Table properties in this handle's snapshot."""
        return {key: value for key, value in self._handle.metadata().configuration.items() if value is not None}

    @property
    def masks_rows(self) -> bool:
        """Whether files may hold rows that deletion vectors take from the table."""
        return "deletionVectors" in (self._handle.protocol().reader_features or ())

    @property
    def demands(self) -> tuple[str, ...]:
        """What its protocol asks of a writer beyond the second version, which is the last without named features."""
        return demands(self._handle)

    def txn(self, app_id: str) -> int | None:
        """The txn version of `app_id` in this handle's snapshot."""
        return self._handle.transaction_version(app_id)

    def refresh(self) -> None:
        """Moves the snapshot to the newest version.

        Raises:
            TableDamagedError: a commit is missing or torn.
            StoreError, AccessDeniedError: the log cannot be read.
        """
        if self._commits >= _COMMITS_PER_HANDLE:
            self._handle = open_table(self.store, self.table, without_files=True)
            self._commits = 0
            return
        try:
            self._handle.update_incremental()
        except (DeltaError, OSError) as error:
            doing = f"reading the log of {self.store.uri(self.table)}"
            raise reading_failure(self.store, self.table, error, doing=doing) from error

    def commit(self, files: Sequence[DataFile], txns: Mapping[str, int], note: Mapping[str, object]) -> int:
        """Commits `files` and `txns` together; refused if any of `txns` was committed since this snapshot.

        The snapshot is then the newest. The commit is durable, and so is every one before it: a writer that died may
        have left one that power loss would take from under this one.

        Args:
            files: durable data files; may be none.
            txns: `appId` to txn version.
            note: goes into commitInfo; its `batch` tells this commit from all others.

        Returns:
            The version that was made.

        Raises:
            WrongTableError: another tool has changed what a commit must hold; nothing was committed.
            Exception: any other exception leaves open whether the commit landed.
        """
        refuse_raised(self._handle, self.store.uri(self.table))
        self._make_durable(self.version)
        self._handle.create_write_transaction(
            [_add_action(file) for file in files],
            "append",
            self.schema,
            self.partition_by,
            commit_properties=CommitProperties(
                custom_metadata={NOTE: note},
                app_transactions=[Transaction(app_id, version) for app_id, version in txns.items()],
            ),
            post_commithook_properties=_NO_HOOKS,
        )
        before = self.version
        self._commits += 1
        self.refresh()
        made = self.find(str(note["batch"]), before)
        if made is None:
            msg = f"the commit of batch {note['batch']} is not in the log of {self.table} after version {before}"
            raise WrongTableError(msg)
        self._make_durable(made)
        return made

    def commit_next(
        self,
        actions: Iterable[Mapping[str, object]],
        txns: Mapping[str, int],
        note: Mapping[str, object],
        *,
        operation: str = "MERGE",
    ) -> int:
        """Commits `actions` and `txns` as the version right after this snapshot; refused if anybody has made it.

        Whatever was asked of the snapshot is then still so when the commit lands. It is durable like every commit.

        Args:
            actions: of the Delta protocol, on durable files.
            txns: `appId` to txn version.
            note: goes into commitInfo; its `batch` tells this commit from all others.
            operation: Delta's word for what is done.

        Returns:
            The version that was made.

        Raises:
            CommitFailedError: somebody else made that version.
            Exception: any other exception leaves open whether the commit landed.
        """
        self._make_durable(self.version)
        made = self.version + 1
        info = {"timestamp": time.time_ns() // 1_000_000, "operation": operation, "operationParameters": {}, NOTE: note}
        moved = [{"txn": {"appId": app_id, "version": version}} for app_id, version in txns.items()]
        lines = [json.dumps(action, separators=(",", ":")) for action in ({"commitInfo": info}, *moved, *actions)]
        if not self.store.create(commit_path(self.table, made), "".join(f"{line}\n" for line in lines).encode()):
            msg = f"version {made} of {self.table} was made by somebody else"
            raise CommitFailedError(msg)
        self._durable = made
        self._commits += 1
        self.refresh()
        return made

    def _make_durable(self, version: int) -> None:
        """Every commit up to `version`, the oldest first."""
        while self._durable < version:
            self.store.sync(commit_path(self.table, self._durable + 1))
            self._durable += 1

    def commit_claim(self, txns: Mapping[str, int], worker: str | None = None) -> int:
        """Commits `txns` without files, to say who owns what; refused like any other commit. Returns the version."""
        return self.commit([], txns, {"kind": "claim", "batch": uuid.uuid4().hex, "worker": worker})

    def find(self, batch: str, after: int) -> int | None:
        """The version, above `after` and up to this snapshot's, whose note names `batch`."""
        for version in range(self.version, after, -1):
            if note_of(self.store, self.table, version).get("batch") == batch:
                return version
        return None

    def landed(self, batch: str, after: int) -> int | None:
        """Likewise, after a commit whose outcome is not known; the version is durable.

        Raises:
            StoreError, AccessDeniedError: the log cannot be read.
        """
        found = self.find(batch, after)
        if found is not None:
            self.store.sync(commit_path(self.table, found))
        return found

    def checkpoint(self) -> None:
        """Writes a checkpoint of this snapshot and makes it and its hint durable."""
        self._make_durable(self.version)
        try:
            self._handle.create_checkpoint()
            self.store.sync(f"{self.table}/_delta_log/{self.version:020d}.checkpoint.parquet")
            self.store.sync(f"{self.table}/_delta_log/_last_checkpoint")
        except (DeltaError, OSError) as error:
            raise store_failure(error, f"writing a checkpoint of {self.store.uri(self.table)}") from error


def open_table(store: Store, table: str, *, without_files: bool = False, version: int | None = None) -> DeltaTable:
    """Opens the newest version, or that one.

    Raises:
        FileNotFoundError: no table is there.
        WrongTableError: another tool gave it a version or a feature that the library does not know.
        TableDamagedError: a commit is missing or torn.
        StoreError, AccessDeniedError: it cannot be read.
    """
    try:
        return DeltaTable(store.uri(table), version=version, without_files=without_files)
    except TableNotFoundError:
        raise FileNotFoundError(store.uri(table)) from None
    except (DeltaError, OSError) as error:
        if _UNKNOWN in str(error):
            what = said(error).partition("Unsupported: ")[2]
            msg = f"{store.uri(table)} was given what Headrace does not know by another tool, it is left alone: {what}"
            raise WrongTableError(msg) from error
        raise reading_failure(store, table, error, doing=f"opening {store.uri(table)}", version=version) from error


def commit_info(store: Store, table: str, version: int) -> Mapping[str, Any] | None:
    """The commitInfo of `version`, empty if it has none; None if the commit is no longer there.

    Raises:
        TableDamagedError: it is torn.
        StoreError, AccessDeniedError: it cannot be read.
    """
    try:
        commit = store.read(commit_path(table, version))
    except FileNotFoundError:
        return None
    actions, line = actions_in(commit)
    if line is not None:
        raise damaged_log(store, table, torn(version, line))
    return next((action["commitInfo"] for action in actions if action.get("commitInfo") is not None), {})


def note_of(store: Store, table: str, version: int) -> Note:
    """What commit `version` says of itself; empty if it was not made by Headrace or is no longer there."""
    return (commit_info(store, table, version) or {}).get(NOTE) or {}


def committed_at(store: Store, table: str, version: int) -> datetime | None:
    """When `version` was made, by the clock of whoever made it; None if the log does not tell, or no longer.

    The time is part of the commit. That of its file would be another in every copy of the table.

    Raises:
        StoreError, AccessDeniedError: it cannot be read.
    """
    return time_in(commit_info(store, table, version) or {})


def time_in(info: Mapping[str, Any]) -> datetime | None:
    """When the commit of that commitInfo was made, if it says so."""
    # Tables of other tools may have a time that is made to rise with the version; it is then the one that counts.
    millis = info.get("inCommitTimestamp", info.get("timestamp"))
    return None if millis is None else _EPOCH + timedelta(milliseconds=millis)


def notes(store: Store, table: str, newest: int) -> Iterator[tuple[int, Note]]:
    """What commits say of themselves, from version `newest` back as far as every commit is retained."""
    retained = store.sizes(f"{table}/_delta_log")
    for version in range(newest, -1, -1):
        if f"{version:020d}.json" not in retained:
            return
        yield version, note_of(store, table, version)


def commit_path(table: str, version: int) -> str:
    """Path of a commit below the store's root."""
    return f"{table}/_delta_log/{version:020d}.json"


def _add_action(file: DataFile) -> AddAction:
    return AddAction(file.path, file.size, file.partition_values, file.modified_ms, True, file.stats)
