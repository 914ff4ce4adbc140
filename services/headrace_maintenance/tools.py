"""What maintenance works with, and on."""

from collections.abc import Callable
from dataclasses import dataclass

from headrace.clock import Clock
from headrace.lake.datafile import FileLayout
from headrace.lake.store import Store
from headrace.lake.upkeep.compaction import Merge, Rewritten
from headrace.sections import MaintainSettings
from headrace_maintenance.child import Lost

Rewrite = Callable[[FileLayout, Merge, Callable[[], None]], Rewritten | Lost]


@dataclass(frozen=True)
class Subject:
    """A table to be maintained.

    Attributes:
        layout: of its files; None if it is not known.
        cluster_by: columns that sealed files are ordered by.
        unmergeable: why its files cannot be merged; None if they can.
    """

    layout: FileLayout | None
    cluster_by: tuple[str, ...] = ()
    unmergeable: str | None = None


@dataclass(frozen=True)
class Tools:
    """What all tables are maintained with.

    Attributes:
        store: where they lie.
        policy: what is due when.
        clock: time.
        pause: waits that many seconds.
        holder: names this process in leases and commits.
        version: of the program.
        rewrite: writes the file that a merge makes, and calls its last argument every now and then while it does.
        stopping: asked between two jobs whether to end.
    """

    store: Store
    policy: MaintainSettings
    clock: Clock
    pause: Callable[[float], object]
    holder: str
    version: str
    rewrite: Rewrite
    stopping: Callable[[], bool] = lambda: False
