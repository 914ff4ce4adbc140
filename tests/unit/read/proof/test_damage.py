"""Damage to rows and files, planted one at a time: each is found, and named."""

from collections.abc import Callable
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from headrace.read.proof.findings import Code, Finding, Verdict
from headrace.read.proof.report import TableReport
from headrace.read.proof.run import TableRun
from tests.unit.read.proof.tables import Row, TableBuilder


def failures(report: TableReport) -> list[Finding]:
    listed = [*report.findings, *(finding for p in report.partitions for finding in p.findings)]
    return [finding for finding in listed if finding.verdict is Verdict.FAIL]


def only(report: TableReport, code: Code) -> Finding:
    """The one kind of failure there is."""
    assert report.verdict is Verdict.FAIL
    found = failures(report)
    assert {finding.code for finding in found} == {code}
    return found[0]


def of(report: TableReport, code: Code) -> Finding:
    assert report.verdict is Verdict.FAIL
    return next(finding for finding in failures(report) if finding.code is code)


def without(offset: int) -> Callable[[list[Row]], list[Row]]:
    return lambda rows: [row for row in rows if (row["_partition"], row["_offset"]) != (0, offset)]


def test_a_row_that_its_commit_claims_but_does_not_have_is_lost(table: TableBuilder) -> None:
    table.land({0: (260, 300)}, change=without(281))

    report = table.verify(ledger=False)

    found = of(report, Code.LOST)
    assert (found.partition, found.offset, found.count) == (0, 281, 1)
    assert report.partitions[0].lost == 1
    assert of(report, Code.COUNT_DIFFERS).version == 4
    assert report.partitions[1].verdict is Verdict.PASS


def test_a_row_that_vanished_from_a_file_is_lost_even_if_the_log_was_made_to_agree(table: TableBuilder) -> None:
    table.replace_rows(table.data_files()[0], lambda rows: rows[1:])

    report = table.verify(ledger=False)

    assert of(report, Code.LOST).offset == 0
    assert of(report, Code.COUNT_DIFFERS).version == 1


def test_a_lost_row_hidden_as_a_gap_is_found_by_the_ledger(table: TableBuilder) -> None:
    table.land({0: (260, 300)}, gaps={0: [(281, 282)]})
    table.ledger[0, 281] = table.ledger[0, 280]

    assert table.verify(ledger=False).verdict is Verdict.PASS
    found = only(table.verify(), Code.LOST)
    assert (found.offset, found.count) == (281, 1)


def test_a_row_twice_in_one_file_is_a_duplicate(table: TableBuilder) -> None:
    table.land({0: (260, 300)}, change=lambda rows: [*rows, rows[3]], claims={"rows": 41, "end": 300})

    report = table.verify(ledger=False)

    found = of(report, Code.DUPLICATE)
    assert (found.offset, found.count, found.version) == (263, 1, 4)
    assert "2 times" in found.message
    assert report.partitions[0].duplicates == 1


def test_rows_that_two_commits_wrote_are_duplicates_and_both_are_named(table: TableBuilder) -> None:
    first = table.land({0: (260, 300)})
    second = table.land({0: (260, 300)})

    report = table.verify(ledger=False)

    found = of(report, Code.DUPLICATE)
    assert found.count == 40
    assert first in found.message
    assert second in found.message
    assert (found.version, found.batch) == (5, second)
    chain = of(report, Code.CHAIN_BROKEN)
    assert (chain.version, chain.partition, chain.offset) == (5, 0, 260)


def test_swapped_values_are_named(table: TableBuilder) -> None:
    def swap(rows: list[Row]) -> list[Row]:
        rows[4]["price"], rows[5]["price"] = rows[5]["price"], rows[4]["price"]
        return rows

    batch = table.land({0: (260, 300)}, change=swap)

    assert table.verify(ledger=False).verdict is Verdict.PASS
    report = table.verify()
    found = [finding for finding in failures(report) if finding.code is Code.VALUE_DIFFERS]
    assert [f.offset for f in found] == [264, 265]
    assert (found[0].version, found[0].batch) == (4, batch)
    assert report.partitions[0].differing == 2


@pytest.mark.parametrize(
    ("column", "value"),
    [("price", Decimal("0.0281")), ("account", "nain"), ("order_id", ""), ("quantity", 1), ("symbol", 'S"Y')],
)
def test_one_changed_value_is_named(table: TableBuilder, column: str, value: object) -> None:
    def change(rows: list[Row]) -> list[Row]:
        rows[3][column] = value
        return rows

    table.land({0: (260, 300)}, change=change)

    assert only(table.verify(), Code.VALUE_DIFFERS).offset == 263


def test_a_row_filed_under_another_day_is_found(table: TableBuilder) -> None:
    table.land({0: (260, 300)})
    moved = table.log(4).read_text().replace('"date":"2026-01-01"', '"date":"2026-01-05"')
    table.log(4).write_text(moved)

    assert "filed under 2026-01-05" in only(table.verify(), Code.WRONG_PARTITION_VALUE).message


def test_rows_at_or_beyond_the_position_are_named(table: TableBuilder) -> None:
    table.land({0: (260, 300)}, txns={0: 290})

    report = table.verify(ledger=False)

    found = of(report, Code.BEYOND_POSITION)
    assert (found.partition, found.offset, found.version) == (0, 290, 4)
    assert report.partitions[0].phantom == 10
    assert of(report, Code.CHAIN_BROKEN).offset == 300


def test_rows_of_other_offsets_than_their_commit_names_are_found(table: TableBuilder) -> None:
    def shift(rows: list[Row]) -> list[Row]:
        return [{**row, "_offset": row["_offset"] + 1} for row in rows]

    table.land({0: (260, 300)}, change=shift)
    table.land({0: (300, 301)}, gaps={0: [(300, 301)]})

    report = table.verify(ledger=False)

    assert of(report, Code.OUTSIDE_RANGE).offset == 300
    assert of(report, Code.LOST).offset == 260
    assert of(report, Code.IN_GAP).offset == 300


def test_rows_before_the_start_are_named(build: Callable[..., TableBuilder]) -> None:
    table = build({0: 10})
    table.land({0: (10, 20)}, change=lambda rows: [{**row, "_offset": row["_offset"] - 1} for row in rows])

    report = table.verify(ledger=False)

    assert of(report, Code.BEFORE_START).offset == 9
    assert of(report, Code.LOST).offset == 19


def test_a_truncated_file_is_named(table: TableBuilder) -> None:
    file = table.data_files()[0]
    file.write_bytes(file.read_bytes()[:-10])

    report = table.verify(ledger=False)

    found = of(report, Code.FILE_DAMAGED)
    assert found.file == f"{file.parent.name}/{file.name}"
    assert found.version == 1
    assert "bytes, the log says" in found.message
    assert of(report, Code.LOST).partition == 0


def test_a_changed_byte_is_found_by_the_digest(table: TableBuilder) -> None:
    file = table.data_files()[0]
    data = bytearray(file.read_bytes())
    data[4] ^= 1
    file.write_bytes(data)

    assert "sha256" in of(table.verify(ledger=False), Code.FILE_DAMAGED).message


def test_a_deleted_file_is_named(table: TableBuilder) -> None:
    file = table.data_files()[0]
    file.unlink()

    found = of(table.verify(ledger=False), Code.FILE_MISSING)

    assert found.file == f"{file.parent.name}/{file.name}"
    assert found.version == 1


def test_a_file_without_addresses_is_damaged(table: TableBuilder) -> None:
    table.replace_rows(table.data_files()[0], lambda rows: [{**row, "_offset": None} for row in rows])

    assert "_offset" in of(table.verify(ledger=False), Code.FILE_DAMAGED).message


def test_a_row_count_that_is_not_that_of_the_file_is_named(table: TableBuilder) -> None:
    text = table.log(1).read_text()
    table.log(1).write_text(text.replace('numRecords\\": 75', 'numRecords\\": 76'))

    report = table.verify(ledger=False)

    assert "75 rows, the log says 76" in of(report, Code.FILE_DAMAGED).message
    assert of(report, Code.COUNT_DIFFERS).version == 1


def test_a_row_that_nobody_sent_is_a_phantom(table: TableBuilder) -> None:
    table.land({0: (260, 300)})
    del table.ledger[0, 270]

    report = table.verify()

    assert only(report, Code.PHANTOM).offset == 270
    assert report.partitions[0].phantom == 1


def test_a_file_that_is_gone_after_maintenance_replaced_it_makes_verify_start_over(
    table: TableBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_quarantine = TableRun.read_quarantine
    runs: list[TableRun] = []

    def compact_and_vacuum(run: TableRun) -> None:
        read_quarantine(run)
        if not runs:
            handle = DeltaTable(table.path)
            handle.optimize.compact()
            handle.vacuum(0, dry_run=False, enforce_retention_duration=False)
        runs.append(run)

    monkeypatch.setattr(TableRun, "read_quarantine", compact_and_vacuum)

    report = table.verify()

    assert len(runs) == 2
    assert report.verdict is Verdict.PASS


def test_a_column_of_another_type_is_damage(table: TableBuilder) -> None:
    file = table.data_files()[0]
    rows = pq.read_table(file)
    place = rows.column_names.index("quantity")
    pq.write_table(rows.set_column(place, "quantity", pa.array([[1]] * rows.num_rows)), file)

    found = [finding for finding in failures(table.verify()) if finding.code is Code.FILE_DAMAGED]

    assert "do not hold what contract trades says" in found[-1].message
