"""The replay, group by group: first the rows, then the mark in the quarantine.

Whatever a replay is interrupted by, the next one finds the group as it was, or its rows in the table and the mark
missing. It looks for rows before it adds any, so it needs no memory of the one before.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

import pyarrow as pa

from headrace.clock import Clock, Deadline
from headrace.errors import CommitTimeoutError, InvariantError
from headrace.lake.contents import active_files
from headrace.lake.datafile import write_files
from headrace.lake.event_times import noted
from headrace.lake.failures import is_conflict, is_of_the_store, store_failure
from headrace.lake.log import DeltaLog, commit_path, notes
from headrace.lake.presence import present
from headrace.lake.quarantine import quarantine_layout, quarantine_name, quarantined, records_of, resolved
from headrace.lake.racing import retry_pause
from headrace.lake.rewrite import Exchange, replace_files
from headrace.lake.store import Store
from headrace.logs import get_logger
from headrace.offsets import Address
from headrace_ingest.checkpoints import checkpoint_due
from headrace_ingest.decode import Decoded, Decoder
from headrace_ingest.replay.report import ReplayReport
from headrace_ingest.replay.selection import COLUMNS, Group, Selection, grouped
from headrace_ingest.writer import Target, worker_name

# Another pass means that somebody else has settled or compacted a group meanwhile.
_PASSES = 20

T = TypeVar("T")

log = get_logger(__name__)


class Replayer:
    """Replays the quarantine of one table. Safe beside workers, proofs and other replays; one thread uses it.

    Args:
        store: where the tables lie.
        target: which tables.
        decoder: of today's contract.
        clock: time.
        pause: waits that many seconds.
    """

    def __init__(
        self, store: Store, target: Target, decoder: Decoder, clock: Clock, pause: Callable[[float], object]
    ) -> None:
        self._store = store
        self._target = target
        self._decoder = decoder
        self._clock = clock
        self._pause = pause
        self._main = DeltaLog(store, target.table)

    def run(self, selection: Selection, *, dry_run: bool = False) -> ReplayReport:
        """Brings home what can come home of `selection`.

        Raises:
            CommitTimeoutError: other writers kept winning.
            StoreError, AccessDeniedError: the store failed; what is not done is done by the next replay.
            WrongTableError: another tool has made the quarantine unchangeable.
            InvariantError: records and rows do not add up, or a record is in both tables and no replay put it there.
        """
        report = ReplayReport(self._target.table, dry_run)
        for _ in range(_PASSES):
            report.look_again()
            if self._pass(selection, report):
                return report
        msg = f"the quarantine of {self._target.table} kept changing; what was replayed stays: run the replay again"
        raise CommitTimeoutError(msg)

    def _pass(self, selection: Selection, report: ReplayReport) -> bool:
        """Settles every group; False if one was changed by somebody else."""
        settled = True
        for group in grouped(self._files(selection)):
            # Before all: a rebuild that is counted from here on does not know what this lands.
            rebuilds = self._persist(self._rebuilds)
            # Step 1. The rows, in one commit with the txn that refuses a second replay.
            versions = self._persist(partial(self._land, group, report))
            # Step 2. Only when they are durable is the record's only other copy marked as settled.
            if not report.dry_run:
                settled &= self._resolve(group, versions, rebuilds)
        return settled

    def _files(self, selection: Selection) -> Iterator[Group]:
        """The files of the quarantine that hold something to replay."""
        table = self._target.table
        for file in self._persist(partial(active_files, self._store, quarantine_name(table))):
            if selection.chosen(self._persist(partial(quarantined, self._store, table, file.path, COLUMNS))):
                rows = self._persist(partial(quarantined, self._store, table, file.path))
                yield Group((file.path,), rows, tuple(selection.chosen(rows)))

    def _land(self, group: Group, report: ReplayReport) -> dict[int, int]:
        """Makes rows of the group's records; per index of a row the version of the table that holds it.

        1. The handle that will commit is moved to the newest version.
        2. What the table holds is asked of that version or a later one: no other replay can then come in between.
        3. The other records are decoded, and their files become durable.
        4. Rows and the replay's txn are committed together, refused if another replay has committed since step 1.
        """
        self._main.refresh()
        number = self._main.txn(self._target.source.replay_id) or 0
        below = group.below(self._positions(group))
        places = {row: group.places[row] for row in below}
        held = self._held(list(places.values()))
        versions = {row: held[place] for row, place in places.items() if place in held}
        absent = [row for row in below if row not in versions]
        decoded = self._decode(group.rows.take(pa.array(absent, pa.int64())))
        landed = [row for place, row in enumerate(absent) if place not in decoded.rejects]
        if landed and not report.dry_run:
            made = self._commit(decoded, [places[row] for row in landed], number + 1)
            versions |= dict.fromkeys(landed, made)
            report.versions.append(made)
        report.pending += len(group.chosen) - len(below)
        report.refused.update(rejection.reason.value for rejection in decoded.rejects.values())
        report.replayed += len(landed)
        report.finished += sum(version not in report.versions for version in versions.values())
        return versions

    def _positions(self, group: Group) -> dict[int, int]:
        partitions = {partition for partition, _ in map(group.places.__getitem__, group.chosen)}
        return {p: self._main.txn(self._target.source.app_id(p)) or 0 for p in partitions}

    def _held(self, places: Sequence[Address]) -> dict[Address, int]:
        """Those of `places` that are rows already, with the version that made them so, durable.

        Raises:
            InvariantError: it was no replay.
        """
        asked: dict[int, list[int]] = defaultdict(list)
        for partition, offset in places:
            asked[partition].append(offset)
        found = present(self._store, self._target.table, asked)
        unnamed = {(p, o) for p, offsets in found.items() for o in offsets}
        held: dict[Address, int] = {}
        if not unnamed:
            return held
        newest = version = DeltaLog(self._store, self._target.table).version
        for version, note in notes(self._store, self._target.table, newest):
            named = unnamed & _named(note)
            if named:
                # Its maker may have died before it could; from here on the quarantine will rely on it.
                self._store.sync(commit_path(self._target.table, version))
                held |= dict.fromkeys(named, version)
                unnamed -= named
            if not unnamed:
                return held
        if version == 0:
            partition, offset = min(unnamed)
            msg = (
                f"{len(unnamed)} records are in {self._target.table} and, unresolved, in its quarantine, and no replay "
                f"put them there, the first at offset {offset} of partition {partition}: run headrace verify"
            )
            raise InvariantError(msg)
        # The commit that would name them is no longer retained, and so has long been durable.
        return held | dict.fromkeys(unnamed, newest)

    def _decode(self, rows: pa.Table) -> Decoded:
        records = records_of(rows)
        decoded = self._decoder.decode(records, self._clock.now())
        decoded.check(len(records))
        return decoded

    def _commit(self, decoded: Decoded, places: Sequence[Address], number: int) -> int:
        rows = pa.Table.from_batches([decoded.rows])
        files = write_files(self._store, self._target.layout, rows)
        note = {
            **self._note("replay"),
            **noted(rows, self._target.event_time),
            "offsets": by_partition(places),
            "files": {file.path: {"sha256": file.sha256} for file in files},
        }
        return self._main.commit(files, {self._target.source.replay_id: number}, note)

    def _rebuilds(self) -> int | None:
        """How many rebuilds of the table were begun."""
        return DeltaLog(self._store, quarantine_name(self._target.table)).txn(self._target.source.rebuild_id)

    def _resolve(self, group: Group, versions: Mapping[int, int], rebuilds: int | None) -> bool:
        """Marks what has landed, in files that replace the group's.

        Returns:
            False if they are no longer there, or if a rebuild was begun: it may leave out what was not marked yet.
        """
        if not versions:
            return True
        name = quarantine_name(self._target.table)
        rows = resolved(group.rows, [versions.get(row) for row in range(group.rows.num_rows)], self._clock.now())
        files = self._persist(partial(write_files, self._store, quarantine_layout(self._target.table), rows))
        fence = (self._target.source.rebuild_id, rebuilds)
        exchange = Exchange(group.paths, files, self._note("resolve"), changes=True, unless=fence)
        made = self._persist(partial(replace_files, self._store, name, exchange))
        self._checkpoint(self._target.table, max(versions.values()))
        if made is not None:
            self._checkpoint(name, made)
        return made is not None

    def _note(self, kind: str) -> dict[str, object]:
        return {
            "kind": kind,
            "batch": uuid.uuid4().hex,
            "worker": worker_name(),
            "headrace_version": self._target.version,
        }

    def _checkpoint(self, table: str, version: int) -> None:
        """Whoever made a version that gets a checkpoint writes it."""
        every, now = self._target.checkpoint_every, self._clock.now()
        try:
            if checkpoint_due(self._store, table, version, every=every, now=now):
                DeltaLog(self._store, table).checkpoint()
        except Exception as error:
            log.warning("checkpoint_failed", table=table, version=version, error=str(error))

    def _persist(self, step: Callable[[], T]) -> T:
        """Does a step, again after a conflict until the deadline. Every step may be done twice."""
        deadline = Deadline.after(self._target.deadline_seconds, self._clock)
        attempts = 0
        while True:
            attempts += 1
            try:
                return step()
            except Exception as failure:
                if not is_of_the_store(failure):
                    raise
                if not is_conflict(failure):
                    raise store_failure(failure, f"replaying the quarantine of {self._target.table}") from failure
                if deadline.expired():
                    msg = (
                        f"the replay into {self._target.table} lost against other writers {attempts} times in "
                        f"{self._target.deadline_seconds:g} s; what was replayed stays: run it again"
                    )
                    raise CommitTimeoutError(msg) from failure
                self._pause(retry_pause(attempts - 1))
                self._main = DeltaLog(self._store, self._target.table)


def by_partition(places: Iterable[Address]) -> dict[str, list[int]]:
    """Offsets as the note of a commit names them."""
    offsets: dict[str, list[int]] = defaultdict(list)
    for partition, offset in sorted(places):
        offsets[str(partition)].append(offset)
    return offsets


def _named(note: Mapping[str, object]) -> set[Address]:
    """The places that a commit says it replayed."""
    if note.get("kind") != "replay":
        return set()
    offsets = note.get("offsets")
    return {(int(p), o) for p, listed in offsets.items() for o in listed} if isinstance(offsets, dict) else set()
