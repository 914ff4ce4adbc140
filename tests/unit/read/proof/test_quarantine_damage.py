"""Damage to the quarantine, and records that are in both tables."""

import shutil

from headrace.read.proof.findings import Code, Finding, Verdict
from headrace.read.proof.report import TableReport
from tests.unit.read.proof.tables import TableBuilder


def findings(report: TableReport, code: Code) -> list[Finding]:
    listed = [*report.findings, *(finding for p in report.partitions for finding in p.findings)]
    return [finding for finding in listed if finding.code is code]


def test_an_offset_that_is_quarantined_twice_is_named(table: TableBuilder) -> None:
    table.quarantine({(0, 111): b"not json"})

    report = table.verify(ledger=False)

    assert report.verdict is Verdict.FAIL
    found = findings(report, Code.QUARANTINE_DUPLICATE)[0]
    assert (found.partition, found.offset) == (0, 111)
    assert found.file is not None


def test_a_record_in_table_and_quarantine_is_named(table: TableBuilder) -> None:
    table.quarantine({(0, 20): b"not json"})

    report = table.verify(ledger=False)

    assert report.verdict is Verdict.FAIL
    assert findings(report, Code.IN_QUARANTINE_TOO)[0].offset == 20


def test_a_reject_that_never_reached_the_quarantine_is_lost(table: TableBuilder) -> None:
    table.land({0: (260, 280)}, claims={"rows": 19, "rejects": 1}, change=lambda rows: rows[1:])

    report = table.verify(ledger=False)

    assert report.verdict is Verdict.FAIL
    assert findings(report, Code.LOST)[0].offset == 260


def test_a_resolved_record_that_is_not_in_the_table_is_lost(table: TableBuilder) -> None:
    table.quarantine({(0, 151): b"{}"}, resolved=2)

    report = table.verify(ledger=False)

    assert report.verdict is Verdict.FAIL
    assert "resolved by a replay but are not in the table" in findings(report, Code.LOST)[0].message


def test_a_record_resolved_after_the_pinned_version_still_counts_as_quarantined(table: TableBuilder) -> None:
    table.land({0: (260, 270)}, rejects={0: [265]})
    before = table.verify().partitions[0]
    table.quarantine({(1, 95): b"{}"}, resolved=99)

    report = table.verify()

    assert report.verdict is Verdict.PASS
    assert report.partitions[0].quarantined == before.quarantined
    assert report.partitions[1].pending == 1


def test_a_quarantined_value_that_changed_is_named(table: TableBuilder) -> None:
    table.land({0: (260, 270)}, rejects={0: [265]})
    table.ledger[0, 265] = table.ledger[0, 110].replace("0", "1")

    report = table.verify()

    assert [f.offset for f in findings(report, Code.VALUE_DIFFERS)] == [265]


def test_a_tombstone_is_not_an_empty_value(table: TableBuilder) -> None:
    table.land({0: (260, 270)}, rejects={0: [265]})
    table.ledger[0, 265] = "null"

    assert [f.offset for f in findings(table.verify(), Code.VALUE_DIFFERS)] == [265]


def test_a_missing_quarantine_fails(table: TableBuilder) -> None:
    shutil.rmtree(table.root / "trades__quarantine")

    report = table.verify(ledger=False)

    assert report.verdict is Verdict.FAIL
    assert "holds no Delta log" in report.findings[0].message


def test_a_missing_quarantine_file_is_named(table: TableBuilder) -> None:
    next((table.root / "trades__quarantine").glob("*.parquet")).unlink()

    report = table.verify(ledger=False)

    assert findings(report, Code.FILE_MISSING)
    assert findings(report, Code.LOST)[0].offset == 110
