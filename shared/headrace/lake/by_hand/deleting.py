"""A table taken from the lake for good."""

import shutil
import uuid
from dataclasses import dataclass

from headrace.clock import SystemClock
from headrace.contracts import QUARANTINE_SUFFIX
from headrace.errors import ConfigError, MaintenanceHeldError
from headrace.lake.failures import store_failure
from headrace.lake.listing import delta_tables, no_table
from headrace.lake.quarantine import quarantine_name
from headrace.lake.store import Store
from headrace.lake.tables import refuse_file
from headrace.lake.upkeep.lease import obstacle

_LOG = "_delta_log"
_DELETED = ".headrace-deleted-"


@dataclass(frozen=True, slots=True)
class Deletion:
    """What was deleted: names of the table and, of one that workers fill, of its quarantine."""

    tables: tuple[str, ...]


def deletable(store: Store, table: str) -> tuple[str, ...]:
    """What goes with a table: itself, and its quarantine.

    Raises:
        ConfigError: there is no such table, or it is a quarantine, which goes with its table.
        WrongTableError: a file lies there.
        StoreError, AccessDeniedError: the store cannot be read.
    """
    refuse_file(store, table)
    there = delta_tables(store)
    main = table.removesuffix(QUARANTINE_SUFFIX)
    if table != main and main in there:
        msg = f"{table} goes with {main}: a table without its quarantine is refused by workers. Delete {main}"
        raise ConfigError(msg)
    # Whichever half an interrupted deletion left.
    found = tuple(name for name in (table, quarantine_name(table)) if name in there)
    if not found:
        raise no_table(store, table)
    return found


def delete(store: Store, table: str, *, confirm: str) -> Deletion:
    """Deletes a table with all its versions, and its quarantine. Nothing brings it back but a backup.

    Workers of the table have to be stopped before: they do not notice, and fail. Started again they make it anew and
    begin where `HEADRACE_INGEST__START` says: what the topic still has comes once more, and what it no longer has is
    gone.

    Args:
        store: where it lies.
        table: its folder.
        confirm: its name once more.

    Raises:
        ConfigError: there is no such table, or `confirm` is another name.
        WrongTableError: a file lies there.
        MaintenanceHeldError: a process maintains it now.
        StoreError, AccessDeniedError: the store failed; what is left can be deleted again.
    """
    found = deletable(store, table)
    if confirm != table:
        msg = f"{table} was not deleted: confirm={confirm!r} has to say its name once more"
        raise ConfigError(msg)
    for name in found:
        held = obstacle(store, name, SystemClock())
        if isinstance(held, MaintenanceHeldError):
            raise held
    for name in found:
        _remove(store, name)
    return Deletion(found)


def _remove(store: Store, table: str) -> None:
    """From one moment to the next it is no table: readers see the newest version, or none, and never an older one."""
    if store.local is None:
        _remove_objects(store, table)
        return
    hidden = store.local / f"{_DELETED}{table}-{uuid.uuid4().hex}"
    try:
        (store.local / table).rename(hidden)
        store.sync_folder("")
        shutil.rmtree(hidden)
    except OSError as error:
        raise store_failure(error, f"deleting {store.uri(table)}") from error


def _remove_objects(store: Store, table: str) -> None:
    """The log first, from its beginning on: what is left of it tells of no version at all."""
    names = store.sizes(table)
    log = sorted(name for name in names if name.startswith(f"{_LOG}/"))
    for name in (*log, *(name for name in names if name not in set(log))):
        store.delete(f"{table}/{name}")
