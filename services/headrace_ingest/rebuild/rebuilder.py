"""A rebuild, step by step: build beside, compare, and put in place by one commit.

Workers, proofs and maintenance go on meanwhile. Whatever a rebuild is interrupted by, the table is the old one or the
new one; the next rebuild begins from nothing.
"""

import tempfile
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from headrace.clock import Clock, Deadline
from headrace.errors import CommitTimeoutError, HeadraceError, WrongTableError
from headrace.lake.by_hand.committing import Change, commit_next_or_lose
from headrace.lake.event_times import NOTED
from headrace.lake.failures import is_conflict, store_failure
from headrace.lake.latest.live import LiveFile, LiveFiles
from headrace.lake.log import DeltaLog
from headrace.lake.quarantine import quarantine_name
from headrace.lake.racing import retry_pause
from headrace.lake.tables import check_table, starts_of
from headrace.lake.upkeep.debt import plea_path, plead
from headrace.logs import get_logger
from headrace.offsets import partition_of
from headrace_ingest.checkpoints import checkpoint_due
from headrace_ingest.rebuild.building import Build, Progress, Subject
from headrace_ingest.rebuild.moving import Mover
from headrace_ingest.rebuild.report import RebuildReport
from headrace_ingest.rebuild.sources import BeginAgainError, Source
from headrace_ingest.writer import worker_name

# Another build means that a replay came in between, or that retention was faster than reading.
_BUILDS = 5

# By then workers have heard that they are asked to flush less often.
_LOST_BEFORE_PLEADING = 3

log = get_logger(__name__)


@dataclass(frozen=True)
class Rebuilder:
    """Rebuilds one table. One thread uses it.

    Attributes:
        subject: the table.
        source: of its events.
        clock: time.
        pause: waits that many seconds.
        progress: told how far it is.
    """

    subject: Subject
    source: Source
    clock: Clock
    pause: Callable[[float], object]
    progress: Progress

    def run(self, *, dry_run: bool = False) -> RebuildReport:
        """Rebuilds the table.

        Args:
            dry_run: whether only to build beside and compare; nothing of the lake is written.

        Raises:
            CommitTimeoutError: the table kept changing; it is as it was.
            PositionLostError: the source does not have what the table was filled from.
            ContractError: a record of the source is neither an event nor in the quarantine.
            WrongTableError: the table was given other columns meanwhile, and is as it was otherwise.
            StoreError, AccessDeniedError: the store failed; the table is the old one or the new one.
            HeadraceError: the source cannot be read.
        """
        for _ in range(_BUILDS):
            with tempfile.TemporaryDirectory(prefix="headrace-rebuild-") as folder:
                try:
                    return self._run(Path(folder), dry_run=dry_run)
                except BeginAgainError as why:
                    log.info("rebuild_begins_again", table=self.subject.name, reason=str(why))
        msg = f"{self.subject.name} kept changing while it was rebuilt, and is as it was: run it again"
        raise CommitTimeoutError(msg)

    def _run(self, folder: Path, *, dry_run: bool) -> RebuildReport:
        """One build.

        1. The number of replays is noted. One that commits from here on makes all this begin again.
        2. The rebuild is counted in the quarantine: whatever a replay has landed before, it cannot mark any more.
           So what is unmarked from here on is no row of the new table, and the replay lands it again.
        3. The table is pinned, and everything up to its positions is built beside and compared with it.
        4. The new rows take the place of the old ones.
        """
        store, name = self.subject.store, self.subject.name
        main = DeltaLog(store, name)
        check_table(main, self.subject.spec)
        replays = main.txn(self.subject.source.replay_id) or 0
        if not dry_run:
            self._count()
        live = LiveFiles(store, name)
        files = live.at(main.version)
        positions = self._positions(live)
        build = Build.new(self.subject, self.source, self.progress, folder / "beside")
        build.begin(starts_of(main, positions), positions, files)
        scratch = folder / "compared"
        scratch.mkdir()
        report = RebuildReport(name, self.source.name, dry_run, compared_version=main.version)
        report.comparison = build.compare(files, scratch)
        if not dry_run:
            report.version = self._put_in_place(main, live, build, replays)
        report.positions, report.read, report.carried = build.positions, build.read, build.carried
        report.rows = sum(file.live for file in build.shadow.files())
        return report

    def _positions(self, live: LiveFiles) -> dict[int, int]:
        """Of every partition that has one."""
        source = self.subject.source
        known = {app_id: partition_of(app_id) for app_id in live.txns}
        return {p: live.txns[a] for a, p in known.items() if p is not None and a == source.app_id(p)}

    def _count(self) -> None:
        """Says in the quarantine that there is one more; where another rebuild says so meanwhile, that does as well.

        Raises:
            CommitTimeoutError: other commits to the quarantine were faster until the deadline.
        """
        quarantine = DeltaLog(self.subject.store, quarantine_name(self.subject.name))
        app_id = self.subject.source.rebuild_id
        before = quarantine.txn(app_id) or 0
        note = {"kind": "rebuild", "batch": uuid.uuid4().hex, "worker": worker_name()}
        deadline = Deadline.after(self.subject.deadline_seconds, self.clock)
        while (quarantine.txn(app_id) or 0) == before:
            if deadline.expired():
                msg = f"others kept committing to {quarantine.table}: nothing was changed, run it again"
                raise CommitTimeoutError(msg)
            try:
                quarantine.commit([], {app_id: before + 1}, note)
            except Exception as error:
                if not is_conflict(error):
                    raise store_failure(error, f"counting the rebuild of {self.subject.name}") from error
            quarantine.refresh()

    def _put_in_place(self, main: DeltaLog, live: LiveFiles, build: Build, replays: int) -> int:
        """Exchanges all files for the new ones, as the very next version after one that the build has caught up with.

        Raises:
            BeginAgainError: a replay came in between.
            CommitTimeoutError: workers were faster until the deadline.
            WrongTableError: the table was given columns that the new rows lack.
        """
        name = self.subject.name
        mover = Mover(build.shadow.store, self.subject.store, name)
        deadline = Deadline.after(self.subject.deadline_seconds, self.clock)
        mover.move(build.shadow.files())
        attempts = 0
        try:
            while True:
                main.refresh()
                check_table(main, self.subject.spec)
                if (main.txn(self.subject.source.replay_id) or 0) != replays:
                    msg = "a replay has changed the table"
                    raise BeginAgainError(msg)
                old = live.at(main.version)
                build.extend(self._positions(live))
                made = self._commit(main, old, build, mover)
                if made is not None:
                    break
                attempts += 1
                if deadline.expired():
                    msg = (
                        f"workers of {name} committed faster than the last records could be read {attempts} times in "
                        f"{self.subject.deadline_seconds:g} s; it is as it was. Stop them for a moment, or run this "
                        "again when fewer events come"
                    )
                    raise CommitTimeoutError(msg)
                self._wait(attempts)
        except (BeginAgainError, CommitTimeoutError, WrongTableError):
            mover.forget()
            raise
        finally:
            if attempts >= _LOST_BEFORE_PLEADING:
                with suppress(HeadraceError):
                    self.subject.store.delete(plea_path(name))
        mover.forget(but={file.path for file in build.shadow.files()})
        self._checkpoint(made)
        return made

    def _wait(self, attempts: int) -> None:
        if attempts == _LOST_BEFORE_PLEADING:
            plead(self.subject.store, self.subject.name, self.clock.now())
        self.pause(retry_pause(attempts - 1))

    def _commit(self, main: DeltaLog, old: Sequence[LiveFile], build: Build, mover: Mover) -> int | None:
        """The version that was made; None if somebody else made it."""
        files = build.shadow.files()
        mover.move(files)
        at = int(self.clock.now().timestamp() * 1000)
        actions = [*(file.removal(at) for file in old), *mover.additions(files)]
        app_id = self.subject.source.app_id
        note = {
            "worker": worker_name(),
            "headrace_version": self.subject.version,
            "source": self.source.name,
            "rows": build.shadow.keys(),
            NOTED: build.times,
            "files": mover.digests(files),
        }
        txns = {app_id(partition): position for partition, position in build.positions.items()}
        return commit_next_or_lose(main, Change("rebuild", "MERGE", actions, txns, note))

    def _checkpoint(self, version: int) -> None:
        """Whoever made a version that gets a checkpoint writes it."""
        store, name = self.subject.store, self.subject.name
        try:
            if checkpoint_due(store, name, version, every=self.subject.checkpoint_every, now=self.clock.now()):
                DeltaLog(store, name).checkpoint()
        except Exception as error:
            log.warning("checkpoint_failed", table=name, version=version, error=str(error))
