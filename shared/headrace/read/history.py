"""What each commit of a table did: who made it, when, and which records it brought."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import islice
from typing import Literal

from headrace.errors import ConfigError
from headrace.lake.store import Store
from headrace.offsets import partition_of
from headrace.read.commits import CommitLog
from headrace.read.proof.actions import Commit, Span


@dataclass(frozen=True, slots=True)
class CommittedRange:
    """The offsets `start <= o < end` of one partition that a commit accounts for.

    Each of them is one of `rows`, `deletes` (tombstones that tables of latest rows obey), `rejects` (in the quarantine)
    or `gaps` (no such record in the topic).
    """

    partition: int
    start: int
    end: int
    rows: int
    rejects: int
    gaps: int
    deletes: int = 0

    @classmethod
    def of(cls, partition: int, span: Span) -> "CommittedRange":
        """The range that a commit notes."""
        return cls(partition, span.start, span.end, span.rows, span.rejects, span.gap_records, span.deletes)


@dataclass(frozen=True, slots=True)
class ReplayedRecords:
    """Offsets of one partition that a replay brought home from the quarantine."""

    partition: int
    offsets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class KeyChanges:
    """What a commit to a table of latest rows did, in keys.

    Attributes:
        inserted: that had no row.
        replaced: whose row gave way to a later one.
        outdated: whose row is later than all that came.
        removed: whose row a tombstone took.
    """

    inserted: int
    replaced: int
    outdated: int
    removed: int

    @classmethod
    def of(cls, noted: Mapping[str, int]) -> "KeyChanges":
        """What the commit notes."""
        return cls(*(int(noted.get(field.name, 0)) for field in fields(cls)))


@dataclass(frozen=True, slots=True)
class CommitEntry:
    """One commit.

    Attributes:
        version: that it made.
        committed_at: by the clock of whoever made it; None if it says nothing.
        kind: of a commit of Headrace: `create`, `claim`, `ingest`, `replay`, `rebuild`, `compact` or `rewind`, in a
            quarantine also `quarantine` and `resolve`; None of others.
        operation: Delta's name for it, such as `WRITE` or `OPTIMIZE`.
        empty: whether it holds nothing, as power loss leaves one that was not durable yet.
        worker: host and process that made it, where known.
        client: program that made it, where it says so; most others than Headrace do.
        batch: id of the batch, where it has one.
        rows: that it brought; None if the log does not tell, 0 where rows were only moved.
        changes: of a commit to a table of latest rows; None of others.
        rejects: records that it went past because they are in the quarantine.
        files_added, files_removed: data files that it added to and took from the table.
        files_masked: data files that stay, with rows of them deleted.
        ranges: offsets that it accounts for.
        replayed: records that it brought home from the quarantine.
        claimed: partitions that its worker took with it.
    """

    version: int
    committed_at: datetime | None
    kind: str | None
    operation: str
    empty: bool
    worker: str | None
    client: str | None
    batch: str | None
    rows: int | None
    changes: KeyChanges | None
    rejects: int
    files_added: int
    files_removed: int
    files_masked: int
    ranges: tuple[CommittedRange, ...]
    replayed: tuple[ReplayedRecords, ...]
    claimed: tuple[int, ...]

    @classmethod
    def of(cls, commit: Commit) -> "CommitEntry":
        """What `commit` says."""
        origin = commit.origin
        spans = origin.spans if origin else {}
        offsets = origin.offsets if origin else {}
        changes = KeyChanges.of(origin.changes) if origin and origin.changes is not None else None
        masked = {file.path for file in commit.adds} & {file.path for file in commit.removes}
        return cls(
            version=commit.version,
            committed_at=commit.time,
            kind=origin.kind if origin else None,
            operation=commit.operation,
            empty=commit.empty,
            worker=origin.worker if origin else None,
            client=commit.client,
            batch=origin.batch if origin else None,
            rows=_rows(commit, changes),
            changes=changes,
            rejects=sum(span.rejects for span in spans.values()),
            files_added=len(commit.adds) - len(masked),
            files_removed=len(commit.removes) - len(masked),
            files_masked=len(masked),
            ranges=tuple(CommittedRange.of(partition, span) for partition, span in sorted(spans.items())),
            replayed=tuple(ReplayedRecords(partition, listed) for partition, listed in sorted(offsets.items())),
            claimed=_claimed(commit),
        )


def _rows(commit: Commit, changes: KeyChanges | None) -> int | None:
    """By the files that it added, unless these hold rows, too, that were there before."""
    if changes is not None:
        return changes.inserted + changes.replaced
    if commit.origin is not None and commit.origin.merged is not None:
        return sum(commit.origin.merged.values())
    counts = [file.records for file in commit.adds if file.data_change]
    return None if None in counts else sum(count for count in counts if count is not None)


def _claimed(commit: Commit) -> tuple[int, ...]:
    if commit.origin is None or commit.origin.kind != "claim":
        return ()
    return tuple(sorted(partition for app_id in commit.txns if (partition := partition_of(app_id)) is not None))


@dataclass(frozen=True, slots=True)
class TableHistory:
    """Commits of a table, newest first.

    Attributes:
        table: its name.
        version: the newest.
        commits: as many as were asked for, or as the log retains.
        older: `retained` if older commits can be asked for, `gone` if there were some, None if there is none.
    """

    table: str
    version: int
    commits: tuple[CommitEntry, ...]
    older: Literal["retained", "gone"] | None


def read_history(store: Store, table: str, limit: int) -> TableHistory:
    """The newest commits of a table; as fast on a long log as on a short one.

    Raises:
        ConfigError: there is no such table.
        LogDamagedError: a commit is torn.
        StoreError, AccessDeniedError: the log cannot be read.
    """
    log = CommitLog(store, table)
    commits = tuple(CommitEntry.of(commit) for commit in islice(log.newest_first(), limit))
    oldest = log.version + 1 - len(commits)
    if oldest == 0:
        return TableHistory(table, log.version, commits, None)
    return TableHistory(table, log.version, commits, "retained" if len(commits) == limit else "gone")


def read_commit(store: Store, table: str, version: int) -> CommitEntry:
    """One commit.

    Raises:
        ConfigError: there is no such table or version, or the log does not retain it.
        LogDamagedError: it is torn.
        StoreError, AccessDeniedError: the log cannot be read.
    """
    log = CommitLog(store, table)
    if version > log.version:
        msg = f"{table} has no version {version} yet: the newest is {log.version}"
        raise ConfigError(msg)
    commit = log.commit(version)
    if commit is None:
        msg = (
            f"commit {version} of {table} is no longer retained: what it brought can only be told from the rows; "
            f"`headrace offset {table} PARTITION OFFSET` finds the data file of a record"
        )
        raise ConfigError(msg)
    return CommitEntry.of(commit)
