"""Reading what Headrace wrote: repositories of tables, the quarantine, and the proof that nothing was lost or doubled.

Repositories are loaded on first use: who verifies needs none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.read.appending import Appended
    from headrace.read.repository import Repository
    from headrace.read.state import Legs, MarketRegimes, PerformanceMetrics, Positions, PositionUpdates
    from headrace.read.trading import Greeks, Signals, Trades

__all__ = [
    "Appended",
    "Greeks",
    "Legs",
    "MarketRegimes",
    "PerformanceMetrics",
    "PositionUpdates",
    "Positions",
    "Repository",
    "Signals",
    "Trades",
]

_HOMES = {
    "Appended": "headrace.read.appending",
    "Greeks": "headrace.read.trading",
    "Legs": "headrace.read.state",
    "MarketRegimes": "headrace.read.state",
    "PerformanceMetrics": "headrace.read.state",
    "PositionUpdates": "headrace.read.state",
    "Positions": "headrace.read.state",
    "Repository": "headrace.read.repository",
    "Signals": "headrace.read.trading",
    "Trades": "headrace.read.trading",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
