"""What a table owes, told to its workers: how deep it is in debt, and that somebody maintains it.

Maintenance leaves a small object beside the table after every look, and workers read it now and then. It says until
when it holds, so what a dead process left means nothing soon; an object that is torn, stale or missing means nothing
at once. Nothing that keeps rows right rests on it.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from headrace.errors import HeadraceError
from headrace.lake.store import Store
from headrace.lake.upkeep.health import small_files
from headrace.lake.upkeep.lease import FOLDER
from headrace.lake.upkeep.stats import TableStats
from headrace.sections import MaintainSettings

DEEP = 1.0
"""From here on workers flush less often."""

_OBJECT = "debt.json"
_PLEA = "rebuild.json"
# As many as make the log of a table slow to open, wherever they lie.
_MANY_FILES = 5_000
# One merge may take a quarter of an hour, and nothing is told meanwhile.
_LASTING = timedelta(minutes=15)
_LONGEST = timedelta(hours=1)
_PLEADING = timedelta(minutes=5)
# Workers put off flushes in proportion, and no longer than they may.
_ALL = 1_000_000.0


class Debt(msgspec.Struct, frozen=True):
    """What maintenance says of a table.

    Attributes:
        size: of its debt; from `DEEP` on files come faster than they are merged.
        reason: in words.
        until: when this stops to mean anything.
    """

    size: Annotated[float, msgspec.Meta(ge=0)]
    reason: str
    until: Annotated[datetime, msgspec.Meta(tz=True)]

    def holds(self, now: datetime) -> bool:
        """Whether it means something at `now`; not if it would for longer than anybody ever says."""
        return now < self.until <= now + _LONGEST


def owed(stats: TableStats, policy: MaintainSettings, now: datetime, *, unmergeable: str | None = None) -> Debt:
    """What is to be told of a table after a look.

    A partition is deep in debt from the number of small files on at which it is compacted whatever their sizes: more
    than that are there only if maintenance cannot keep up. So is a table that has thousands beyond one for each
    partition. What nobody will ever merge is no debt: flushes would be put off for good.

    Args:
        stats: of the table.
        policy: which files are small, and how many are urgent.
        now: when it was looked at.
        unmergeable: why its files are not merged; None if they are, as far as its log says.
    """
    until = now + _lasting(policy.every_seconds)
    if left := unmergeable or stats.protected:
        return Debt(0.0, left, until)
    small = small_files(stats, policy)
    most, beyond = max(small.values(), default=0), small.total() - len(small)
    worst, all_over = most / policy.urgent_files, beyond / _MANY_FILES
    reason = f"{most} small files in one partition" if worst >= all_over else f"{small.total()} small files"
    return Debt(round(max(worst, all_over), 3), reason, until)


def publish(store: Store, table: str, debt: Debt) -> None:
    """Tells the workers of `table`.

    Raises:
        StoreError, AccessDeniedError: it could not be written.
    """
    store.put(debt_path(table), msgspec.json.encode(debt))


def withdraw(store: Store, table: str) -> None:
    """Nobody maintains `table` any more.

    Raises:
        StoreError, AccessDeniedError: what was told could not be taken back; it lapses.
    """
    store.delete(debt_path(table))


def read_debt(store: Store, table: str, now: datetime) -> Debt | None:
    """What is told of `table`; None if nobody maintains it, as far as that can be read."""
    return _read(store, debt_path(table), now)


def _read(store: Store, path: str, now: datetime) -> Debt | None:
    try:
        found = store.tagged(path)
        debt = None if found is None else msgspec.json.decode(found[0], type=Debt)
    except (HeadraceError, msgspec.DecodeError):
        return None
    return debt if debt is not None and debt.holds(now) else None


def deepest(store: Store, tables: Collection[str], now: datetime) -> Debt | None:
    """The largest debt of several tables, and of what a rebuild asks for."""
    paths = [path(table) for table in tables for path in (debt_path, plea_path)]
    told = [debt for path in paths if (debt := _read(store, path, now)) is not None]
    return max(told, key=lambda debt: debt.size, default=None)


def plead(store: Store, table: str, now: datetime) -> None:
    """Asks the workers of `table` to flush as seldom as they may for a while: a rebuild needs a moment between two.

    Raises:
        StoreError, AccessDeniedError: it could not be written.
    """
    store.put(
        plea_path(table), msgspec.json.encode(Debt(_ALL, "a rebuild is about to be put in place", now + _PLEADING))
    )


def debt_path(table: str) -> str:
    """Where it lies, below the store's root."""
    return f"{table}/{FOLDER}/{_OBJECT}"


def plea_path(table: str) -> str:
    """Where a rebuild leaves what it asks for, likewise."""
    return f"{table}/{FOLDER}/{_PLEA}"


def _lasting(every_seconds: float) -> timedelta:
    return min(_LONGEST, 3 * timedelta(seconds=every_seconds) + _LASTING)
