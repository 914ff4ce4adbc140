"""What the maintenance worker counts. Called by its loop alone."""

import math

from prometheus_client.registry import CollectorRegistry

from headrace.clock import Clock
from headrace.lake.upkeep.writes import DayOfWrites
from headrace.metrics import COMMON, MAINTENANCE, TABLES, common, maintenance
from headrace.metrics.health import Health, State
from headrace.metrics.recorder import Recorder, Sample
from headrace.sections import MaintainSettings
from headrace_maintenance.report import Done


class MaintenanceMetrics:
    """Of one process.

    Args:
        policy: says how often the loop turns.
        clock: time.
    """

    def __init__(self, policy: MaintainSettings, clock: Clock) -> None:
        self.registry = CollectorRegistry()
        self.recorder = Recorder(self.registry, [*COMMON, *MAINTENANCE, *TABLES])
        # One job may take as long as the store lets it; what hangs for an hour is of no use to anybody.
        self.health = Health(clock, stall_seconds=3600 + policy.every_seconds)
        self.clock = clock
        self._ticked: float | None = None
        self._known: set[str] = set()
        self._blamed: set[str] = set()
        self.recorder.read(self._own)

    def ticked(self) -> None:
        """The loop turned."""
        self._ticked = self.clock.now().timestamp()
        self.health.tick()

    def saw(self, table: str, *, left_alone: bool) -> None:
        """A table was looked at."""
        self.recorder.put(maintenance.LEFT_ALONE, float(left_alone), table=table)

    def wrote(self, table: str, day: DayOfWrites, *, thrifty: bool) -> None:
        """What was written to a table within a day."""
        again = day.amplification
        self.recorder.put(maintenance.AMPLIFICATION, math.nan if again is None else again, table=table)
        self.recorder.put(maintenance.THRIFTY, float(thrifty), table=table)

    def left_alone(self, table: str) -> None:
        """A table is not Headrace's, or cannot be understood."""
        self.recorder.put(maintenance.LEFT_ALONE, 1, table=table)

    def did(self, table: str, done: Done) -> None:
        """A job was tried."""
        of = {"table": table, "operation": done.job.kind.value}
        self.recorder.add(maintenance.RUNS, **of)
        self.recorder.observe(maintenance.DURATION, done.seconds, operation=done.job.kind.value)
        self.recorder.add(maintenance.CONFLICTS, done.conflicts, table=table)
        if done.outcome != "done":
            self.recorder.add(maintenance.FAILURES, reason=done.outcome, **of)
            if done.outcome == "storage":
                self._blamed.add(table)
            return
        self.recorder.add(maintenance.FILES_REMOVED, len(done.job.files), **of)
        self.recorder.add(maintenance.BYTES_READ, done.job.size, **of)
        self.recorder.add(maintenance.BYTES_WRITTEN, done.written, **of)
        self.recorder.add(maintenance.DELETED, done.deleted, **of)

    def holds(self, table: str, held: bool) -> None:
        """Whether this process maintains the table."""
        self.recorder.put(maintenance.LEASE, float(held), table=table)

    def blocked(self, table: str, blocked: bool) -> None:
        """Whether the table waits for somebody to look."""
        self.recorder.put(maintenance.BLOCKED, float(blocked), table=table)

    def succeeded(self, table: str) -> None:
        """Everything that was due is done."""
        self._known.add(table)
        self.recorder.put(maintenance.LAST_SUCCESS, self.clock.now().timestamp(), table=table)

    def waits(self, table: str) -> None:
        """It is not; of a table with which this process never got through, that counts from now on."""
        if table not in self._known:
            self.succeeded(table)

    def look_failed(self, table: str) -> None:
        """A look ended on the store; one that ended in a job was counted with it."""
        if table in self._blamed:
            self._blamed.remove(table)
        else:
            self.recorder.add(maintenance.FAILURES, reason="storage", table=table, operation=maintenance.LOOK)

    def _own(self) -> list[Sample]:
        found = [Sample(common.STATE, float(self.health.state is state), {"state": state}) for state in State]
        if self._ticked is not None:
            found.append(Sample(common.LOOP_TICK, self._ticked, {"loop": "maintain"}))
        return found
