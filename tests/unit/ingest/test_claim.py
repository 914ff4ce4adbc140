import dataclasses
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deltalake.exceptions import CommitFailedError

from headrace.clock import SystemClock
from headrace.errors import CommitTimeoutError, PositionLostError, StoreError
from headrace.lake.datafile import write_files
from headrace.lake.quarantine import quarantine_layout, quarantine_rows
from headrace.lake.upkeep.debt import Debt, publish
from headrace.offsets import OffsetRange, SourceId
from headrace.testing.numbers import SOURCE, NumbersTable, number_reject
from headrace.testing.race import race
from headrace_ingest.claim import Claimer, starting_position


def _claimer(table: NumbersTable, *, source: SourceId = SOURCE, pause: Callable[[float], object] = float) -> Claimer:
    return Claimer(table.store, "numbers", source, lambda _: OffsetRange(0, 100), pause, SystemClock())


@pytest.fixture
def table(tmp_path: Path) -> NumbersTable:
    return NumbersTable.create(str(tmp_path), {0: 5, 1: 7})


def _quarantine_alone(table: NumbersTable, offset: int, epoch: int) -> None:
    """What a worker leaves that dies between the commit to the quarantine and the one to the main table."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    rows = quarantine_rows(
        [number_reject(0, offset)], contract="numbers", contract_version=1, headrace_version="0.1.0", at=at
    )
    files = write_files(table.store, quarantine_layout("numbers"), rows)
    table.quarantine().commit(files, {SOURCE.owner_id(0): epoch}, {"kind": "quarantine", "batch": str(offset)})


def test_first_claim_gives_the_positions_of_version_0(table: NumbersTable) -> None:
    leases = _claimer(table).claim([0, 1])
    assert [(lease.partition, lease.epoch, lease.position, lease.durable) for lease in leases] == [
        (0, 1, 5, 5),
        (1, 1, 7, 7),
    ]
    assert not any(lease.anchored or lease.quarantined for lease in leases)


def test_each_claim_raises_the_owner_of_its_partitions_alone(table: NumbersTable) -> None:
    claimer = _claimer(table)
    claimer.claim([0])
    assert [lease.epoch for lease in claimer.claim([0, 1])] == [2, 1]
    quarantine = table.quarantine()
    assert (quarantine.txn(SOURCE.owner_id(0)), quarantine.txn(SOURCE.owner_id(1))) == (2, 1)


def test_claim_refuses_what_an_earlier_owner_has_checked_and_not_committed(table: NumbersTable) -> None:
    earlier = table.main()
    before = earlier.txn(SOURCE.app_id(0))
    _claimer(table).claim([0, 1])
    assert table.main().txn(SOURCE.app_id(0)) == before
    with pytest.raises(CommitFailedError):
        earlier.commit([], {SOURCE.app_id(0): 9}, {"batch": "x"})


def test_claim_that_makes_a_hundredth_version_writes_its_checkpoint(tmp_path: Path, table: NumbersTable) -> None:
    claimer = dataclasses.replace(_claimer(table), checkpoint_every=10)
    for _ in range(10):
        claimer.claim([0])
    for name in ("numbers", "numbers__quarantine"):
        assert (tmp_path / name / "_delta_log" / f"{10:020d}.checkpoint.parquet").exists()


def test_claim_leaves_the_checkpoint_to_maintenance(tmp_path: Path, table: NumbersTable) -> None:
    claimer = dataclasses.replace(_claimer(table), checkpoint_every=10)
    for name in ("numbers", "numbers__quarantine"):
        publish(table.store, name, Debt(0, "none", claimer.clock.now() + timedelta(minutes=1)))
    for _ in range(10):
        claimer.claim([0])
    assert list(tmp_path.rglob("*.checkpoint.parquet")) == []


def test_position_is_the_one_of_the_last_commit(table: NumbersTable) -> None:
    table.main().commit([], {SOURCE.app_id(0): 42}, {"batch": "x"})
    assert _claimer(table).claim([0])[0].position == 42


def test_records_quarantined_beyond_the_position_come_with_the_lease(table: NumbersTable) -> None:
    epoch = table.claim([0])[0]
    for offset in (4, 6, 7):
        _quarantine_alone(table, offset, epoch)
    lease, other = _claimer(table).claim([0, 1])
    assert (lease.position, lease.quarantined) == (5, frozenset({6, 7}))
    assert other.quarantined == frozenset()


def test_processes_that_claim_at_once_get_different_epochs(tmp_path: Path, table: NumbersTable) -> None:
    printed = race(Path(__file__).parent / "race_claim.py", [[str(tmp_path)]] * 4)
    claims = [epochs for line in printed for epochs in json.loads(line)]
    assert sorted(claims) == [[epoch, epoch] for epoch in range(1, 13)]
    assert table.quarantine().txn(SOURCE.owner_id(0)) == 12


class _RivalledSource(SourceId):
    """A claimer asks for owners between reading the quarantine and its commit: then the rival acts."""

    rival: Callable[[], object]
    times: int

    def owner_id(self, partition: int) -> str:
        if self.times > 0:
            _RivalledSource.times -= 1
            self.rival()
        return super().owner_id(partition)


def _rivalled(rival: Callable[[], object], *, times: int = 1) -> SourceId:
    _RivalledSource.rival, _RivalledSource.times = staticmethod(rival), times
    return _RivalledSource(SOURCE.pipeline, SOURCE.cluster_id, SOURCE.topic_id)


def test_lost_claim_is_made_again_above_the_rival(table: NumbersTable) -> None:
    pauses: list[float] = []
    lease = _claimer(table, source=_rivalled(lambda: table.claim([0])), pause=pauses.append).claim([0])[0]
    assert (lease.epoch, len(pauses)) == (2, 1)


def test_claim_that_is_always_lost_gives_up(table: NumbersTable) -> None:
    with pytest.raises(CommitTimeoutError, match="lost against other workers 20 times"):
        _claimer(table, source=_rivalled(lambda: table.claim([0]), times=1_000)).claim([0])


def test_position_that_the_last_owner_commits_during_the_claim_is_the_one_to_go_on_from(table: NumbersTable) -> None:
    last_owner = table.main()
    source = _rivalled(lambda: last_owner.commit([], {SOURCE.app_id(0): 9}, {"batch": "x"}))
    lease = _claimer(table, source=source).claim([0])[0]
    assert (lease.position, lease.durable) == (9, 9)


def test_rejects_that_the_last_owner_quarantines_during_the_claim_are_known(table: NumbersTable) -> None:
    epoch = table.claim([0])[0]
    source = _rivalled(lambda: _quarantine_alone(table, 8, epoch))
    lease = _claimer(table, source=source).claim([0])[0]
    assert (lease.epoch, lease.quarantined) == (2, frozenset({8}))


def test_quarantine_that_cannot_be_written_stops_the_claim(tmp_path: Path, table: NumbersTable) -> None:
    shutil.rmtree(tmp_path / "numbers__quarantine")
    (tmp_path / "numbers__quarantine").write_text("")
    with pytest.raises(StoreError):
        _claimer(table).claim([0])


@pytest.mark.parametrize(
    ("txn", "started", "available", "expected"),
    [
        (5, 1, OffsetRange(0, 9), 5),
        (0, 1, OffsetRange(0, 0), 0),
        (9, 1, OffsetRange(9, 9), 9),
        (3, 0, OffsetRange(0, 9), 3),
    ],
)
def test_recorded_position_is_where_reading_goes_on(
    txn: int, started: int, available: OffsetRange, expected: int
) -> None:
    assert starting_position(0, txn, started, available) == expected


def test_added_partition_begins_at_its_first_record() -> None:
    assert starting_position(2, None, 2, OffsetRange(0, 50)) == 0


@pytest.mark.parametrize(
    ("partition", "txn", "available", "message"),
    [
        (0, 4, OffsetRange(5, 9), "the table's position is 4, the broker has 5 to 9"),
        (0, 10, OffsetRange(5, 9), "the table's position is 10, the broker has 5 to 9"),
        (1, None, OffsetRange(0, 9), "no position for partition 1, although version 0 did"),
        (2, None, OffsetRange(3, 9), "partition 2 was added .* begins at 3"),
    ],
    ids=["records deleted", "log truncated", "position missing", "added and deleted"],
)
def test_position_that_cannot_be_continued_stops_the_worker(
    partition: int, txn: int | None, available: OffsetRange, message: str
) -> None:
    with pytest.raises(PositionLostError, match=message):
        starting_position(partition, txn, 2, available)
