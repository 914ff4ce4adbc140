"""Which tables a lake has; one that was lost, or has lost its quarantine, is not passed over.

A quarantine is created before its table, and the first thing a worker writes to it is a claim, once both are there. So
a table always has a quarantine, and a quarantine alone is what an interrupted first start left only at version 0.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from headrace.contracts import QUARANTINE_SUFFIX
from headrace.errors import ConfigError, HeadraceError, NoTableError, WrongTableError
from headrace.lake.log import open_table
from headrace.lake.quarantine import quarantine_name
from headrace.lake.store import Store
from headrace.lake.tables import BY_HAND, PIPELINE, refuse_file

_LOG = "_delta_log"


def delta_tables(store: Store) -> list[str]:
    """Names of all Delta tables of a lake, quarantines and those of other tools too, sorted.

    Raises:
        StoreError, AccessDeniedError: the store cannot be read.
    """
    return [name for name in store.folders() if _LOG in store.folders(name)]


def table_names(store: Store) -> list[str]:
    """Names of the Delta tables of a lake, those of other tools too, without quarantines, sorted.

    Raises:
        StoreError, AccessDeniedError: the store cannot be read.
    """
    return [name for name in delta_tables(store) if not name.startswith(".") and not name.endswith(QUARANTINE_SUFFIX)]


def no_table(store: Store, name: str) -> NoTableError:
    """The failure of who names a table that is not there.

    Raises:
        StoreError, AccessDeniedError: the store cannot be read.
    """
    if store.local is not None and not store.local.is_dir():
        return NoTableError(f"there is no table {name}: {store.root} is no folder")
    found = ", ".join(table_names(store)) or "none"
    return NoTableError(f"there is no table {name} under {store.root}: the tables there are: {found}")


def headrace_tables(store: Store) -> tuple[str, ...]:
    """Names of the tables that Headrace made, without their quarantines, sorted.

    One whose quarantine is gone is among them, and so is one of which only the quarantine is left. A table that cannot
    be opened may be ours, so it is, too.

    Raises:
        StoreError, AccessDeniedError: the store cannot be read.
    """
    found = {name for name in delta_tables(store) if not name.startswith(".")}
    names = {name.removesuffix(QUARANTINE_SUFFIX) for name in found}
    return tuple(sorted(name for name in names if _is_ours(store, name, found)))


def foreign_tables(store: Store, ours: Collection[str]) -> tuple[str, ...]:
    """Names of the Delta tables, but for `ours`, that Headrace did not make, sorted.

    Raises:
        StoreError, AccessDeniedError: the store cannot be read.
    """
    found = [name for name in delta_tables(store) if name not in ours and not name.startswith(".")]
    return tuple(name for name in found if _is_foreign(store, name))


def by_hand_tables(store: Store, others: Collection[str] = ()) -> tuple[str, ...]:
    """Names of the tables, but for `others`, that people made with `headrace.lake.Lake`, sorted.

    Raises:
        StoreError, AccessDeniedError: the store cannot be read.
    """
    found = [name for name in delta_tables(store) if name not in others and not name.startswith(".")]
    return tuple(name for name in found if BY_HAND in (_properties(store, name) or ()))


def _is_foreign(store: Store, name: str) -> bool:
    """Of one that cannot be opened nobody knows, so it is not."""
    properties = _properties(store, name)
    return properties is not None and not {PIPELINE, BY_HAND} & properties.keys()


def _properties(store: Store, name: str) -> Mapping[str, str | None] | None:
    """Those of a table; None where it cannot be opened."""
    try:
        return open_table(store, name, without_files=True).metadata().configuration
    except (FileNotFoundError, HeadraceError):
        return None


def _is_ours(store: Store, name: str, found: Collection[str]) -> bool:
    if name not in found:
        return _look(store, quarantine_name(name)).holds_commits
    return quarantine_name(name) in found or _look(store, name).ours


class _Half(NamedTuple):
    """A table or a quarantine at one look: whether it is there, is Headrace's, and has commits after its first."""

    there: bool
    ours: bool
    written: bool

    @property
    def holds_commits(self) -> bool:
        """Of a quarantine: whether anything was committed to it since it was created."""
        return self.ours and self.written


def _look(store: Store, name: str) -> _Half:
    """One that cannot be opened may be anything."""
    refuse_file(store, name)
    try:
        table = open_table(store, name, without_files=True)
    except FileNotFoundError:
        return _Half(there=False, ours=False, written=False)
    except HeadraceError:
        return _Half(there=True, ours=True, written=True)
    return _Half(there=True, ours=PIPELINE in table.metadata().configuration, written=table.version() > 0)


def lost_half(store: Store, table: str) -> str | None:
    """Name of the table or of its quarantine where that one is gone and the other is there; None if all is well.

    Raises:
        WrongTableError: a file lies where one of them should be.
    """
    # Whatever is looked at last was there before what is looked at first, so a creation beside this is no loss.
    quarantine = _look(store, quarantine_name(table))
    main = _look(store, table)
    if not main.there:
        return table if quarantine.holds_commits else None
    if quarantine.there or not main.ours:  # what no worker fills has none
        return None
    return None if _look(store, quarantine_name(table)).there else quarantine_name(table)


def refuse_half(store: Store, table: str) -> None:
    """Makes sure that a table and its quarantine are both there, or that neither ever held anything.

    Raises:
        WrongTableError: one of them is gone, or a file lies there.
        StoreError, AccessDeniedError: the store cannot be read.
    """
    lost = lost_half(store, table)
    if lost is not None:
        kept = quarantine_name(table) if lost == table else table
        msg = (
            f"{store.uri(lost)} is gone and {kept} is there: an empty one in its place would hide what it held. "
            "Restore both from one backup, or move both away to begin anew from the topic (docs/operations.md, Recover)"
        )
        raise WrongTableError(msg)


def refuse_quarantine(name: str) -> None:
    """Makes sure that a name is not that of a quarantine.

    Raises:
        ConfigError: it is.
    """
    if name.endswith(QUARANTINE_SUFFIX):
        table = name.removesuffix(QUARANTINE_SUFFIX)
        msg = f"{name} is the quarantine of {table}: name {table}"
        raise ConfigError(msg)


def chosen_tables(store: Store, names: Collection[str] = ()) -> tuple[str, ...]:
    """The tables of those names, which have to exist; without names every table that Headrace made, sorted.

    Raises:
        NoTableError: one of them does not exist, or there is none at all.
        ConfigError: one of them is a quarantine.
        WrongTableError: a file lies where one of them should be.
        StoreError, AccessDeniedError: the store cannot be read.
    """
    for name in names:
        refuse_quarantine(name)
        refuse_file(store, name)
        if _LOG not in store.folders(name) and lost_half(store, name) is None:
            raise no_table(store, name)
    tables = tuple(names) or headrace_tables(store)
    if not tables:
        msg = f"there is no table under {store.root}"
        raise NoTableError(msg)
    return tables


@dataclass(frozen=True, slots=True)
class ChosenTables:
    """Tables of a lake, each sorted.

    Attributes:
        fed: that workers fill.
        by_hand: that people made.
    """

    fed: tuple[str, ...]
    by_hand: tuple[str, ...]


def known_tables(store: Store, names: Collection[str] = (), others: Collection[str] = ()) -> ChosenTables:
    """The tables of those names, or all of the lake that are Headrace's, also those made by hand.

    Args:
        store: the lake.
        names: which have to exist; none for all.
        others: tables that are known to be of other tools.

    Raises:
        NoTableError: one of them does not exist, or there is none at all.
        ConfigError: one of them is a quarantine.
        WrongTableError: a file lies where one of them should be.
        StoreError, AccessDeniedError: the store cannot be read.
    """
    by_hand = tuple(name for name in by_hand_tables(store, others) if not names or name in names)
    named = [name for name in names if name not in by_hand]
    if names and not named:
        return ChosenTables((), by_hand)
    return ChosenTables(headrace_tables(store) if by_hand and not names else chosen_tables(store, named), by_hand)
