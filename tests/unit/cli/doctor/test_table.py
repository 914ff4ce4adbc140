"""Judgements of tables, and facts of tables that were damaged."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from headrace.errors import TopicRecreatedError, UnsafeStoreError, WrongTableError
from headrace.kafka.survey import TopicSurvey
from headrace.kafka.topics import TopicIdentity
from headrace.lake.checkpoint import LogTail
from headrace.offsets import OffsetRange
from headrace.settings import Settings
from headrace.testing.numbers import NUMBERS, SOURCE, NumbersTable
from headrace_cli.doctor.checks.table import CHECKPOINT_CHECKS, TABLE_CHECKS, CheckpointFacts, TableFacts
from headrace_cli.doctor.checks.topic import TopicFacts
from headrace_cli.doctor.gather.table import LakeFacts, tables_of
from headrace_cli.doctor.judging import Finding, Status, Subject, examine, worst

AVAILABLE = {0: OffsetRange(0, 100), 1: OffsetRange(40, 100)}
HEALTHY = TableFacts(
    version=7,
    contract=NUMBERS,
    properties={"delta.logRetentionDuration": "interval 30 days", "headrace.topic": "numbers"},
    mismatch=None,
    compared=True,
    lost=None,
    started=2,
    positions={0: 10, 1: 100},
    available=AVAILABLE,
    tail=LogTail(8, ()),
)
SUBJECT = Subject("table numbers", {"table": "numbers"})


def outcome(facts: TableFacts) -> dict[str, Finding]:
    """Of every check those that did not pass."""
    return {f.check: f for f in examine(SUBJECT, facts, TABLE_CHECKS) if f.status is not Status.OK}


def test_a_healthy_table_passes_every_check() -> None:
    found = examine(SUBJECT, HEALTHY, TABLE_CHECKS)

    assert [finding.check for finding in found] == [check.name for check in TABLE_CHECKS]
    assert worst(found) is Status.OK
    assert "90 records to read" in next(f.found for f in found if f.check == "table-positions")


def test_a_table_that_is_not_there_yet_is_no_fault() -> None:
    facts = TableFacts(None, NUMBERS, {}, None, False, None, 0, {}, {}, LogTail(0, ()))

    assert outcome(facts) == {}


@pytest.mark.parametrize(
    ("facts", "check", "status", "exit_code"),
    [
        (replace(HEALTHY, contract=None), "table-contract", Status.FAIL, 78),
        (replace(HEALTHY, mismatch=WrongTableError("another pipeline")), "table-source", Status.FAIL, 73),
        (replace(HEALTHY, mismatch=TopicRecreatedError("another id")), "table-source", Status.FAIL, 80),
        (replace(HEALTHY, lost="numbers__quarantine"), "table-quarantine", Status.FAIL, 73),
        (replace(HEALTHY, positions={0: 101, 1: 100}), "table-positions", Status.FAIL, 81),
        (replace(HEALTHY, positions={0: 10, 1: 39}), "table-positions", Status.FAIL, 81),
        (replace(HEALTHY, positions={0: None, 1: 100}), "table-positions", Status.FAIL, 81),
        (replace(HEALTHY, positions={0: 10, 1: None}, started=1), "table-positions", Status.FAIL, 81),
        (replace(HEALTHY, positions={0: 10, 1: 45}), "table-headroom", Status.WARN, None),
        (replace(HEALTHY, properties={"delta.enableChangeDataFeed": "true"}), "table-properties", Status.WARN, None),
        (replace(HEALTHY, properties={"delta.constraints.x": "x > 0"}), "table-properties", Status.WARN, None),
        (
            replace(HEALTHY, properties={"delta.deletedFileRetentionDuration": "interval 2 hours"}),
            "table-properties",
            Status.WARN,
            None,
        ),
        (replace(HEALTHY, tail=LogTail(501, ())), "table-log", Status.WARN, None),
        (replace(HEALTHY, tail=LogTail(8, ("7.json",))), "table-commits", Status.WARN, None),
    ],
)
def test_what_is_wrong_with_a_table_is_seen_and_nothing_else(
    facts: TableFacts, check: str, status: Status, exit_code: int | None
) -> None:
    ((name, found),) = outcome(facts).items()

    assert (name, found.status, found.exit_code) == (check, status, exit_code)


def test_an_added_partition_without_a_position_starts_at_its_first_record() -> None:
    facts = replace(HEALTHY, positions={0: 10, 1: 100, 2: None}, available=AVAILABLE | {2: OffsetRange(0, 5)})

    assert outcome(facts) == {}


# -- facts of tables that lie on a disk


@pytest.fixture
def table(tmp_path: Path) -> NumbersTable:
    return NumbersTable.create(str(tmp_path), {0: 5, 1: 0})


def topic(*, cluster_id: str = SOURCE.cluster_id, topic_id: str = SOURCE.topic_id) -> TopicFacts:
    identity = TopicIdentity("numbers", cluster_id, topic_id, 2)
    return TopicFacts(Settings(), identity, TopicSurvey({}, None, None, None), datetime.now(UTC))


def facts_of(
    table: NumbersTable, asked: TopicFacts | None, ranges: Mapping[int, OffsetRange] = AVAILABLE
) -> TableFacts:
    lake = LakeFacts(Settings(pipeline=SOURCE.pipeline), table.store)
    return lake.table("numbers", NUMBERS, topic=asked, available=ranges)


def test_facts_of_a_table_as_a_worker_left_it(table: NumbersTable) -> None:
    facts = facts_of(table, topic(), {0: OffsetRange(0, 9), 1: OffsetRange(0, 9), 2: OffsetRange(0, 1)})

    assert (facts.version, facts.mismatch, facts.lost, facts.started, facts.tail.commits) == (0, None, None, 2, 1)
    assert facts.positions == {0: 5, 1: 0, 2: None}
    assert outcome(facts) == {}


@pytest.mark.parametrize(
    ("asked", "failure"),
    [(topic(topic_id="again"), TopicRecreatedError), (topic(cluster_id="other"), WrongTableError), (None, type(None))],
)
def test_a_table_of_another_source_is_refused_as_a_worker_would(
    table: NumbersTable, asked: TopicFacts | None, failure: type
) -> None:
    facts = facts_of(table, asked)

    assert type(facts.mismatch) is failure
    assert facts.compared is (asked is not None)


def test_a_property_that_lets_positions_expire_fails(table: NumbersTable, tmp_path: Path) -> None:
    DeltaTable(tmp_path / "numbers").alter.set_table_properties(
        {"delta.setTransactionRetentionDuration": "interval 7 days"}
    )
    facts = facts_of(table, topic())

    assert type(facts.mismatch) is UnsafeStoreError
    assert outcome(facts)["table-source"].exit_code == 83


def test_a_removed_quarantine_is_missed(table: NumbersTable, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "numbers__quarantine")
    facts = facts_of(table, topic(), {0: OffsetRange(0, 9), 1: OffsetRange(0, 9)})

    assert list(outcome(facts)) == ["table-quarantine"]
    assert tables_of(table.store, ()) == ("numbers",)


def test_a_removed_table_is_missed_once_a_worker_has_claimed_its_partitions(
    table: NumbersTable, tmp_path: Path
) -> None:
    table.claim([0])
    shutil.rmtree(tmp_path / "numbers")
    facts = facts_of(table, topic(), {0: OffsetRange(0, 9), 1: OffsetRange(0, 9)})

    assert {name: found.exit_code for name, found in outcome(facts).items()} == {"table-quarantine": 73}
    assert tables_of(table.store, ()) == ("numbers",)


def test_what_an_interrupted_first_start_left_is_no_fault(table: NumbersTable, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "numbers")

    assert outcome(facts_of(table, topic())) == {}
    assert tables_of(table.store, ()) == ()


def test_a_table_that_was_written_anew_has_no_positions(table: NumbersTable, tmp_path: Path) -> None:
    commit = tmp_path / "numbers/_delta_log/00000000000000000000.json"
    commit.write_text("".join(line for line in commit.read_text().splitlines(True) if '"txn"' not in line))
    facts = facts_of(table, topic(), {0: OffsetRange(0, 9), 1: OffsetRange(0, 9)})

    assert facts.positions == {0: None, 1: None}
    assert outcome(facts)["table-positions"].exit_code == 81


def test_tables_of_other_tools_are_left_out(table: NumbersTable, tmp_path: Path) -> None:
    write_deltalake(tmp_path / "of_another_tool", pa.table({"x": [1]}))
    write_deltalake(tmp_path / "odd__quarantine", pa.table({"x": [1]}))
    write_deltalake(tmp_path / "odd__quarantine", pa.table({"x": [1]}), mode="append")
    (tmp_path / ".headrace-canary-1" / "_delta_log").mkdir(parents=True)

    assert tables_of(table.store, ()) == ("numbers",)
    assert tables_of(table.store, ["of_another_tool"]) == ("numbers", "of_another_tool")


def test_a_file_in_place_of_a_table_is_told_where_the_table_is_opened(table: NumbersTable, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "numbers")
    (tmp_path / "numbers").write_text("")

    assert LakeFacts(Settings(), table.store).checkpoints("numbers", repair=True) == CheckpointFacts((), [])
    with pytest.raises(WrongTableError, match="is a file"):
        facts_of(table, topic())


@pytest.mark.parametrize("name", ["numbers", "numbers__quarantine"])
def test_a_torn_checkpoint_is_found_and_removed_only_when_asked(table: NumbersTable, tmp_path: Path, name: str) -> None:
    log = table.main() if name == "numbers" else table.quarantine()
    log.commit_claim({"a": 1})
    log.checkpoint()
    torn = tmp_path / name / "_delta_log" / f"{1:020d}.checkpoint.parquet"
    torn.write_bytes(torn.read_bytes()[:50])
    lake, path = LakeFacts(Settings(), table.store), f"{name}/_delta_log/{torn.name}"

    assert lake.checkpoints("numbers", repair=False) == CheckpointFacts([path], ())
    assert torn.exists()
    assert lake.checkpoints("numbers", repair=True) == CheckpointFacts((), [path])
    assert not torn.exists()
    assert lake.checkpoints("numbers", repair=False) == CheckpointFacts([], ())


def test_a_torn_checkpoint_fails_and_a_removed_one_does_not() -> None:
    torn = examine(SUBJECT, CheckpointFacts(["numbers/_delta_log/1.checkpoint.parquet"], ()), CHECKPOINT_CHECKS)
    mended = examine(SUBJECT, CheckpointFacts((), ["numbers/_delta_log/1.checkpoint.parquet"]), CHECKPOINT_CHECKS)

    assert [found.status for found in torn + mended] == [Status.FAIL, Status.OK]
    assert torn[0].remedy is not None
    assert torn[0].remedy.startswith("headrace doctor numbers --repair")
