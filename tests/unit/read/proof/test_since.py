"""What came after a version: damage there is found, damage before it is not looked at, whatever maintenance did."""

import pytest
from deltalake import DeltaTable

from headrace.errors import ConfigError
from headrace.read.proof.findings import Code, Finding, Level, Verdict
from headrace.read.proof.given import Base
from headrace.read.proof.report import TableReport
from tests.unit.read.proof.tables import TableBuilder

GIVEN = Base(3)


def failures(report: TableReport) -> list[Finding]:
    everywhere = (*report.findings, *(finding for p in report.partitions for finding in p.findings))
    return [finding for finding in everywhere if finding.verdict is Verdict.FAIL]


def only(report: TableReport, code: Code) -> Finding:
    found = [finding for finding in failures(report) if finding.code is code]
    assert len(found) == 1, failures(report)
    return found[0]


@pytest.fixture
def grown(table: TableBuilder) -> TableBuilder:
    """Two versions after the three that are given: rows, a reject, a gap, and a partition that was added."""
    table.land({0: (260, 300), 1: (90, 100)}, rejects={0: [270]}, gaps={1: [(99, 100)]})
    table.land({0: (300, 340), 2: (0, 10)})
    return table


@pytest.mark.parametrize("ledger", [True, False])
def test_only_what_came_after_the_version_is_counted(grown: TableBuilder, ledger: bool) -> None:
    report = grown.verify(base=GIVEN, ledger=ledger)

    assert failures(report) == []
    assert report.verdict is Verdict.PASS
    assert (report.version, report.base_version, report.since) == (5, 3, 3)
    numbers = [(p.start, p.position, p.rows, p.quarantined, p.gaps) for p in report.partitions]
    assert numbers == [(260, 340, 79, 1, 0), (90, 100, 9, 0, 1), (0, 10, 10, 0, 0)]
    assert report.levels == (Level.LOG, Level.FILES, *([Level.LEDGER] if ledger else []))


def test_nothing_after_the_version_passes(table: TableBuilder) -> None:
    report = table.verify(base=GIVEN)

    assert report.verdict is Verdict.PASS
    assert [p.rows for p in report.partitions] == [0, 0]


def test_version_0_gives_nothing_but_the_starts(grown: TableBuilder) -> None:
    whole, report = grown.verify(), grown.verify(base=Base(0))

    assert report.verdict is Verdict.PASS
    assert [p.rows for p in report.partitions] == [p.rows for p in whole.partitions]


def test_compaction_across_the_version_passes_and_is_told(grown: TableBuilder) -> None:
    DeltaTable(grown.path).optimize.compact()

    report = grown.verify(base=GIVEN)

    assert report.verdict is Verdict.PASS
    assert [p.rows for p in report.partitions] == [79, 9, 10]
    assert "345 of the given rows were moved to other files" in " ".join(f.message for f in report.findings)


def test_files_of_the_version_are_not_read(grown: TableBuilder) -> None:
    for file in grown.data_files()[:6]:
        file.unlink()

    assert grown.verify(ledger=False).verdict is Verdict.FAIL
    assert grown.verify(base=GIVEN).verdict is Verdict.PASS


def test_commits_of_the_version_are_not_checked(grown: TableBuilder) -> None:
    text = grown.log(2).read_text()
    grown.log(2).write_text(text.replace('"rejects":2', '"rejects":3'))

    assert grown.verify(ledger=False).verdict is Verdict.FAIL
    assert grown.verify(base=GIVEN, ledger=False).verdict is Verdict.PASS


@pytest.mark.parametrize("compacted", [False, True])
def test_a_row_lost_after_the_version_is_found(table: TableBuilder, compacted: bool) -> None:
    table.land({0: (260, 300)}, change=lambda rows: rows[1:], claims={"end": 300})
    if compacted:
        DeltaTable(table.path).optimize.compact()

    report = table.verify(base=GIVEN, ledger=False)

    assert only(report, Code.LOST).offset == 260


@pytest.mark.parametrize("compacted", [False, True])
def test_a_row_doubled_after_the_version_is_found(table: TableBuilder, compacted: bool) -> None:
    table.land({0: (260, 300)}, change=lambda rows: [*rows, rows[3]], claims={"rows": 41})
    if compacted:
        DeltaTable(table.path).optimize.compact()

    assert only(table.verify(base=GIVEN, ledger=False), Code.DUPLICATE).offset == 263


def test_a_given_row_that_is_written_again_is_found(table: TableBuilder) -> None:
    table.land({0: (250, 300)})

    report = table.verify(base=GIVEN, ledger=False)

    assert {finding.code for finding in failures(report)} >= {Code.CHAIN_BROKEN, Code.COUNT_DIFFERS}


def test_a_value_changed_after_the_version_is_found(grown: TableBuilder) -> None:
    grown.ledger[0, 301] = grown.ledger[0, 300]
    DeltaTable(grown.path).optimize.compact()

    assert only(grown.verify(base=GIVEN), Code.VALUE_DIFFERS).offset == 301


@pytest.mark.parametrize("compacted", [False, True])
def test_a_value_changed_before_the_version_is_not_looked_at(grown: TableBuilder, compacted: bool) -> None:
    grown.ledger[0, 259] = grown.ledger[0, 258]
    if compacted:
        DeltaTable(grown.path).optimize.compact()

    assert grown.verify().verdict is Verdict.FAIL
    assert grown.verify(base=GIVEN).verdict is Verdict.PASS


def test_a_chain_broken_right_after_the_version_is_found(table: TableBuilder) -> None:
    table.land({0: (261, 300)})

    found = [f for f in failures(table.verify(base=GIVEN, ledger=False)) if f.code is Code.CHAIN_BROKEN]

    assert [(f.partition, f.offset) for f in found] == [(0, 261)]


def test_maintenance_that_drops_a_given_row_is_found(grown: TableBuilder) -> None:
    DeltaTable(grown.path).optimize.compact()
    first = next(file for file in grown.data_files()[::-1])
    grown.replace_rows(first, lambda rows: [row for row in rows if (row["_partition"], row["_offset"]) not in _EARLY])

    assert "files with 345 of the given rows were replaced since" in " ".join(
        f.message for f in failures(grown.verify(base=GIVEN, ledger=False))
    )


_EARLY = {(0, 0), (0, 1)}


def test_a_foreign_removal_after_the_version_is_found(grown: TableBuilder) -> None:
    DeltaTable(grown.path).delete("_offset = 5")

    found = [f for f in failures(grown.verify(base=GIVEN, ledger=False)) if f.code is Code.FOREIGN_COMMIT]

    assert {f.version for f in found} == {6}


@pytest.mark.parametrize("resolved", [True, False])
@pytest.mark.parametrize("compacted", [True, False])
def test_a_replay_of_given_rejects_counts_as_home(grown: TableBuilder, resolved: bool, compacted: bool) -> None:
    before = grown.positions[0]
    grown.land({0: (110, 112)}, note={"kind": "replay", "batch": "r", "offsets": {"0": [110, 111]}}, txns={0: before})
    if resolved:
        DeltaTable(grown.root / "trades__quarantine").update({"resolved_version": "6"}, predicate="_offset < 200")
    if compacted:
        DeltaTable(grown.path).optimize.compact()

    report = grown.verify(base=GIVEN, ledger=False)

    assert failures(report) == []
    assert report.partitions[0].resolved == (2 if resolved else 0)
    assert grown.verify(base=Base(6), ledger=False).verdict is Verdict.PASS


def test_a_replay_whose_rows_are_not_there_is_found(grown: TableBuilder) -> None:
    DeltaTable(grown.root / "trades__quarantine").update({"resolved_version": "5"}, predicate="_offset < 200")

    assert only(grown.verify(base=GIVEN, ledger=False), Code.LOST).offset == 110


def test_the_state_comes_from_the_newest_checkpoint_before_the_version(grown: TableBuilder) -> None:
    DeltaTable(grown.path, version=2).create_checkpoint()
    for version in range(2):
        grown.log(version).unlink()

    assert grown.verify(base=GIVEN, ledger=False).verdict is Verdict.PASS


def test_a_version_whose_commits_are_gone_is_unknown(grown: TableBuilder) -> None:
    DeltaTable(grown.path).create_checkpoint()
    for version in range(5):
        grown.log(version).unlink()

    report = grown.verify(base=GIVEN)

    assert report.verdict is Verdict.UNKNOWN
    assert [f.code for f in report.findings] == [Code.HISTORY_EXPIRED]


def test_a_version_behind_a_hole_in_the_log_is_unknown(grown: TableBuilder) -> None:
    DeltaTable(grown.path, version=1).create_checkpoint()
    grown.log(2).unlink()

    report = grown.verify(base=GIVEN)

    assert [(f.verdict, f.code) for f in report.findings if f.verdict is not Verdict.PASS] == [
        (Verdict.UNKNOWN, Code.HISTORY_EXPIRED)
    ]


def test_given_files_that_a_rewind_brought_back_are_read(grown: TableBuilder) -> None:
    DeltaTable(grown.path).optimize.compact()
    grown.rewind(5, grown.positions)

    report = grown.verify(base=GIVEN)

    assert failures(report) == []
    assert "345 of the given rows were moved" in " ".join(f.message for f in report.findings)


def test_what_was_given_and_is_read_again_after_a_rewind_is_checked(table: TableBuilder) -> None:
    table.land({0: (260, 290)})
    table.rewind(2, {0: 200, 1: 50})
    table.land({0: (200, 300), 1: (50, 60)})
    assert failures(table.verify(base=GIVEN, ledger=False)) == []
    table.rewind(2, {0: 200, 1: 50})
    table.land({0: (200, 300), 1: (50, 60)}, change=lambda rows: [row for row in rows if row["_offset"] != 230])

    report = table.verify(base=GIVEN, ledger=False)

    assert [f.offset for f in failures(report) if f.code is Code.LOST] == [230]


def test_a_checkpoint_after_the_version_is_compared(grown: TableBuilder) -> None:
    DeltaTable(grown.path).create_checkpoint()
    text = grown.log(5).read_text()
    grown.log(5).write_text("\n".join(line for line in text.splitlines() if '"add"' not in line) + "\n")

    assert only(grown.verify(base=GIVEN, ledger=False), Code.CHECKPOINT_DIFFERS).version == 5


def test_a_version_that_is_not_there_yet_is_a_wrong_option(table: TableBuilder) -> None:
    with pytest.raises(ConfigError, match="no version 9 yet, its newest is 3"):
        table.verify(base=Base(9))


def test_positions_that_the_version_did_not_pass_at_are_another_table(grown: TableBuilder) -> None:
    assert grown.verify(base=Base(3, {0: 260, 1: 90})).verdict is Verdict.PASS

    found = only(grown.verify(base=Base(3, {0: 250, 1: 90})), Code.CHAIN_BROKEN)

    assert "passed at the positions 0: 250, 1: 90 and is at 0: 260, 1: 90 now" in found.message
