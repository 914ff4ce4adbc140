"""Verdicts on sound tables, whatever maintenance did to them."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from deltalake import DeltaTable

from headrace.contracts import load_contracts
from headrace.read.proof.canonical import ValueCodec
from headrace.read.proof.compare import RESOLVED_BLOCKS
from headrace.read.proof.digests import BLOCK
from headrace.read.proof.files import FileDamagedError
from headrace.read.proof.findings import Code, Level, Verdict
from headrace.read.proof.identity import TableIdentity
from headrace.read.proof.report import TableReport, overall, summary
from headrace.read.proof.truth import Truth
from headrace.read.proof.verify import Verifier
from tests.unit.read.proof.tables import TableBuilder

Build = Callable[..., TableBuilder]


def numbers(report: TableReport, partition: int) -> dict[str, object]:
    found = report.partitions[partition]
    names = ("start", "position", "rows", "quarantined", "gaps", "lost", "duplicates", "phantom", "differing")
    return {name: getattr(found, name) for name in names}


def test_a_sound_table_passes_with_its_numbers(table: TableBuilder) -> None:
    report = table.verify()

    assert report.findings == ()
    assert [p.findings for p in report.partitions] == [(), ()]
    assert report.verdict is Verdict.PASS
    assert report.levels == (Level.LOG, Level.FILES, Level.LEDGER)
    assert (report.version, report.base_version, report.files, report.topic) == (3, -1, 6, "trades")
    none = {"lost": 0, "duplicates": 0, "phantom": 0, "differing": 0}
    assert numbers(report, 0) == {"start": 0, "position": 260, "rows": 255, "quarantined": 2, "gaps": 3, **none}
    assert numbers(report, 1) == {"start": 0, "position": 90, "rows": 90, "quarantined": 0, "gaps": 0, **none}


def test_without_topic_or_ledger_log_and_files_are_the_proof(table: TableBuilder) -> None:
    report = table.verify(ledger=False)

    assert report.verdict is Verdict.PASS
    assert report.levels == (Level.LOG, Level.FILES)
    assert report.partitions[0].behind is None


def test_an_empty_table_passes(build: Build) -> None:
    assert build({0: 17}).verify(ledger=False).verdict is Verdict.PASS


def test_records_after_the_position_are_behind_and_no_error(table: TableBuilder) -> None:
    table.ledger[1, 90] = table.ledger[1, 89]

    report = table.verify()

    assert report.verdict is Verdict.PASS
    assert [p.behind for p in report.partitions] == [0, 1]


def test_quarantined_records_at_or_after_the_position_are_pending(table: TableBuilder) -> None:
    table.quarantine({(1, 90): b"{", (1, 95): None})

    report = table.verify()

    assert report.verdict is Verdict.PASS
    assert report.partitions[1].pending == 2


def test_compaction_keeps_the_verdict(table: TableBuilder) -> None:
    DeltaTable(table.path).optimize.compact()

    report = table.verify()

    assert report.verdict is Verdict.PASS
    assert report.files == 2


def test_files_that_a_commit_adds_once_more_are_no_more_rows(table: TableBuilder) -> None:
    """So does Spark where it begins to track rows."""
    log = Path(table.path) / "_delta_log"
    commits = sorted(log.glob("*.json"))
    actions = [msgspec.json.decode(line) for commit in commits for line in commit.read_bytes().splitlines()]
    again = [{"add": action["add"] | {"dataChange": False}} for action in actions if "add" in action]
    told = {"commitInfo": {"timestamp": 0, "operation": "ROW TRACKING BACKFILL"}}
    (log / f"{len(commits):020d}.json").write_bytes(b"\n".join(map(msgspec.json.encode, (told, *again))))

    report = table.verify()

    assert (report.verdict, report.version, len(again) > 1) == (Verdict.PASS, len(commits), True)


@pytest.mark.parametrize("ledger", [True, False])
def test_after_log_clean_up_the_chain_begins_at_the_oldest_checkpoint(table: TableBuilder, ledger: bool) -> None:
    handle = DeltaTable(table.path)
    handle.create_checkpoint()
    for version in range(3):
        table.log(version).unlink()
    table.land({0: (260, 300)})

    report = table.verify(ledger=ledger)

    assert report.base_version == 3
    assert "checked from version 3 on" in report.findings[0].message
    # The gap at 150 was recorded by a commit that is gone: the ledger knows that nobody sent it, the log does not.
    assert report.verdict is (Verdict.PASS if ledger else Verdict.UNKNOWN)
    unknown = [f for f in report.partitions[0].findings if f.code is Code.HISTORY_EXPIRED]
    assert [f.offset for f in unknown] == ([] if ledger else [150])


def test_a_checkpoint_that_agrees_with_the_commits_changes_nothing(table: TableBuilder) -> None:
    DeltaTable(table.path).create_checkpoint()
    table.land({0: (260, 270)})

    report = table.verify()

    assert report.verdict is Verdict.PASS
    assert report.base_version == -1


def test_commits_without_rows_move_the_position(table: TableBuilder) -> None:
    table.land({0: (260, 270)}, gaps={0: [(260, 270)]})

    assert table.verify().verdict is Verdict.PASS


def test_gaps_that_a_commit_counts_without_naming_them_are_explained(table: TableBuilder) -> None:
    table.land({0: (260, 300)}, hidden={0: 7})

    report = table.verify()

    assert report.verdict is Verdict.PASS
    assert report.partitions[0].gaps == 10


def test_a_partition_that_was_added_to_the_topic_begins_at_zero(table: TableBuilder) -> None:
    table.land({2: (0, 10)})

    assert table.verify().verdict is Verdict.PASS


def test_a_replay_counts_in_the_table_only(table: TableBuilder) -> None:
    _replay(table, {"offsets": {"0": [110, 111]}}, resolved=4)

    report = table.verify()

    assert report.verdict is Verdict.PASS
    assert (report.partitions[0].quarantined, report.partitions[0].resolved) == (0, 2)


def test_an_interrupted_replay_is_right_because_its_commit_names_the_offsets(table: TableBuilder) -> None:
    _replay(table, {"offsets": {"0": [110, 111]}}, resolved=None)

    report = table.verify(ledger=False)

    assert report.verdict is Verdict.PASS


def test_an_interrupted_replay_of_records_in_many_blocks_is_right_too(build: Build) -> None:
    """More than are looked into one by one: a replayed record must count in the table alone."""
    blocks = range(RESOLVED_BLOCKS + 2)
    end = len(blocks) * BLOCK
    gaps = {0: [(block * BLOCK + 1, (block + 1) * BLOCK) for block in blocks]}
    offsets = [block * BLOCK for block in blocks]
    table = build({0: 0})
    table.land({0: (0, end)}, rejects={0: offsets}, gaps=gaps)
    note = {"kind": "replay", "batch": "r", "offsets": {"0": offsets}}
    table.land({0: (0, end)}, gaps=gaps, note=note)

    report = table.verify()

    assert report.verdict is Verdict.PASS, report.partitions[0].findings
    assert report.partitions[0].rows == len(blocks)


def _replay(table: TableBuilder, note: dict[str, object], resolved: int | None) -> None:
    """Lands the two quarantined records as a replay would."""
    before = dict(table.positions)
    table.land({0: (110, 112)}, note={"kind": "replay", "batch": "r", **note}, txns={0: before[0]})
    quarantine = DeltaTable(table.root / "trades__quarantine")
    if resolved is not None:
        quarantine.update({"resolved_version": str(resolved)})


def test_a_file_from_before_a_column_was_added_reads_as_null(table: TableBuilder) -> None:
    table.land({0: (260, 300)}, without=["order_id"])

    assert table.verify().verdict is Verdict.PASS


def test_json_has_stable_keys(table: TableBuilder) -> None:
    found = msgspec.json.decode(msgspec.json.encode(summary((table.verify(),))))

    assert list(found) == ["verdict", "exit_code", "tables"]
    assert list(found["tables"][0]) == [
        *("table", "path", "verdict", "topic", "version", "base_version", "since", "levels", "files"),
        *("partitions", "findings", "counts"),
    ]
    assert list(found["tables"][0]["partitions"][0]) == [
        *("partition", "verdict", "start", "position", "rows", "quarantined", "resolved", "gaps", "pending"),
        *("lost", "duplicates", "phantom", "differing", "behind", "uncompared", "findings"),
    ]
    assert found["exit_code"] == 0


def test_no_table_at_all_is_unknown() -> None:
    assert overall(()) is Verdict.UNKNOWN


def test_a_file_damaged_while_values_are_compared_is_a_damaged_file(table: TableBuilder) -> None:
    def torn(_identity: TableIdentity, _codec: ValueCodec | None) -> Truth:
        msg = "it ends in the middle"
        raise FileDamagedError(msg)

    report = Verifier(table.root, load_contracts([]), torn).verify("trades")

    assert [(f.verdict, f.code) for f in report.findings] == [(Verdict.FAIL, Code.FILE_DAMAGED)]
