"""How good the tables of a lake are to read, from their logs alone: needs no worker and no maintenance."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from headrace.errors import HeadraceError, WrongTableError
from headrace.lake.listing import known_tables
from headrace.lake.quarantine import quarantine_name
from headrace.lake.store import Store
from headrace.lake.upkeep.health import Colour, HealthPart, assess
from headrace.lake.upkeep.stats import gather
from headrace.sections import MaintainSettings


@dataclass(frozen=True, slots=True)
class TableHealth:
    """One table; where `problem` says why it cannot be judged, the rest is None or empty.

    Attributes:
        table: its folder.
        version: that was judged.
        score: 0 to 100.
        colour: the worst of its parts.
        parts: what points are given for.
        problem: one sentence.
        exit_code: of the failure that it tells; 0 without one.
    """

    table: str
    version: int | None = None
    score: float | None = None
    colour: Colour | None = None
    parts: tuple[HealthPart, ...] = ()
    problem: str | None = None
    exit_code: int = 0


def examine(
    store: Store, policy: MaintainSettings, *, now: datetime, tables: Collection[str] = ()
) -> tuple[TableHealth, ...]:
    """Tables of those names and their quarantines, or all; one that cannot be read hides no other.

    Args:
        store: the lake.
        policy: what maintenance aims at.
        now: tells how old files are.
        tables: names; without any, every table of the lake.

    Raises:
        ConfigError: there is no such table, or none at all.
        StoreError, AccessDeniedError: the root cannot be read.
    """
    found = known_tables(store, tables)
    names = [*(name for table in found.fed for name in (table, quarantine_name(table))), *found.by_hand]
    return tuple(_examined(store, name, policy, now) for name in names)


def _examined(store: Store, table: str, policy: MaintainSettings, now: datetime) -> TableHealth:
    try:
        stats = gather(store, table, now=now)
    except FileNotFoundError as missing:
        error = WrongTableError(f"there is no table at {missing}")
        return TableHealth(table, problem=str(error), exit_code=error.exit_code)
    except HeadraceError as error:
        return TableHealth(table, problem=str(error), exit_code=error.exit_code)
    health = assess(stats, policy, now)
    return TableHealth(table, stats.version, health.score, health.colour, health.parts)
