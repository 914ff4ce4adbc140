"""What the canary counts. Called by its loop alone; what is scraped may be read at any time."""

from prometheus_client.registry import CollectorRegistry

from headrace.clock import Clock
from headrace.metrics import CANARY, canary, common
from headrace.metrics.health import Health, State
from headrace.metrics.recorder import Recorder, Sample
from headrace.process import put_versions
from headrace_canary.beats import Account


class CanaryMetrics:
    """Of one process.

    Args:
        clock: time.
        stall_seconds: a loop that has not turned for longer is dead.
    """

    def __init__(self, clock: Clock, *, stall_seconds: float) -> None:
        self.registry = CollectorRegistry()
        self.recorder = Recorder(self.registry, [*common.READERS, *CANARY])
        put_versions(self.recorder)
        self.health = Health(clock, stall_seconds=stall_seconds)
        self._missing = 0
        self._looked_at: float | None = None
        self._arrived_at = clock.now().timestamp()
        self.recorder.read(self._readings)

    def acknowledged(self) -> None:
        """The broker has a heartbeat."""
        self.recorder.add(canary.SENT)

    def unsent(self) -> None:
        """The broker has not."""
        self.recorder.add(canary.UNSENT)

    def looked(self, account: Account, at: float) -> None:
        """The table was looked at, at a moment in seconds since the epoch."""
        self._looked_at = at
        for arrival in account.arrived:
            self._arrived_at = at
            self.recorder.add(canary.ARRIVED, when="late" if arrival.late else "in_time")
            self.recorder.observe(canary.ROUND_TRIP, arrival.seconds)
        self.recorder.add(canary.LOST, len(account.lost))
        self.recorder.add(canary.DOUBLED, len(account.doubled))

    def missing(self, count: int) -> None:
        """So many heartbeats should be in the table and are not."""
        self._missing = count

    def _readings(self) -> list[Sample]:
        found = [Sample(common.STATE, float(self.health.state is state), {"state": state}) for state in State]
        found += [Sample(canary.MISSING, self._missing), Sample(canary.LAST_ARRIVAL, self._arrived_at)]
        if self._looked_at is not None:
            found.append(Sample(common.LOOP_TICK, self._looked_at, {"loop": "canary"}))
        return found
