"""Tables under one root, as Delta keeps them: `Lake` reads them; everything else here is what the services are made of.

Loaded on first use: a worker reads no frames, and should not hold what does.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.lake.as_of import AsOf, EventTime, KafkaPosition
    from headrace.lake.by_hand.deleting import Deletion
    from headrace.lake.by_hand.history import Done
    from headrace.lake.by_hand.merging import Merged
    from headrace.lake.by_hand.rows import Names, Rows
    from headrace.lake.by_hand.upkeep import Optimized, Vacuumed
    from headrace.lake.consistent import Consistent, Ends
    from headrace.lake.contents import ActiveFile
    from headrace.lake.lake import Lake
    from headrace.lake.snapshot import Snapshot

__all__ = [
    "ActiveFile",
    "AsOf",
    "Consistent",
    "Deletion",
    "Done",
    "Ends",
    "EventTime",
    "KafkaPosition",
    "Lake",
    "Merged",
    "Names",
    "Optimized",
    "Rows",
    "Snapshot",
    "Vacuumed",
]

_HOMES = {
    "ActiveFile": "headrace.lake.contents",
    "AsOf": "headrace.lake.as_of",
    "Consistent": "headrace.lake.consistent",
    "Deletion": "headrace.lake.by_hand.deleting",
    "Done": "headrace.lake.by_hand.history",
    "Ends": "headrace.lake.consistent",
    "EventTime": "headrace.lake.as_of",
    "KafkaPosition": "headrace.lake.as_of",
    "Lake": "headrace.lake.lake",
    "Merged": "headrace.lake.by_hand.merging",
    "Names": "headrace.lake.by_hand.rows",
    "Optimized": "headrace.lake.by_hand.upkeep",
    "Rows": "headrace.lake.by_hand.rows",
    "Snapshot": "headrace.lake.snapshot",
    "Vacuumed": "headrace.lake.by_hand.upkeep",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
