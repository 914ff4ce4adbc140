"""Damage to the log, and commits that break the chain."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from headrace.read.proof.features import Json
from headrace.read.proof.findings import Code, Finding, Verdict
from headrace.read.proof.report import TableReport
from tests.unit.read.proof.tables import TableBuilder


def findings(report: TableReport, code: Code) -> list[Finding]:
    listed = [*report.findings, *(finding for p in report.partitions for finding in p.findings)]
    return [finding for finding in listed if finding.code is code]


def edit_note(table: TableBuilder, version: int, **changes: object) -> None:
    """Changes what a commit says of partition 0."""
    lines = [json.loads(line) for line in table.log(version).read_text().splitlines()]
    for line in lines:
        if "commitInfo" in line:
            line["commitInfo"]["headrace"]["partitions"]["0"].update(changes)
    table.log(version).write_text("\n".join(json.dumps(line) for line in lines))


def test_a_position_that_skips_records_breaks_the_chain(table: TableBuilder) -> None:
    table.land({0: (270, 300)})

    report = table.verify(ledger=False)

    found = findings(report, Code.CHAIN_BROKEN)[0]
    assert (found.partition, found.offset, found.version) == (0, 270, 4)
    assert "stands at 260" in found.message
    assert findings(report, Code.LOST)[0].count == 10


def test_the_last_offset_instead_of_the_next_breaks_the_chain(table: TableBuilder) -> None:
    table.land({0: (260, 300)}, txns={0: 299})

    found = findings(table.verify(ledger=False), Code.CHAIN_BROKEN)[0]

    assert found.message == "the commit ends at 300 but moves the position to 299"


def test_a_position_that_goes_back_breaks_the_chain(table: TableBuilder) -> None:
    table.land({0: (100, 200)})

    report = table.verify(ledger=False)

    assert report.verdict is Verdict.FAIL
    assert findings(report, Code.CHAIN_BROKEN)[0].offset == 100


def test_a_rewind_may_take_the_position_back(table: TableBuilder) -> None:
    handle = DeltaTable(table.path)
    handle.load_as_version(2)
    wanted = set(handle.file_uris())
    handle = DeltaTable(table.path)
    lines: list[Json] = [{"commitInfo": {"operation": "RESTORE", "headrace.operation": "rewind"}}]
    lines += [
        {"remove": {"path": uri.split("trades/")[1], "dataChange": True}}
        for uri in handle.file_uris()
        if uri not in wanted
    ]
    lines += [{"txn": {"appId": f"trades/cluster-1/topic-1/{p}", "version": v}} for p, v in {0: 200, 1: 50}.items()]
    table.log(4).write_text("\n".join(json.dumps(line) for line in lines))
    table.land({0: (200, 230)})

    report = table.verify()

    assert report.verdict is Verdict.PASS
    assert [p.position for p in report.partitions] == [230, 50]


@pytest.mark.parametrize("changes", [{"rows": 96}, {"rejects": 3}, {"gap_records": 2}, {"gap_records": 4}])
def test_numbers_that_do_not_add_up_are_named(table: TableBuilder, changes: dict[str, int]) -> None:
    edit_note(table, 2, **changes)

    found = findings(table.verify(ledger=False), Code.COUNT_DIFFERS)

    assert {finding.version for finding in found} >= {2}


def test_numbers_that_add_up_but_are_not_those_of_the_table_are_found(table: TableBuilder) -> None:
    edit_note(table, 2, rejects=1, gap_records=4, gaps=[[150, 153]])

    report = table.verify(ledger=False)

    assert report.verdict is Verdict.FAIL


def test_rows_that_another_program_appended_are_named(table: TableBuilder) -> None:
    foreign = pq.read_table(table.data_files()[0]).slice(0, 1)
    foreign = foreign.append_column("date", foreign["timestamp"].cast(pa.date32()))
    write_deltalake(table.path, foreign, mode="append")

    report = table.verify(ledger=False)

    found = findings(report, Code.FOREIGN_COMMIT)[0]
    assert found.version == 4
    assert found.message == "version 4 (WRITE) is not Headrace's and added rows in 1 files"
    assert findings(report, Code.DUPLICATE)


def test_rows_that_another_program_deleted_are_named(table: TableBuilder) -> None:
    DeltaTable(table.path).delete("_offset = 7 and _partition = 0")

    report = table.verify(ledger=False)

    assert "version 4 (DELETE) is not Headrace's and removed rows" in findings(report, Code.FOREIGN_COMMIT)[1].message
    assert findings(report, Code.LOST)[0].offset == 7


def test_a_restore_that_keeps_positions_is_found(table: TableBuilder) -> None:
    DeltaTable(table.path).restore(2)

    report = table.verify(ledger=False)

    assert "RESTORE" in findings(report, Code.FOREIGN_COMMIT)[0].message
    assert findings(report, Code.LOST)[0].count == 60


@pytest.mark.parametrize("keep", [0.5, 0.9])
def test_a_torn_commit_is_named(table: TableBuilder, keep: float) -> None:
    text = table.log(3).read_bytes()
    table.log(3).write_bytes(text[: int(len(text) * keep)])

    report = table.verify(ledger=False)

    assert report.verdict is Verdict.FAIL
    assert "commit 3 is torn or damaged" in findings(report, Code.LOG_DAMAGED)[0].message


def test_a_commit_cut_at_a_line_end_is_found_by_its_missing_position(table: TableBuilder) -> None:
    lines = table.log(3).read_text().splitlines()
    table.log(3).write_text("\n".join(line for line in lines if not line.startswith('{"txn"')) + "\n")

    report = table.verify(ledger=False)

    assert report.verdict is Verdict.FAIL
    assert "moves the position to None" in findings(report, Code.CHAIN_BROKEN)[0].message


def test_an_empty_last_commit_is_told_and_changes_nothing(table: TableBuilder) -> None:
    table.log(3).write_bytes(b"")

    report = table.verify(ledger=False)

    assert report.verdict is Verdict.PASS
    assert "commit 3 is empty" in report.findings[0].message
    assert [p.position for p in report.partitions] == [200, 50]


def test_a_missing_commit_in_the_middle_is_named(table: TableBuilder) -> None:
    table.log(2).unlink()

    report = table.verify(ledger=False)

    assert report.verdict is Verdict.FAIL
    assert "commit 2 is missing" in findings(report, Code.LOG_DAMAGED)[0].message


def test_a_missing_commit_that_a_checkpoint_replaces_leaves_the_history_unknown(table: TableBuilder) -> None:
    DeltaTable(table.path).create_checkpoint()
    table.log(1).unlink()

    report = table.verify(ledger=False)

    assert report.verdict is Verdict.UNKNOWN
    assert "commit 1 is missing although older ones are there" in findings(report, Code.LOG_DAMAGED)[0].message


def test_a_checkpoint_that_says_something_else_than_the_commits_is_named(table: TableBuilder) -> None:
    DeltaTable(table.path).create_checkpoint()
    checkpoint = next((table.path / "_delta_log").glob("*.checkpoint.parquet"))
    content = pq.read_table(checkpoint)
    kept = [row for row in content.to_pylist() if not row["txn"]]
    pq.write_table(pa.Table.from_pylist(kept, content.schema), checkpoint)

    found = findings(table.verify(ledger=False), Code.CHECKPOINT_DIFFERS)

    assert found[0].version == 3


def test_a_checkpoint_that_cannot_be_read_is_named(table: TableBuilder) -> None:
    DeltaTable(table.path).create_checkpoint()
    next((table.path / "_delta_log").glob("*.checkpoint.parquet")).write_bytes(b"")

    report = table.verify(ledger=False)

    assert report.verdict is Verdict.FAIL
    assert "cannot be read" in findings(report, Code.LOG_DAMAGED)[0].message


def test_a_checkpoint_in_parts_is_a_base(table: TableBuilder) -> None:
    DeltaTable(table.path).create_checkpoint()
    log = table.path / "_delta_log"
    whole = next(log.glob("*.checkpoint.parquet"))
    content = pq.read_table(whole)
    for part, rows in ((1, content.slice(0, 4)), (2, content.slice(4))):
        pq.write_table(rows, log / f"{3:020d}.checkpoint.{part:010d}.{2:010d}.parquet")
    whole.unlink()
    for version in range(3):
        table.log(version).unlink()

    report = table.verify(ledger=False)

    assert report.base_version == 3
    assert [p.position for p in report.partitions] == [260, 90]


def test_a_checkpoint_in_an_unknown_format_leaves_the_table_unknown(table: TableBuilder) -> None:
    table.log(0).unlink()
    name = "00000000000000000003.checkpoint.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.parquet"
    (table.path / "_delta_log" / name).write_bytes(b"")

    report = table.verify(ledger=False)

    assert report.verdict is Verdict.UNKNOWN
    assert "V2 checkpoint" in report.findings[0].message


@pytest.mark.parametrize("hint", ["", "{", '{"version": 77}', '{"version": 1}'])
def test_a_wrong_hint_does_not_matter(table: TableBuilder, hint: str) -> None:
    (table.path / "_delta_log" / "_last_checkpoint").write_text(hint)

    assert table.verify(ledger=False).verdict is Verdict.PASS


@pytest.mark.parametrize(
    "action",
    [
        {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["deletionVectors"]}},
        {"protocol": {"minReaderVersion": 9, "minWriterVersion": 9}},
        {"metaData": {"id": "x", "configuration": {"delta.columnMapping.mode": "name"}}},
    ],
)
def test_what_verify_does_not_know_is_unknown_and_said(table: TableBuilder, action: Json) -> None:
    table.log(4).write_text(json.dumps(action))

    report = table.verify(ledger=False)

    assert report.verdict is Verdict.UNKNOWN
    assert report.findings[0].code is Code.UNSUPPORTED


def test_a_file_with_deleted_rows_that_another_tool_added_is_its_commit_and_cannot_be_read(table: TableBuilder) -> None:
    added = {"path": "x.parquet", "size": 1, "deletionVector": {"storageType": "u"}}
    table.log(4).write_text(json.dumps({"add": added}))

    report = table.verify(ledger=False)

    assert report.verdict is Verdict.FAIL
    assert report.counts.keys() == {Code.FOREIGN_COMMIT, Code.UNSUPPORTED}


def test_a_path_outside_of_the_table_is_refused(table: TableBuilder) -> None:
    table.log(4).write_text(json.dumps({"add": {"path": "../../secret.parquet", "size": 1, "dataChange": False}}))

    report = table.verify(ledger=False)

    assert report.verdict is not Verdict.PASS
    assert "outside of the table" in report.findings[-1].message


def test_a_table_that_headrace_did_not_make_is_unknown(table: TableBuilder) -> None:
    commit = table.log(0).read_text().replace("headrace.pipeline", "other.pipeline")
    table.log(0).write_text(commit)

    assert table.verify(ledger=False).verdict is Verdict.UNKNOWN


def test_a_version_0_without_all_positions_breaks_the_chain(table: TableBuilder) -> None:
    lines = table.log(0).read_text().splitlines()
    table.log(0).write_text("\n".join(line for line in lines if "topic-1/1" not in line))

    found = findings(table.verify(ledger=False), Code.CHAIN_BROKEN)

    assert found[0].message == "version 0 records no start position"
    assert found[0].partition == 1


def test_a_commit_that_moves_another_pipelines_position_is_named(table: TableBuilder) -> None:
    table.log(3).write_text(table.log(3).read_text() + "\n" + json.dumps({"txn": {"appId": "other/0", "version": 4}}))

    assert "other/0" in findings(table.verify(ledger=False), Code.CHAIN_BROKEN)[0].message


def test_a_change_of_columns_that_touches_rows_or_drops_columns_is_found(table: TableBuilder) -> None:
    note = {"kind": "schema", "batch": "s", "schema_version": 2}
    table.land({0: (table.positions[0], table.positions[0] + 1)}, note=note)

    messages = [found.message for found in findings(table.verify(ledger=False), Code.FOREIGN_COMMIT)]

    assert any("a change of columns brought or took rows" in message for message in messages)
    assert any("are gone or of another type" in message for message in messages)
