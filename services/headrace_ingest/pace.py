"""How long a batch may wait: as the settings say, or longer while its table is deep in debt.

Fewer, larger files let maintenance catch up. What it says is read beside the loop, now and then, and means nothing
when it is old: a worker by itself flushes as it was told.
"""

from collections.abc import Callable
from dataclasses import replace

from headrace.clock import Clock
from headrace.lake.upkeep.debt import DEEP, Debt
from headrace.logs import get_logger
from headrace_ingest.asker import Asker
from headrace_ingest.flush import FlushPolicy
from headrace_ingest.metrics import WorkerMetrics

log = get_logger(__name__)

# Maintenance looks at a table once a minute.
_ASK_SECONDS = 10.0


def put_off(seconds: float, limit: float, debt: float) -> float:
    """Seconds that a batch may wait.

    In proportion to the debt, so that files come as fast as they are merged and no faster: a step would lead from debt
    to none and back again.

    Args:
        seconds: as set.
        limit: no longer than this; nothing is put off where it is shorter than `seconds`.
        debt: of the table.
    """
    return max(seconds, min(limit, seconds * max(debt, DEEP)))


class FlushPace:
    """The policy of flushes at the moment. The polling thread uses it.

    Args:
        table: its name, for log lines.
        policy: as set.
        limit: seconds that a batch may wait at most while the table is in debt.
        ask: reads what maintenance says; called on a thread of its own.
        metrics: told of changes.
    """

    def __init__(
        self, table: str, policy: FlushPolicy, *, limit: float, ask: Callable[[], Debt | None], metrics: WorkerMetrics
    ) -> None:
        self.policy = policy
        self._table = table
        self._seconds = policy.seconds
        self._limit = limit
        self._ask = ask
        self._metrics = metrics
        self._clock: Clock = metrics.clock
        self._asker = Asker[Debt | None]("headrace-debt", seconds=_ASK_SECONDS, clock=self._clock)
        self._debt: Debt | None = None
        metrics.paced(policy.seconds)

    def check(self) -> None:
        """Never blocks; called at every turn of the loop."""
        answer = self._asker.turn(self._ask)
        if answer is not None:
            self._debt = answer.result()
        if self._debt is not None and not self._debt.holds(self._clock.now()):
            self._debt = None
        seconds = put_off(self._seconds, self._limit, 0.0 if self._debt is None else self._debt.size)
        if seconds != self.policy.seconds:
            self._change(seconds)

    def _change(self, seconds: float) -> None:
        before, self.policy = self.policy, replace(self.policy, seconds=seconds)
        self._metrics.paced(seconds)
        if self._debt is not None and before.seconds == self._seconds:
            log.info(
                "flushes_put_off",
                table=self._table,
                seconds=seconds,
                debt=self._debt.size,
                reason=self._debt.reason,
            )
        elif seconds == self._seconds:
            log.info("flushes_as_set", table=self._table, seconds=seconds)
