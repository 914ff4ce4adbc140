"""Tables under one root, as Delta keeps them: `Lake` reads them; everything else here is what the services are made of.

Loaded on first use: a worker reads no frames, and should not hold what does.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.lake.as_of import AsOf, EventTime, KafkaPosition
    from headrace.lake.lake import Lake
    from headrace.lake.snapshot import Snapshot

__all__ = ["AsOf", "EventTime", "KafkaPosition", "Lake", "Snapshot"]

_HOMES = {
    "AsOf": "headrace.lake.as_of",
    "EventTime": "headrace.lake.as_of",
    "Lake": "headrace.lake.lake",
    "KafkaPosition": "headrace.lake.as_of",
    "Snapshot": "headrace.lake.snapshot",
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
