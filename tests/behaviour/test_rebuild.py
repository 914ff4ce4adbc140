"""`headrace rebuild`: the table that all events make, in the place of the one that is there."""

from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake import DeltaTable

import headrace_ingest.rebuild.comparing
import headrace_ingest.rebuild.event_log
import headrace_ingest.rebuild.sources
from headrace.errors import (
    ContractError,
    PositionLostError,
    StoreError,
    TopicRecreatedError,
)
from headrace.lake.latest.upserter import Upserter
from headrace.lake.quarantine import quarantine_name
from headrace.read.proof.findings import Code
from headrace_ingest.rebuild.report import Comparison
from headrace_ingest.rebuild.wiring import subject_of
from tests.behaviour.latest import LatestWorld
from tests.behaviour.test_latest_proof import (
    dearer,
    ingest,
    last_wins,
    renamed,
    upserting,
    without_seven,
    without_tombstones,
    wrong_vectors,
)
from tests.behaviour.topics import MemoryTopic
from tests.behaviour.world import TABLE, Row, World, fill, poison


def told(found: Comparison) -> dict[str, int]:
    """The counts of differences that are not zero."""
    kinds = ("missing", "surplus", "other_event", "other_value", "duplicate")
    counts = {kind: getattr(found, kind) for kind in kinds} | {"unreadable": len(found.unreadable)}
    return {kind: count for kind, count in counts.items() if count}


def kept(latest: LatestWorld) -> list[Row]:
    """Rows in the order of their keys, but for when they were written."""
    rows = [{name: value for name, value in row.items() if name != "_ingested_at"} for row in latest.rows()]
    return sorted(rows, key=lambda row: str(row["account"]))


def test_a_table_that_is_right_is_put_in_place_as_it_was(latest: LatestWorld) -> None:
    ingest(latest)
    before, positions, quarantined = kept(latest), latest.positions(), latest.rows(quarantine_name(TABLE))

    report = latest.rebuild()

    assert (told(report.comparison), report.comparison.same, report.rows) == ({}, 7, 7)
    assert report.version == latest.table().version()
    assert (kept(latest), latest.positions(), report.positions) == (before, positions, positions)
    assert latest.rows(quarantine_name(TABLE)) == quarantined
    assert latest.notes()[-1]["kind"] == "rebuild"
    latest.assert_latest()


DEFECTS = [
    pytest.param(upserting(dearer), {"other_value": 7}, id="value"),
    pytest.param(upserting(renamed), {"missing": 1, "surplus": 1}, id="key"),
    pytest.param(upserting(without_seven), {"missing": 1}, id="missing"),
    pytest.param(upserting(without_tombstones), {"surplus": 3}, id="undeleted"),
    pytest.param(last_wins, {"other_event": 6}, id="outdated"),
]


@pytest.mark.parametrize("share", [250_000, 2], ids=["at once", "in shares"])
@pytest.mark.parametrize(("defect", "differences"), DEFECTS)
def test_what_a_wrong_program_left_is_told_and_mended(
    latest: LatestWorld,
    monkeypatch: pytest.MonkeyPatch,
    defect: Callable[[pytest.MonkeyPatch], None],
    differences: dict[str, int],
    share: int,
) -> None:
    monkeypatch.setattr(headrace_ingest.rebuild.comparing, "SHARE_ROWS", share)
    with monkeypatch.context() as wrong:
        defect(wrong)
        ingest(latest)
    assert latest.found()

    report = latest.rebuild()

    assert told(report.comparison) == differences
    assert len(report.comparison.examples) == sum(differences.values())
    latest.assert_latest()


def test_keys_with_two_rows_and_wrong_vectors_are_mended(latest: LatestWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as wrong:
        wrong_vectors(wrong)
        ingest(latest)
    assert Code.DUPLICATE in latest.found_in_files()
    assert told(latest.rebuild().comparison).keys() >= {"duplicate", "missing"}
    latest.assert_latest()


def test_a_dry_run_tells_the_same_and_writes_nothing(latest: LatestWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as wrong:
        last_wins(wrong)
        ingest(latest)
    before = {path: path.stat().st_mtime_ns for path in latest.root.rglob("*")}
    report = latest.rebuild(dry_run=True)
    assert report.comparison.differs
    assert report.version is None
    assert {path: path.stat().st_mtime_ns for path in latest.root.rglob("*")} == before
    example = report.comparison.examples[0]
    assert (example.kind, example.table is not None, example.rebuilt is not None) == ("other_event", True, True)


def test_files_that_are_gone_or_damaged_are_mended(latest: LatestWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.lake.latest.merging.SMALL", 0)
    ingest(latest)
    first, second, *_ = (latest.root / TABLE / path for path in latest.table().file_uris())
    first.unlink()
    second.write_bytes(second.read_bytes()[:-9])
    assert latest.found() >= {Code.FILE_MISSING, Code.FILE_DAMAGED}
    report = latest.rebuild()
    assert len(report.comparison.unreadable) == 2
    latest.assert_latest()


def test_an_older_version_still_reads_as_it_was(latest: LatestWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as wrong:
        last_wins(wrong)
        ingest(latest)
    wrong_rows, version = kept(latest), latest.table().version()
    latest.rebuild()
    assert kept(latest) != wrong_rows
    old = DeltaTable(str(latest.root / TABLE), version=version)
    assert set(old.file_uris()).isdisjoint(latest.table().file_uris())
    assert all(Path(uri).exists() for uri in old.file_uris())


def test_rows_whose_records_the_topic_has_dropped_are_taken_from_the_table(latest: LatestWorld) -> None:
    ingest(latest)
    before = kept(latest)
    latest.topic.delete_before(0, 16)
    latest.topic.delete_before(1, 3)
    report = latest.rebuild()
    assert report.carried > 0
    assert (kept(latest), told(report.comparison)) == (before, {})
    assert latest.prove().verdict == "PASS"


def test_a_topic_that_is_compacted_takes_no_row_with_it(latest: LatestWorld) -> None:
    ingest(latest)
    before = kept(latest)
    latest.thinned = True
    log = latest.memory._partitions[1]
    log.records = [record for record in log.records if record.offset >= 10]
    report = latest.rebuild()
    assert report.carried > 0
    assert (kept(latest), told(report.comparison)) == (before, {})
    assert latest.prove().verdict == "PASS"


def test_rows_that_only_the_table_has_and_that_cannot_be_read_are_not_given_up(latest: LatestWorld) -> None:
    ingest(latest)
    latest.topic.delete_before(0, 5)
    Path(latest.table().file_uris()[0]).unlink()
    version = latest.table().version()
    with pytest.raises(StoreError, match="from a table of all events"):
        latest.rebuild()
    assert latest.table().version() == version


def test_a_topic_that_was_truncated_or_created_again_is_refused(latest: LatestWorld) -> None:
    ingest(latest)
    latest.memory._partitions[0].end = 3
    with pytest.raises(PositionLostError, match="truncated"):
        latest.rebuild()
    latest.memory.recreate("another")
    with pytest.raises(TopicRecreatedError):
        latest.rebuild()


def test_a_record_that_neither_is_an_event_nor_in_the_quarantine_stops_it(latest: LatestWorld) -> None:
    ingest(latest)
    log = latest.memory._partitions[1]
    position = next(place for place, record in enumerate(log.records) if record.value)
    log.records[position] = log.records[position].__class__(position, poison(3), b"1", (), 0)
    with pytest.raises(ContractError, match="filled by another contract"):
        latest.rebuild()


def test_a_worker_goes_on_beside_a_rebuild(strict_latest: LatestWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world = strict_latest
    with monkeypatch.context() as wrong:
        last_wins(wrong)
        ingest(world)
    with world.running(flush_seconds=0.05) as worker:
        for turn in range(3):
            for account in range(12):
                world.send(account, at=50 + turn, price=turn)
            world.rebuild()
            world.topic.append(poison(turn), partition=1)
        world.send(20, at=1)
        world.await_all()
        assert worker.alive, worker.failure
    assert [note["kind"] for note in world.notes()].count("rebuild") == 3
    world.assert_latest()


def test_a_row_that_a_rebuild_lost_is_told_without_a_topic(
    latest: LatestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It loses one where files become one, and their statistics are those of what is left."""
    ingest(latest)
    read = Upserter._read
    monkeypatch.setattr(headrace_ingest.rebuild.sources, "BATCH_ROWS", 12)
    monkeypatch.setattr(Upserter, "_read", lambda *file: read(*file).slice(1))
    latest.rebuild()
    assert latest.found_in_files() == {Code.COUNT_DIFFERS}


def test_tables_of_records_are_refused(tmp_path: Path) -> None:
    plain = World("memory", MemoryTopic(1), tmp_path)
    plain.topic.append(fill(1))
    plain.drain()
    with pytest.raises(ContractError, match="each of its rows is a record"):
        subject_of(plain.settings(), plain.contract)
