"""When a drain is done: everything up to the high watermarks seen at start is durable, whoever made it so."""

from collections.abc import Callable, Mapping

from headrace.clock import Clock
from headrace_ingest.intake import Lease

# The table is asked for partitions of other workers this often.
_LOOK_SECONDS = 0.5


class Drain:
    """Compares positions with targets.

    Args:
        targets: per partition the position to reach.
        positions: of all partitions in the table, now.
        table_positions: reads them again.
        clock: time.
    """

    def __init__(
        self,
        targets: Mapping[int, int],
        positions: Mapping[int, int],
        table_positions: Callable[[], Mapping[int, int]],
        clock: Clock,
    ) -> None:
        self._targets = targets
        self._positions = positions
        self._table_positions = table_positions
        self._clock = clock
        self._looked_at = clock.monotonic()

    def collected(self, leases: Mapping[int, Lease]) -> bool:
        """Whether this worker has read all of its share, durable or not."""
        return all(lease.position >= self._targets.get(p, 0) for p, lease in leases.items())

    def done(self, leases: Mapping[int, Lease]) -> bool:
        """Whether every partition's target is durable."""
        own = {p: lease.durable for p, lease in leases.items()}
        if any(own[p] < target for p, target in self._targets.items() if p in own):
            return False
        if own.keys() >= self._targets.keys():
            return True
        now = self._clock.monotonic()
        if now - self._looked_at >= _LOOK_SECONDS:
            self._looked_at, self._positions = now, self._table_positions()
        return all(self._positions.get(p, 0) >= target for p, target in self._targets.items())
