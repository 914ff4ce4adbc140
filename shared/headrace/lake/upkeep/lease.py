"""One process maintains a table at a time, and the next one knows what the last one left.

What is done to a table is safe without it: a commit goes through only if it is right for the version before it. The
lease keeps two processes from doing the same work twice, and a table in which something impossible was found from
being worked on before a person has looked.

On a local disk the kernel holds the lock and lets go of it when the process ends, however it ends. Elsewhere the
record is exchanged conditionally, and one that has not been renewed for `TTL` may be taken over.
"""

import fcntl
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from headrace.clock import Clock
from headrace.errors import HeadraceError, InvariantError, MaintenanceHeldError, WrongTableError
from headrace.lake.failures import store_failure
from headrace.lake.store import Store
from headrace.lake.upkeep.writes import NOTHING_COUNTED, Writes

TTL = timedelta(minutes=5)
FOLDER = "_headrace"
"""Folder of a table that is no part of it: readers and vacuums leave alone what begins with an underscore."""

_RECORD = "maintenance.json"
_LOCK = "maintenance.lock"


class Setback(msgspec.Struct, frozen=True, omit_defaults=True):
    """A merge that was ended because it needed more than it may.

    Attributes:
        weight: of the files that it merged.
        at: when.
        memory_mib, minutes: what it was allowed.
        value: of the partition column, None where there is none.
    """

    weight: int
    at: datetime
    memory_mib: int
    minutes: float
    value: str | None = None


class LeaseRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a table's maintenance.

    Attributes:
        epoch: how often the lease was taken; commits name it.
        holder: host and process; None once it was given back.
        since: when it was taken.
        renewed: when the holder last said that it is alive.
        violation: what was found that cannot be; nobody takes the lease while this stands.
        looked_for_orphans: when the last full vacuum ended.
        setbacks: merges that were too large, the newest of each partition.
        writes: what was written to the table, as far as it has been counted.
        thrifty: whether that was too much.
    """

    epoch: int = 0
    holder: str | None = None
    since: datetime | None = None
    renewed: datetime | None = None
    violation: str | None = None
    looked_for_orphans: datetime | None = None
    setbacks: tuple[Setback, ...] = ()
    writes: Writes = NOTHING_COUNTED
    thrifty: bool = False


@dataclass
class Lease:
    """A lease that is held. One thread uses it."""

    store: Store
    table: str
    clock: Clock
    record: LeaseRecord
    _tag: str | None = None
    _lock: int | None = None

    def beat(self) -> None:
        """Says that the holder is alive, if that was last said a while ago; for work that takes long.

        Raises:
            MaintenanceHeldError, StoreError, AccessDeniedError: as `renew`.
        """
        if self.record.renewed is None or self.clock.now() - self.record.renewed > TTL / 5:
            self.renew()

    def renew(self, **changes: str | datetime | tuple[Setback, ...] | Writes | bool) -> None:
        """Says that the holder is alive, and puts down `changes`, fields of the record.

        Raises:
            MaintenanceHeldError: another process has taken the lease over.
            StoreError, AccessDeniedError: the store failed.
        """
        record = msgspec.structs.replace(self.record, renewed=self.clock.now(), **changes)
        if not self._put(record):
            raise held(self.table, read_record(self.store, self.table))
        self.record = record

    def block(self, violation: str) -> None:
        """Keeps everybody from this table's maintenance until a person has looked.

        Raises:
            MaintenanceHeldError, StoreError, AccessDeniedError: it could not be put down; the next `renew` tries again.
        """
        self.record = msgspec.structs.replace(self.record, violation=violation)
        self.renew()

    def release(self) -> None:
        """Gives it back, unless the table is blocked; the last call."""
        try:
            if self.record.violation is None:
                self._put(msgspec.structs.replace(self.record, holder=None))
        finally:
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def _put(self, record: LeaseRecord) -> bool:
        path, data = record_path(self.table), msgspec.json.encode(record)
        if self.store.local is not None:
            self.store.replace(path, data)
            return True
        if not self.store.swap(path, data, self._tag):
            return False
        found = self.store.tagged(path)
        self._tag = found and found[1]
        return found is not None and found[0] == data


def take_lease(store: Store, table: str, holder: str, clock: Clock) -> Lease:
    """Takes the lease of `table`.

    Raises:
        MaintenanceHeldError: another process holds it.
        InvariantError: something impossible was found in the table before, and nobody has looked.
        WrongTableError: its record cannot be understood.
        StoreError, AccessDeniedError: the store failed.
    """
    lock = None if store.local is None else _lock(store, store.local / table / FOLDER / _LOCK, table)
    try:
        lease = _take(store, table, holder, clock)
    except BaseException:
        if lock is not None:
            os.close(lock)
        raise
    lease._lock = lock
    return lease


def read_record(store: Store, table: str) -> LeaseRecord:
    """What is known of `table`'s maintenance.

    Raises:
        WrongTableError: that cannot be understood.
        StoreError, AccessDeniedError: the store failed.
    """
    return _decoded(store, table, store.tagged(record_path(table)))


def obstacle(store: Store, table: str, clock: Clock) -> HeadraceError | None:
    """Why `take_lease` would fail now; None if it would not. Changes nothing.

    Raises:
        WrongTableError: the record of `table` cannot be understood.
        StoreError, AccessDeniedError: the store failed.
    """
    record = read_record(store, table)
    if record.violation is not None:
        return _blocked(store, table, record.violation)
    if store.local is None:
        return held(table, record) if _is_alive(record, clock.now()) else None
    return held(table, record) if _is_locked(store.local / table / FOLDER / _LOCK) else None


def record_path(table: str) -> str:
    """Where the record lies, below the store's root."""
    return f"{table}/{FOLDER}/{_RECORD}"


def held(table: str, record: LeaseRecord) -> MaintenanceHeldError:
    """The failure of who comes second."""
    since = "" if record.since is None else f" since {record.since:%Y-%m-%d %H:%M:%S} UTC"
    msg = f"{table} is maintained by {record.holder or 'another process'}{since}: one process at a time is enough"
    return MaintenanceHeldError(msg)


def _take(store: Store, table: str, holder: str, clock: Clock) -> Lease:
    found = store.tagged(record_path(table))
    record = _decoded(store, table, found)
    if record.violation is not None:
        raise _blocked(store, table, record.violation)
    now = clock.now()
    if store.local is None and _is_alive(record, now):
        raise held(table, record)
    lease = Lease(store, table, clock, record, found and found[1])
    taken = msgspec.structs.replace(record, epoch=record.epoch + 1, holder=holder, since=now, renewed=now)
    if not lease._put(taken):
        raise held(table, read_record(store, table))
    lease.record = taken
    return lease


def _decoded(store: Store, table: str, found: tuple[bytes, str | None] | None) -> LeaseRecord:
    if found is None:
        return LeaseRecord()
    try:
        return msgspec.json.decode(found[0], type=LeaseRecord)
    except msgspec.DecodeError as error:
        # Not the same as none: it may have said that something impossible was found.
        msg = (
            f"{table} is not maintained: {store.uri(record_path(table))} cannot be understood ({error}). "
            f"Run headrace verify {table}; when the table is right, delete that file"
        )
        raise WrongTableError(msg) from error


def _blocked(store: Store, table: str, violation: str) -> InvariantError:
    msg = (
        f"{table} is not maintained since this was found: {violation}. Run headrace verify {table}; "
        f"when the table is right, delete {store.uri(record_path(table))}"
    )
    return InvariantError(msg)


def _is_alive(record: LeaseRecord, now: datetime) -> bool:
    return record.holder is not None and record.renewed is not None and now - record.renewed < TTL


def _is_locked(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise store_failure(error, f"looking at {path}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _lock(store: Store, path: Path, table: str) -> int:
    try:
        path.parent.mkdir(exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise store_failure(error, f"locking {path}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        if isinstance(error, BlockingIOError):
            raise held(table, read_record(store, table)) from None
        raise store_failure(error, f"locking {path}") from error
    return handle
