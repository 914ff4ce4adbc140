"""How fast a table grows and how far behind it is, from looks at it. No I/O.

Times are seconds since the demo began.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from headrace_cli.demo.status import TableStatus

# A batch is committed about once a second: over less the rate would jump, over more it would hide a gap.
_RATE_SECONDS = 3.0
# Records that no table has after so long are as old as that, or older.
_KEPT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class _Look:
    at: float
    ends: Mapping[int, int]
    durable: int


class Pace:
    """The looks at one table; add them in order."""

    def __init__(self) -> None:
        self._looks: deque[_Look] = deque()
        self._status: TableStatus | None = None

    def add(self, at: float, status: TableStatus) -> None:
        """Takes a look at the table."""
        self._status = status
        self._looks.append(_Look(at, status.ends, status.durable))
        while self._looks[0].at < at - _KEPT_SECONDS:
            self._looks.popleft()

    def rate(self) -> float:
        """Rows made durable a second, over the last few seconds."""
        return self._rate_at(self._looks[-1].at) if self._looks else 0.0

    def rates(self, count: int) -> list[float]:
        """The rate at each of the last `count` whole seconds, oldest first."""
        if not self._looks:
            return []
        now = int(self._looks[-1].at)
        return [self._rate_at(second) for second in range(now - count + 1, now + 1)]

    def behind(self) -> float:
        """Seconds since the oldest record arrived that the table does not have; 0 if it has all."""
        if self._status is None:
            return 0.0
        positions, now = self._status.positions, self._looks[-1].at
        missing = [p for p, end in self._status.ends.items() if positions.get(p, 0) < end]
        return max((now - self._arrived(p, positions.get(p, 0)) for p in missing), default=0.0)

    def _arrived(self, partition: int, offset: int) -> float:
        """When the topic grew past `offset`, between two looks in proportion."""
        before: _Look | None = None
        for look in self._looks:
            end = look.ends[partition]
            if end > offset:
                if before is None:
                    return look.at
                share = (offset - before.ends[partition]) / (end - before.ends[partition])
                return before.at + share * (look.at - before.at)
            before = look
        return self._looks[-1].at

    def _rate_at(self, second: float) -> float:
        return (self._durable_at(second) - self._durable_at(second - _RATE_SECONDS)) / _RATE_SECONDS

    def _durable_at(self, second: float) -> float:
        before: _Look | None = None
        for look in self._looks:
            if look.at >= second:
                if before is None:
                    return float(look.durable)
                share = (second - before.at) / (look.at - before.at)
                return before.durable + share * (look.durable - before.durable)
            before = look
        return float(before.durable) if before is not None else 0.0
