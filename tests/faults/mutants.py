"""Defects on purpose: each breaks one rule of the protocol, and `test_mutants` names the test that notices.

A mutant is planted by HEADRACE_MUTANT before the tests of a process run; production code knows nothing of it.
"""

import os
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
from confluent_kafka import Consumer as KafkaClient
from confluent_kafka import Message
from deltalake import DeltaTable

import headrace.kafka.consumer
import headrace_ingest.claim
import headrace_ingest.pair
import headrace_ingest.replay.replayer
import headrace_ingest.startup
import headrace_ingest.wiring
from headrace.clock import Clock
from headrace.kafka.client import Properties
from headrace.lake.datafile import DataFile
from headrace.lake.log import DeltaLog
from headrace.lake.store import Store
from headrace.offsets import OffsetRange, SourceId
from headrace_ingest.batch import Batch
from headrace_ingest.claim import Claimer
from headrace_ingest.fencing import FencedPartitions
from headrace_ingest.flush import Trigger
from headrace_ingest.flushed import Flushed
from headrace_ingest.intake import Lease
from headrace_ingest.metrics import WorkerMetrics
from headrace_ingest.replay.replayer import Replayer
from headrace_ingest.replay.report import ReplayReport
from headrace_ingest.replay.selection import Group
from headrace_ingest.worker import Worker
from headrace_ingest.writer import BatchWriter
from tests.faults.latest_mutants import LATEST_MUTANTS
from tests.faults.maintenance_mutants import MAINTENANCE_MUTANTS
from tests.faults.planting import Mutant, patch

SWITCH = "HEADRACE_MUTANT"


_commit: Callable[..., int] = DeltaLog.commit
_claim: Callable[..., list[Lease]] = Claimer.claim


def append_by_uri() -> None:
    """Commits through a new handle, as writing by URI does, and not through the one that was checked."""
    real = DeltaTable.create_write_transaction

    def create_write_transaction(handle: DeltaTable, *args: Any, **more: Any) -> None:
        noted = more["commit_properties"].custom_metadata  # the proof at start, which would notice, carries none
        real(DeltaTable(handle.table_uri) if noted else handle, *args, **more)

    patch(DeltaTable, "create_write_transaction", create_write_transaction)


def skip_the_txn_check() -> None:
    """Commits on a fresh snapshot without asking where the partitions stand."""

    class Agreeable(int):
        def __ne__(self, _other: object) -> bool:
            return False

        __hash__ = int.__hash__

    class Unchecked(DeltaLog):
        def txn(self, app_id: str) -> int | None:
            checking = sys._getframe(1).f_code.co_name == "_attempt" and not app_id.endswith("#owner")
            if checking:
                self.refresh()
            found = super().txn(app_id)
            return Agreeable(found or 0) if checking else found

    for module in (headrace_ingest.startup, headrace_ingest.pair):
        patch(module, "DeltaLog", Unchecked)


def retry_without_reading_again() -> None:
    """Takes an exception for a commit that did not land."""

    def commit(log: DeltaLog, files: Sequence[DataFile], txns: Mapping[str, int], note: Mapping[str, object]) -> int:
        try:
            return _commit(log, files, txns, note)
        except Exception:
            log.refresh()
            return _commit(log, files, txns, note)

    patch(DeltaLog, "commit", commit)


def kafka_offset_before_delta() -> None:
    """Tells the group before the commit."""
    flush = Worker._flush

    def early(worker: Worker, trigger: Trigger) -> None:
        worker.consumer.commit(worker._batch.positions())
        flush(worker, trigger)

    patch(Worker, "_flush", early)


def last_offset_instead_of_next() -> None:
    """Stores the last offset that was read, not the next one to read."""

    def commit(log: DeltaLog, files: Sequence[DataFile], txns: Mapping[str, int], note: Mapping[str, object]) -> int:
        ingest = note["kind"] == "ingest"
        return _commit(log, files, {app: at - 1 if ingest else at for app, at in txns.items()}, note)

    patch(DeltaLog, "commit", commit)


def reset_to(where: str) -> Callable[[], None]:
    """Lets the client jump when the broker does not have a position."""

    def plant() -> None:
        def client(properties: Properties) -> KafkaClient:
            return KafkaClient(properties | {"auto.offset.reset": where})

        patch(headrace.kafka.consumer, "new_consumer", client)

    return plant


def app_id_without_topic_id() -> None:
    """A topic that is created again goes on with the positions of the old one."""

    def app_id(source: SourceId, partition: int) -> str:
        return f"{source.pipeline}/{source.cluster_id}/{partition}"

    patch(SourceId, "app_id", app_id)


def decode_error_objects() -> None:
    """Takes the event of a partition's end for a record."""

    class Blind:
        error = staticmethod(lambda _message: None)
        value, key, headers, timestamp = Message.value, Message.key, Message.headers, Message.timestamp

    patch(headrace.kafka.consumer, "Message", Blind)


def quarantine_after_main() -> None:
    """Moves the position past rejects that are not in the quarantine yet."""
    attempt, write_rejects = BatchWriter._attempt, BatchWriter._write_rejects

    def late(writer: BatchWriter, batch: Batch, epochs: Mapping[int, int], flushed: Flushed) -> None:
        attempt(writer, batch, epochs, flushed)
        write_rejects(writer, batch, epochs, flushed)

    patch(BatchWriter, "_attempt", late)
    patch(BatchWriter, "_write_rejects", lambda *_: None)


def no_owner_claim() -> None:
    """Takes partitions without fencing the quarantine against their last owner."""

    restate = Claimer._restate

    def owned(
        claimer: Claimer, table: str, txns: Callable[[DeltaLog], Mapping[str, int | None]]
    ) -> tuple[DeltaLog, Mapping[str, int | None]]:
        if table == claimer.table:
            return restate(claimer, table, txns)
        quarantine = DeltaLog(claimer.store, table)
        owners = txns(quarantine)
        missing = {owner: 1 for owner in owners if quarantine.txn(owner) is None}
        if missing:
            quarantine.commit_claim(missing)
        return quarantine, dict.fromkeys(owners, 1)

    patch(Claimer, "_restate", owned)


def ignore_what_is_quarantined() -> None:
    """Quarantines again what a dead worker has quarantined."""
    patch(headrace_ingest.claim, "unresolved", lambda _store, _table, positions: {p: frozenset() for p in positions})


def quarantine_as_position() -> None:
    """Goes on after the last quarantined record, although the rows before it have not landed."""

    def claim(claimer: Claimer, partitions: Sequence[int]) -> list[Lease]:
        leases = _claim(claimer, partitions)
        for lease in leases:
            if lease.quarantined:
                lease.position = lease.durable = max(lease.quarantined) + 1
        return leases

    patch(Claimer, "claim", claim)


def empty_ranges_not_committed() -> None:
    """Takes a range without records for nothing to do."""
    write = BatchWriter.write

    def lazy(writer: BatchWriter, batch: Batch, epochs: Mapping[int, int]) -> Flushed:
        return write(writer, batch, epochs) if batch.records else Flushed(positions=batch.positions())

    patch(BatchWriter, "write", lazy)


def creation_by_two() -> None:
    """Publishes version 0 over what is there."""

    def create(store: Store, path: str, data: bytes) -> bool:
        there = (store.local / path).exists() if store.local else False
        if "canary" in path and there:
            return False
        store.put(path, data)
        return True

    patch(Store, "create", create)


def guess_a_started_partition() -> None:
    """Begins at the first record where the table should have a position and has none."""
    real = headrace_ingest.claim.starting_position

    def guess(partition: int, txn: int | None, started: int, available: OffsetRange) -> int:
        return available.start if txn is None else real(partition, txn, started, available)

    for module in (headrace_ingest.claim, headrace_ingest.wiring):
        patch(module, "starting_position", guess)


def delete_in_a_handler() -> None:
    """Takes an exception for a reason to remove the files that were written."""
    resolve = BatchWriter._resolve

    def tidy(writer: BatchWriter, batch: Batch, epochs: Mapping[int, int], flushed: Flushed, **how: Any) -> Batch:
        for file in flushed.files:
            writer._store.delete(f"{writer._target.table}/{file.path}")
        return resolve(writer, batch, epochs, flushed, **how)

    patch(BatchWriter, "_resolve", tidy)


def fight_without_a_group() -> None:
    """Lets the group decide where there is none."""

    class Patient(FencedPartitions):
        def __init__(self, table: str, park_seconds: float | None, clock: Clock) -> None:
            super().__init__(table, park_seconds or 0.1, clock)

    patch(headrace_ingest.wiring, "FencedPartitions", Patient)


@dataclass(frozen=True)
class WallTime:
    """A clock on which waiting ends when somebody sets it forwards."""

    clock: Clock

    def now(self) -> datetime:
        return self.clock.now()

    def monotonic(self) -> float:
        return self.now().timestamp()


def age_by_the_wall_clock() -> None:
    """Measures how long something takes by the time of day."""
    begin = WorkerMetrics.__init__
    patch(
        WorkerMetrics,
        "__init__",
        lambda self, table, topic, clock, **how: begin(self, table, topic, WallTime(clock), **how),
    )


def leave_durability_to_the_system() -> None:
    """Never calls fsync."""
    patch(Store, "sync", lambda _store, _path: None)


def replay_without_looking() -> None:
    """Adds what a replay that died has added."""
    patch(headrace_ingest.replay.replayer, "present", lambda _store, _table, wanted: dict.fromkeys(wanted, frozenset()))


def mark_before_the_rows() -> None:
    """Marks records as replayed before the table has them."""
    land, resolve = Replayer._land, Replayer._resolve

    def early(replayer: Replayer, group: Group, report: ReplayReport) -> dict[int, int]:
        rejects = replayer._decode(group.rows.take(pa.array(group.chosen))).rejects
        made = DeltaLog(replayer._store, report.table).version + 1
        resolve(replayer, group, {row: made for place, row in enumerate(group.chosen) if place not in rejects}, None)
        return land(replayer, group, report)

    patch(Replayer, "_land", early)
    patch(Replayer, "_resolve", lambda *_: True)


def replay_without_its_txn() -> None:
    """Commits under a name that no other replay uses."""
    patch(SourceId, "replay_id", property(lambda source: f"{source.pipeline}/{uuid.uuid4().hex}"))


def replay_beyond_the_position() -> None:
    """Takes records that a worker has yet to account for."""
    patch(Group, "below", lambda group, _positions: list(group.chosen))


def rest_on_what_may_be_lost() -> None:
    """Takes every commit that it finds for durable, whoever made it."""

    class Trusting(DeltaLog):
        def __init__(self, store: Store, table: str) -> None:
            super().__init__(store, table)
            self._durable = self.version

    for module in (headrace_ingest.claim, headrace_ingest.startup, headrace_ingest.pair):
        patch(module, "DeltaLog", Trusting)


def rely_on_a_dead_replay() -> None:
    """Marks what a replay that died has committed, and leaves it to chance whether that is durable."""
    sync = Store.sync

    def unheeding(store: Store, path: str) -> None:
        if sys._getframe(1).f_code.co_name != "_held":
            sync(store, path)

    patch(Store, "sync", unheeding)


_CRASH = "tests/faults/test_crash_points.py::test_a_crash_at_any_effect_loses_and_doubles_nothing"
_RELIED = "tests/faults/test_crash_points.py::test_what_the_next_worker_relied_on_survives_the_loss_of_power"
_POWER = "tests/faults/test_crash_points.py::test_power_loss_at_any_effect_loses_and_doubles_nothing"
_ERROR = "tests/faults/test_crash_points.py::test_an_error_at_any_effect_loses_and_doubles_nothing"
_ZOMBIES = "tests/faults/test_zombie.py::"
_ZOMBIE = f"{_ZOMBIES}test_a_zombie_adds_nothing_and_both_go_on"
_REPLAYS = "tests/faults/test_replay_faults.py::"
_REPLAY_CRASH = f"{_REPLAYS}test_a_replay_that_dies_at_any_effect_is_completed_by_the_next"
_WORKER = "tests/behaviour/test_worker.py::"
_CONSUMER = "tests/behaviour/test_consumer.py::"
_POSITION = f"{_CONSUMER}test_a_position_that_the_broker_does_not_have_is_an_error_and_never_a_jump"

MUTANTS = {
    "append-by-uri": Mutant(append_by_uri, f"{_ZOMBIE}[some-commit ingest-before-process]"),
    "skip-the-txn-check": Mutant(skip_the_txn_check, f"{_ZOMBIE}[good-sync rows of the table-after-process]"),
    "retry-without-reading-again": Mutant(retry_without_reading_again, f"{_ERROR}[answer-lost-commit ingest]"),
    "kafka-offset-before-delta": Mutant(kafka_offset_before_delta, f"{_CRASH}[tell the group]"),
    "last-offset-instead-of-next": Mutant(
        last_offset_instead_of_next, f"{_WORKER}test_the_group_is_told_where_the_table_stands[memory-classic]"
    ),
    "reset-to-earliest": Mutant(reset_to("earliest"), f"{_POSITION}[embedded-beyond-the-end]"),
    "reset-to-latest": Mutant(reset_to("latest"), f"{_POSITION}[embedded-before-the-beginning]"),
    "app-id-without-topic-id": Mutant(
        app_id_without_topic_id, f"{_WORKER}test_positions_are_stored_under_the_topics_own_id"
    ),
    "decode-error-objects": Mutant(
        decode_error_objects, f"{_CONSUMER}test_the_end_of_a_partition_is_not_a_record[embedded]"
    ),
    "quarantine-after-main": Mutant(quarantine_after_main, f"{_CRASH}[commit ingest]"),
    "no-owner-claim": Mutant(
        no_owner_claim,
        f"{_ZOMBIES}test_a_zombie_that_wakes_before_its_successor_flushes_quarantines_nothing",
    ),
    "ignore-what-is-quarantined": Mutant(ignore_what_is_quarantined, f"{_CRASH}[commit quarantine]"),
    "quarantine-as-position": Mutant(quarantine_as_position, f"{_CRASH}[commit quarantine]"),
    "empty-ranges-not-committed": Mutant(
        empty_ranges_not_committed, f"{_WORKER}test_a_range_of_gaps_alone_moves_the_position"
    ),
    "creation-by-two": Mutant(
        creation_by_two, "tests/faults/test_creation.py::test_a_creator_that_is_overtaken_takes_what_is_there"
    ),
    "guess-a-started-partition": Mutant(
        guess_a_started_partition,
        "tests/behaviour/test_worker_positions.py::test_a_position_the_table_should_have_is_not_guessed",
    ),
    "leave-durability-to-the-system": Mutant(leave_durability_to_the_system, f"{_POWER}[gone-tell the group]"),
    "replay-without-looking": Mutant(replay_without_looking, f"{_REPLAY_CRASH}[commit replay]"),
    "mark-before-the-rows": Mutant(mark_before_the_rows, f"{_REPLAY_CRASH}[commit replay]"),
    "replay-without-its-txn": Mutant(
        replay_without_its_txn, f"{_REPLAYS}test_a_replay_that_is_overtaken_at_any_effect_adds_nothing[commit replay]"
    ),
    "replay-beyond-the-position": Mutant(
        replay_beyond_the_position,
        f"{_REPLAYS}test_a_record_whose_position_has_not_moved_is_left_to_the_worker",
    ),
    "fight-without-a-group": Mutant(
        fight_without_a_group,
        "tests/behaviour/test_by_hand.py::test_the_newest_of_two_workers_of_a_partition_goes_on_and_the_other_stops[memory]",
    ),
    "age-by-the-wall-clock": Mutant(
        age_by_the_wall_clock,
        "tests/behaviour/test_clock.py::"
        "test_the_age_of_a_batch_is_time_that_passed_and_not_what_the_wall_clock_says[3600]",
    ),
    "rest-on-what-may-be-lost": Mutant(rest_on_what_may_be_lost, f"{_RELIED}[torn-commit ingest]"),
    "rely-on-a-dead-replay": Mutant(
        rely_on_a_dead_replay,
        f"{_REPLAYS}test_a_record_is_marked_only_when_the_commit_of_a_dead_replay_is_durable",
    ),
    "delete-in-a-handler": Mutant(delete_in_a_handler, f"{_ERROR}[answer-lost-commit ingest]"),
    **LATEST_MUTANTS,
    **MAINTENANCE_MUTANTS,
}


def plant_from_environment() -> None:
    """Plants the mutant that the switch names, if it is set."""
    name = os.environ.get(SWITCH)
    if name:
        MUTANTS[name].plant()
