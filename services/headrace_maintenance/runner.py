"""Does what a table owes, one job after another, each on a fresh look at the table.

A job that another writer has overtaken is planned anew next time. What cannot be stops this table's maintenance until
a person has looked.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from headrace.errors import (
    CommitTimeoutError,
    HeadraceError,
    InvariantError,
    MaintenanceHeldError,
    StoreError,
    WrongTableError,
)
from headrace.lake.checkpoint import mend_checkpoint
from headrace.lake.failures import is_of_the_store, store_failure
from headrace.lake.log import DeltaLog
from headrace.lake.racing import TRIES
from headrace.lake.upkeep.compaction import Exchanger, Merge
from headrace.lake.upkeep.debt import owed, publish, withdraw
from headrace.lake.upkeep.garbage import Deleted, Garbage
from headrace.lake.upkeep.lease import Lease, obstacle, read_record, take_lease
from headrace.lake.upkeep.stats import TableStats
from headrace.lake.upkeep.writes import NOTHING_COUNTED, DayOfWrites, Writes, count_writes
from headrace.logs import get_logger
from headrace_maintenance.child import Lost, LostReason
from headrace_maintenance.jobs import Job, JobKind, Plan
from headrace_maintenance.planner import Given, awaits_quiet, plan_jobs
from headrace_maintenance.report import Done, Look, TableOutcome
from headrace_maintenance.setbacks import largest_merges, with_setback
from headrace_maintenance.thrift import is_thrifty
from headrace_maintenance.tools import Subject, Tools

log = get_logger(__name__)

_SMALLER = "merges of this partition are half as large for a day"
ADVICE: Mapping[LostReason, str] = {
    "memory": f"raise HEADRACE_MAINTAIN__MEMORY_MIB or lower HEADRACE_MAINTAIN__SEALED_MIB; {_SMALLER}",
    "time": f"raise HEADRACE_MAINTAIN__MERGE_MINUTES or lower HEADRACE_MAINTAIN__SEALED_MIB; {_SMALLER}",
    "killed": _SMALLER,
}


class TableMaintainer:
    """Maintains one table. One thread uses it; the lease is kept from the first run until `close`.

    Args:
        table: its folder.
        subject: asked for what it is, when a torn checkpoint has been mended, until its files can be merged.
        tools: what it is maintained with.
        tell: told of every job that was tried.
    """

    def __init__(
        self, table: str, subject: Callable[[], Subject], tools: Tools, tell: Callable[[str, Done], None]
    ) -> None:
        self._tell = tell
        self.table = table
        self._ask = subject
        self._asked: Subject | None = None
        self._tools = tools
        self._lease: Lease | None = None
        self._garbage = Garbage(tools.store, table, tools.clock)
        self._writes = NOTHING_COUNTED
        self._thrifty: bool | None = None
        self._orphans_left: datetime | None = None

    def _subject(self) -> Subject:
        if self._asked is None or self._asked.unmergeable is not None:
            self._asked = self._ask()
        return self._asked

    def look(self) -> Look:
        """What it owes; changes nothing.

        Raises:
            WrongTableError: it is not a table of Headrace.
            StoreError, AccessDeniedError: it cannot be read.
        """
        stats = self._gather()
        record = self._lease.record if self._lease else read_record(self._tools.store, self.table)
        subject, policy, now = self._subject(), self._tools.policy, self._tools.clock.now()
        day = self._count(stats, record.writes)
        self._thrifty = is_thrifty(record.thrifty if self._thrifty is None else self._thrifty, day, policy)
        given = Given(
            subject.cluster_by,
            record.looked_for_orphans,
            subject.unmergeable,
            largest_merges(record.setbacks, policy, now),
            day,
            self._thrifty,
            self._orphans_left,
        )
        return Look(stats, plan_jobs(stats, given, policy, now), day, self._thrifty)

    def obstacle(self) -> HeadraceError | None:
        """Why a run would end at once; None if it would not. Changes nothing.

        Raises:
            WrongTableError: its record cannot be understood.
            StoreError, AccessDeniedError: it cannot be read.
        """
        return None if self._lease else obstacle(self._tools.store, self.table, self._tools.clock)

    def _count(self, stats: TableStats, known: Writes) -> DayOfWrites:
        before = max(self._writes, known, key=lambda writes: writes.version)
        now = self._tools.clock.now()
        self._writes = count_writes(self._tools.store, stats.log, before, now, table=self.table)
        return self._writes.day(now)

    def run(self) -> TableOutcome:
        """Does what it owes now.

        Raises:
            MaintenanceHeldError: another process maintains it.
            InvariantError: rows are not the same before and after, or were found so before.
            WrongTableError: it is not a table of Headrace.
            StoreError, AccessDeniedError: the store failed; what was done is done.
        """
        try:
            return self._run(self._hold())
        except MaintenanceHeldError:
            self._lease = None  # another process took it over
            raise

    def _run(self, lease: Lease) -> TableOutcome:
        look = self.look()
        self._tell_workers(look.stats, look.plan)
        done = []
        for job in look.plan.jobs:
            if self._tools.stopping():
                break
            if not awaits_quiet(job, self._tools.policy, self._tools.clock.now()):  # the hours may be over meanwhile
                done.append(self._do(job, lease))
                self._tell_workers(look.stats, look.plan)  # jobs may take longer than what was told lasts
        if not done:
            return TableOutcome(look, look.stats, look.day)
        after = self._gather()
        self._tell_workers(after, look.plan)
        return TableOutcome(look, after, self._count(after, lease.record.writes), tuple(done))

    def close(self) -> None:
        """Gives the lease back; the last call."""
        if self._lease is not None:
            try:
                withdraw(self._tools.store, self.table)
            finally:
                self._lease.release()
                self._lease = None

    def _tell_workers(self, stats: TableStats, plan: Plan) -> None:
        debt = owed(stats, self._tools.policy, self._tools.clock.now(), unmergeable=plan.unmergeable)
        publish(self._tools.store, self.table, debt)

    def _gather(self) -> TableStats:
        try:
            stats = self._garbage.look()
        except FileNotFoundError as missing:
            msg = f"there is no table at {missing}"
            raise WrongTableError(msg) from None
        if stats.foreign is not None:
            msg = f"{self._tools.store.uri(self.table)} is left alone: {stats.foreign}"
            raise WrongTableError(msg)
        return stats

    def _hold(self) -> Lease:
        if self._lease is not None and self._lease.record.violation is not None:  # which could not be put down
            self._lease.renew()
            self.close()
        if self._lease is None:
            with suppress(StoreError):  # a torn checkpoint, which is mended below; what is not ours is not touched
                self._gather()
            self._check_rights()
            self._lease = take_lease(self._tools.store, self.table, self._tools.holder, self._tools.clock)
            removed = mend_checkpoint(self._tools.store, self.table)
            if removed is not None:
                log.warning("checkpoint_mended", table=self.table, removed=removed)
        return self._lease

    def _check_rights(self) -> None:
        """Before a file is written that cannot be committed, and then another one at every look."""
        for folder in (self.table, f"{self.table}/_delta_log"):
            self._tools.store.check_writable(folder)

    def _do(self, job: Job, lease: Lease) -> Done:
        began = time.perf_counter()
        lease.renew(writes=self._writes, thrifty=bool(self._thrifty))
        failure: HeadraceError | None = None
        try:
            done = self._work(job, lease)
        except CommitTimeoutError as lost:
            done = Done(job, "conflict", str(lost), conflicts=TRIES)
        except InvariantError as violation:
            failure, done = violation, Done(job, "violation", str(violation))
        except Exception as error:
            if not isinstance(error, HeadraceError) and not is_of_the_store(error):
                raise
            failure = store_failure(error, f"the job {job.kind.value} of {self.table}")
            done = Done(job, "storage", str(failure))
        done = replace(done, seconds=time.perf_counter() - began)
        self._tell(self.table, done)
        if done.outcome == "violation":
            with suppress(HeadraceError):  # else it is put down the next time
                lease.block(done.told)
                self.close()  # whoever takes the lease next, this process too, reads that it is blocked
        if failure is not None:
            raise failure
        return done

    def _work(self, job: Job, lease: Lease) -> Done:
        match job.kind:
            case JobKind.COMPACT | JobKind.SEAL:
                return self._merge(job, lease)
            case JobKind.VACUUM:
                return _deleted(job, self._garbage.delete_expired())
            case JobKind.CHECKPOINT:
                DeltaLog(self._tools.store, self.table).checkpoint()
                return Done(job)
            case JobKind.CLEAN_LOG:
                return _deleted(job, self._garbage.clean_log())
            case JobKind.ORPHANS:
                done = _deleted(job, self._garbage.delete_orphans(self._tools.policy.orphans_most))
                if done.outcome == "done":
                    lease.renew(looked_for_orphans=self._tools.clock.now())
                else:
                    self._orphans_left = self._tools.clock.now()
                return done

    def _merge(self, job: Job, lease: Lease) -> Done:
        subject = self._subject()
        layout = subject.layout
        if layout is None:
            return Done(job, "aborted", "the layout of its files is not known")
        seal = job.kind is JobKind.SEAL
        merge = Merge(job.files, seal, subject.cluster_by if seal else ())
        self._check_rights()
        made = self._tools.rewrite(layout, merge, lease.beat)
        if isinstance(made, Lost):
            return self._set_back(job, lease, made)
        lease.renew()  # whoever has lost it commits nothing
        merged = Exchanger(self._tools.store, self.table, self._note(lease, job), self._tools.pause).exchange(
            merge, made
        )
        if merged.version is None:
            return Done(job, "overtaken", "another writer replaced one of the files", conflicts=merged.conflicts)
        return Done(job, version=merged.version, written=made.file.size, conflicts=merged.conflicts)

    def _set_back(self, job: Job, lease: Lease, lost: Lost) -> Done:
        policy, now = self._tools.policy, self._tools.clock.now()
        lease.renew(setbacks=with_setback(lease.record.setbacks, job, policy, now))
        return Done(job, lost.reason, f"{lost.told}; {ADVICE[lost.reason]}")

    def _note(self, lease: Lease, job: Job) -> Mapping[str, object]:
        return {
            "worker": self._tools.holder,
            "headrace_version": self._tools.version,
            "epoch": lease.record.epoch,
            "job": job.kind.value,
            "reason": job.reason,
        }


def _deleted(job: Job, deleted: Deleted) -> Done:
    if deleted.aborted is not None:
        return Done(job, "aborted", deleted.aborted)
    return Done(job, deleted=deleted.objects)
