"""`headrace rebuild --from TABLE`: a table of all events of the topic, with its quarantine, is as good as the topic."""

import shutil
from itertools import pairwise

import pytest
from pyroaring import BitMap64

import headrace_ingest.rebuild.event_log
import headrace_ingest.rebuild.sources
from headrace.clock import Clock
from headrace.errors import CommitTimeoutError, ConfigError
from headrace.kafka.records import Records
from headrace.lake.quarantine import quarantine_name
from headrace.offsets import OffsetRange
from headrace_ingest.decode import Decoded, Decoder
from headrace_ingest.rebuild.sources import decoded
from tests.behaviour.holdings import LOG
from tests.behaviour.latest import LatestWorld
from tests.behaviour.test_latest_proof import ingest, last_wins
from tests.behaviour.test_rebuild import kept, told
from tests.behaviour.world import TABLE, poison
from tests.faults.effects import in_step


@pytest.fixture
def logged(latest: LatestWorld) -> LatestWorld:
    """A table with a table of all events beside it; some keys were deleted, and came again with earlier times."""
    ingest(latest)
    latest.send(0, at=5, price=5)
    latest.send(0, at=4)
    latest.forget(9)
    latest.topic.append(poison(7), partition=1)
    latest.drain()
    latest.drain_log()
    return latest


@pytest.mark.parametrize("dropped", [False, True], ids=["kept", "dropped"])
def test_a_table_of_all_events_is_as_good_as_the_topic(
    logged: LatestWorld, monkeypatch: pytest.MonkeyPatch, dropped: bool
) -> None:
    monkeypatch.setattr(headrace_ingest.rebuild.event_log, "BATCH_ROWS", 5)
    logged.assert_latest()
    before = kept(logged)
    if dropped:
        for partition, end in logged.positions().items():
            logged.topic.delete_before(partition, end)
    report = logged.rebuild(LOG)
    assert (told(report.comparison), kept(logged), report.carried) == ({}, before, 0)
    assert logged.prove().verdict == "PASS"


def test_what_a_wrong_program_left_is_mended_from_a_table_of_all_events(
    latest: LatestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as wrong:
        last_wins(wrong)
        ingest(latest)
    latest.drain_log()
    with latest.running(flush_seconds=0.05) as worker:
        for account in range(3, 6):
            latest.send(account, at=50)
        latest.forget(6)
        latest.await_all()
        latest.drain_log()
        assert told(latest.rebuild(LOG).comparison)
        latest.send(20, at=1)
        latest.await_all()
        assert worker.alive, worker.failure
    latest.assert_latest()


def test_a_table_of_all_events_that_is_behind_is_waited_for_and_named(logged: LatestWorld) -> None:
    logged.send(1, at=60)
    logged.drain()
    with pytest.raises(CommitTimeoutError, match="headrace ingest fills_log --drain"):
        logged.rebuilder(LOG, commit_deadline_seconds=0.1).run()


def test_tables_that_do_not_keep_all_events_of_the_topic_are_refused(logged: LatestWorld) -> None:
    with pytest.raises(ConfigError, match="not every event"):
        logged.rebuilder(TABLE)
    with pytest.raises(ConfigError, match="there is no table"):
        logged.rebuilder("nowhere")
    logged.memory.recreate("another")
    shutil.rmtree(logged.root / LOG)
    shutil.rmtree(logged.root / quarantine_name(LOG))
    logged.drain_log()
    with pytest.raises(ConfigError, match="not of the same topic"):
        logged.rebuilder(LOG)


def test_a_table_of_all_events_that_begins_later_is_refused(logged: LatestWorld) -> None:
    shutil.rmtree(logged.root / LOG)
    shutil.rmtree(logged.root / quarantine_name(LOG))
    logged.topic.delete_before(0, 2)
    logged.drain_log()
    with pytest.raises(ConfigError, match="does not have all events"):
        logged.rebuild(LOG)


def test_of_what_only_the_log_refused_a_file_is_held_at_a_time(
    latest: LatestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headrace_ingest.rebuild.event_log, "BATCH_ROWS", 20)
    monkeypatch.setattr(headrace_ingest.rebuild.sources, "BATCH_ROWS", 20)
    for number in range(200):
        latest.send(number, at=number, price=number)
    latest.drain()
    with in_step(monkeypatch, records_per_poll=20):
        latest.drain_log(below=10, flush_rows=20, quarantine_max_ratio=1.0)
    held = [0]

    def counted(decoder: Decoder, records: Records, clock: Clock) -> Decoded:
        found = decoded(decoder, records, clock)
        held.append(held[-1] + found.rows.num_rows)
        return found

    monkeypatch.setattr(headrace_ingest.rebuild.event_log, "decoded", counted)
    source, ends = latest.rebuilder(LOG).source, latest.positions()
    windows = {partition: OffsetRange(0, end) for partition, end in ends.items()}
    for events in source.events(windows, {partition: BitMap64() for partition in windows}, lambda _: None):
        held.append(max(0, held[-1] - events.num_rows))
    assert sum(later > before for before, later in pairwise(held)) >= 9
    assert max(held) <= 60

    assert not latest.rebuild(LOG).comparison.differs
    assert latest.prove().verdict == "PASS"
