"""Where one record of the topic is: in which version and file, or in the quarantine, or why it is in neither."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from headrace.errors import ConfigError
from headrace.lake.listing import refuse_half, refuse_quarantine
from headrace.lake.quarantine import quarantine_name
from headrace.lake.store import Store
from headrace.read.commits import CommitLog
from headrace.read.history import CommitEntry
from headrace.read.proof.actions import Commit, Span
from headrace.read.proof.findings import UnsupportedTableError
from headrace.read.records import FileGoneError, FoundRow, RowFinder, is_row

_REASONS = ("reason", "detail", "resolved_version")


class Place(StrEnum):
    """What became of a record; stable, for scripts."""

    TABLE = "table"
    """It is a row."""
    QUARANTINE = "quarantine"
    """It could not become a row."""
    APPLIED = "applied"
    """It was applied to a table of latest rows, and another event or a tombstone of its key counts."""
    GAP = "gap"
    """The topic gave out no such record: a transaction marker, an aborted or a compacted record."""
    NOT_READ = "not_read"
    """It lies at or after the position."""
    BEFORE_START = "before_start"
    """It lies before the table's start."""
    NOT_RETAINED = "not_retained"
    """No file has it, and the commit that would say why is gone."""
    MISSING = "missing"
    """Its commit says that it is here, and it is not."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a record is; what does not apply or is not known is None.

    Attributes:
        table, partition, offset: which record was asked for.
        place: what became of it.
        version: of the table, the first one that accounts for it.
        committed_at: when that version was made.
        batch, worker: who made it.
        file: data file that holds it now, relative to the lake's root.
        reason, detail: why it is, or was, in the quarantine.
        position: the table's, of the partition.
    """

    table: str
    partition: int
    offset: int
    place: Place
    version: int | None = None
    committed_at: datetime | None = None
    batch: str | None = None
    worker: str | None = None
    file: str | None = None
    reason: str | None = None
    detail: str | None = None
    position: int | None = None


def locate(store: Store, table: str, partition: int, offset: int) -> Whereabouts:
    """Finds a record by its address in the topic.

    Raises:
        HeadraceError: as `Locator` and `Locator.locate`.
    """
    return Locator(store, table).locate(partition, offset)


class Locator:
    """Finds records of one table by their addresses, in the version that is the newest when it is made.

    Args:
        store: the lake.
        table: whose topic the records are of.

    Raises:
        ConfigError: there is no such table, or it is a quarantine.
        WrongTableError: Headrace did not make it, or its quarantine is gone.
        StoreError, AccessDeniedError: the table cannot be read.
    """

    def __init__(self, store: Store, table: str) -> None:
        refuse_quarantine(table)
        refuse_half(store, table)
        self.log = CommitLog(store, table)
        self._search = _Search(store, self.log)

    def locate(self, partition: int, offset: int) -> Whereabouts:
        """Where a record is: the log is asked first, then the files of the table and of the quarantine.

        Raises:
            ConfigError: the table knows no such partition.
            WrongTableError: Headrace did not make the table.
            UnsupportedTableError: another tool gave it deletion vectors.
            LogDamagedError: a commit is torn.
            StoreError, AccessDeniedError: the table cannot be read.
        """
        position = _position(self.log, partition)
        asked = Whereabouts(self.log.table, partition, offset, Place.NOT_READ, position=position)
        if offset >= position:
            return asked
        if self.log.masks_rows and self.log.identity.rule is None:
            msg = f"another tool gave {self.log.table} deletion vectors: what a file holds may be deleted"
            raise UnsupportedTableError(msg)
        return self._search.find(asked)


def _position(log: CommitLog, partition: int) -> int:
    position = log.position(partition)
    if position is None:
        known = [each for each in range(max(log.identity.partitions, partition)) if log.position(each) is not None]
        which = f"partitions {known[0]} to {known[-1]}" if known else "no partition"
        msg = f"{log.table} knows {which}: if {partition} was added to the topic, no worker has taken it yet"
        raise ConfigError(msg)
    return position


class _Search:
    """One look at a record before the position; the log is pinned, the files are those of the newest version."""

    def __init__(self, store: Store, log: CommitLog) -> None:
        self._store = store
        self._log = log
        self._files_gone = False
        self._finders: dict[str, RowFinder] = {}

    def find(self, asked: Whereabouts) -> Whereabouts:
        """Where it is."""
        self._files_gone = False
        partition, offset = asked.partition, asked.offset
        passing = self._log.passing(partition, offset)
        commit = passing if passing is not None and _span(passing, partition, offset) else None
        refused = self._found(asked, quarantine_name(asked.table), columns=_REASONS)
        if refused is not None:
            return self._refused(asked, commit, refused)
        row = self._row(asked, commit)
        if row is not None:
            return _told(asked, Place.TABLE, commit, f"{asked.table}/{row.path}")
        return _told(asked, self._absence(passing, partition, offset), commit, None)

    def _refused(self, asked: Whereabouts, commit: Commit | None, refused: FoundRow) -> Whereabouts:
        """A record that the quarantine has; perhaps a replay has brought it home since."""
        home = refused.columns["resolved_version"]
        asked = replace(asked, reason=refused.columns["reason"], detail=refused.columns["detail"])
        replay = self._unmarked_replay(asked) if home is None else self._log.commit(home)
        if home is None and replay is None:
            return _told(asked, Place.QUARANTINE, commit, f"{quarantine_name(asked.table)}/{refused.path}")
        row = self._row(asked, replay)
        if row is None:
            return _told(replace(asked, version=home), Place.MISSING, replay, None)
        return _told(replace(asked, version=home), Place.TABLE, replay, f"{asked.table}/{row.path}")

    def _row(self, asked: Whereabouts, commit: Commit | None) -> FoundRow | None:
        likely = {file.path for file in commit.adds} if commit else set()
        found = self._found(asked, asked.table, likely=likely)
        if found is None or self._log.identity.rule is None:
            return found
        return found if is_row(self._store, asked.table, asked.partition, asked.offset) else None

    def _found(
        self, asked: Whereabouts, table: str, *, columns: Sequence[str] = (), likely: Collection[str] = ()
    ) -> FoundRow | None:
        if table not in self._finders:
            self._finders[table] = RowFinder(self._store, table)
        try:
            return self._finders[table].find(asked.partition, asked.offset, columns=columns, likely=likely)
        except FileGoneError:
            self._files_gone = True
            return None

    def _absence(self, passing: Commit | None, partition: int, offset: int) -> Place:
        """Why a record is in no file, by the first retained commit whose position is past it."""
        if passing is None:
            return Place.NOT_RETAINED
        span = _span(passing, partition, offset)
        if span is None:
            return Place.BEFORE_START if passing.version == 0 else Place.NOT_RETAINED
        if any(offset in gap for gap in span.gaps):
            return Place.GAP
        # A gap that is not named would be a guess where the record may have been in a file that is gone.
        unnamed = span.gap_records - sum(map(len, span.gaps))
        if self._files_gone:
            return Place.MISSING
        absent = Place.MISSING if self._log.identity.rule is None else Place.APPLIED
        return Place.GAP if unnamed > 0 else absent

    def _unmarked_replay(self, asked: Whereabouts) -> Commit | None:
        """The replay that brought a record home and was interrupted before the quarantine said so."""
        if not self._log.has_replays:
            return None
        return next((commit for commit in self._log.newest_first() if _replays(commit, asked)), None)


def _replays(commit: Commit, asked: Whereabouts) -> bool:
    return commit.origin is not None and asked.offset in commit.origin.offsets.get(asked.partition, ())


def _told(asked: Whereabouts, place: Place, commit: Commit | None, file: str | None) -> Whereabouts:
    if commit is None:
        return replace(asked, place=place, file=file)
    entry = CommitEntry.of(commit)
    return replace(
        asked,
        place=place,
        version=entry.version,
        committed_at=entry.committed_at,
        batch=entry.batch,
        worker=entry.worker,
        file=file,
    )


def _span(commit: Commit, partition: int, offset: int) -> Span | None:
    """What `commit` says of the offset; None if it does not account for it."""
    span = commit.origin.spans.get(partition) if commit.origin else None
    return span if span is not None and span.start <= offset < span.end else None
