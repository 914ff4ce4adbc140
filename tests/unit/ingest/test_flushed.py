"""What the writer hands back for reports: each attempt that raised, and each record that went to the quarantine."""

from pathlib import Path

import pytest
from deltalake import DeltaTable

from headrace.errors import BrokerUnreachableError
from headrace.lake.log import commit_path
from headrace.testing.disk import UnsurelyDurableStore
from headrace.testing.manual_clock import ManualClock
from headrace.testing.numbers import SOURCE, NumbersTable
from headrace_ingest.flushed import FailedAttempt, FailureKind
from headrace_ingest.pair import TablePair
from headrace_ingest.writer import BatchWriter
from tests.unit.ingest.flushing import TARGET, make_batch, make_rivalled_batch, make_writer

MAIN, QUARANTINE = "numbers", "numbers__quarantine"


@pytest.fixture
def table(tmp_path: Path) -> NumbersTable:
    return NumbersTable.create(str(tmp_path), {0: 0, 1: 0})


def test_a_flush_that_goes_well_reports_its_rejects_and_no_failure(table: NumbersTable) -> None:
    batch = make_batch({0: (0, 4), 1: (0, 3)}, {0: [2], 1: [0, 1]})
    flushed = make_writer(table.store).write(batch, table.claim([0, 1]))
    assert (flushed.attempts, flushed.failures, flushed.quarantined.total()) == (1, [], 3)


def test_a_conflict_is_one_of_the_main_table_once_the_rejects_are_committed(table: NumbersTable) -> None:
    def touch() -> None:
        DeltaTable(table.store.uri("numbers")).alter.set_table_properties({"delta.appendOnly": "false"})

    batch = make_rivalled_batch({0: (0, 4)}, {0: [2]}, rival=touch)
    flushed = make_writer(table.store).write(batch, table.claim([0]))
    assert (flushed.attempts, flushed.failures) == (2, [FailedAttempt(MAIN, FailureKind.CONFLICT)])
    assert flushed.quarantined.total() == 1


def test_an_owner_that_was_followed_is_fenced_at_the_quarantine(table: NumbersTable) -> None:
    earlier = table.claim([0, 1])
    table.claim([0])
    flushed = make_writer(table.store).write(make_batch({0: (0, 4), 1: (0, 3)}, {0: [2], 1: [1]}), earlier)
    assert flushed.failures == [FailedAttempt(QUARANTINE, FailureKind.FENCED)]
    assert flushed.quarantined.total() == 1


def test_a_position_that_moved_is_fenced_at_the_main_table(table: NumbersTable) -> None:
    writer, epochs = make_writer(table.store), table.claim([0])
    table.main().commit([], {SOURCE.app_id(0): 4}, {"batch": "of another worker"})
    flushed = writer.write(make_batch({0: (0, 4)}), epochs)
    assert (flushed.failures, flushed.version) == ([FailedAttempt(MAIN, FailureKind.FENCED)], None)


def test_a_store_that_raised_after_the_commit_is_a_failure_that_landed(tmp_path: Path, table: NumbersTable) -> None:
    store = UnsurelyDurableStore(str(tmp_path), lambda path: path == commit_path(MAIN, 1))
    flushed = make_writer(store).write(make_batch({0: (0, 4)}), table.claim([0]))
    assert (flushed.failures, flushed.attempts) == ([FailedAttempt(MAIN, FailureKind.STORE)], 1)
    assert flushed.version == 1


def test_a_broker_that_cannot_prove_the_topic_is_a_failure_of_its_own(table: NumbersTable) -> None:
    answers = iter((False, True))

    def prove() -> None:
        if not next(answers):
            msg = "nobody answers"
            raise BrokerUnreachableError(msg)

    clock = ManualClock()
    writer = BatchWriter(TablePair.open(table.store, MAIN), TARGET, clock, clock.advance, prove_topic=prove)
    flushed = writer.write(make_batch({0: (0, 4)}, {0: [1]}), table.claim([0]))
    assert flushed.failures == [FailedAttempt(MAIN, FailureKind.BROKER)]
    assert (flushed.quarantined.total(), flushed.positions) == (1, {0: 4})
