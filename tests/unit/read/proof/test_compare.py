"""What differences mean depends on who is asked, and on what he can still know."""

from pyroaring import BitMap64

from headrace.read.proof.compare import compare_offsets
from headrace.read.proof.coverage import Coverage
from headrace.read.proof.findings import Code, Finding, Findings, Level, Verdict
from headrace.read.proof.truth import Survey


def covered(kept: range, *, lost: range = range(0), expired: range = range(0)) -> Coverage:
    return Coverage(0, 100, BitMap64(kept), 0, BitMap64(lost), BitMap64(expired), 0, 0)


def survey(seen: range, *, first: int = 0, thinned: bool = False) -> Survey:
    return Survey(0, BitMap64(seen), first, 0, thinned, ())


def test_records_that_a_compacted_topic_dropped_are_not_phantoms() -> None:
    findings = Findings()

    found = compare_offsets(
        0, covered(range(100)), survey(range(50, 100), thinned=True), level=Level.BROKER, findings=findings
    )

    assert (found.phantom, found.uncompared) == (0, 50)
    assert {finding.verdict for finding in findings} == {Verdict.PASS}


def test_what_the_log_lost_already_is_not_told_twice() -> None:
    findings = Findings()

    found = compare_offsets(
        0, covered(range(90), lost=range(90, 100)), survey(range(95)), level=Level.LEDGER, findings=findings
    )

    assert len(found.lost) == 5
    assert list(findings) == []


def test_offsets_before_the_retained_log_and_the_retained_topic_are_unknown() -> None:
    findings = Findings()
    table = covered(range(20, 100), expired=range(20))

    compare_offsets(0, table, survey(range(20, 100), first=15), level=Level.BROKER, findings=findings)

    told = [(finding.code, finding.verdict, finding.count) for finding in findings]
    assert told == [(Code.HISTORY_EXPIRED, Verdict.UNKNOWN, 15)]


def test_only_the_first_findings_of_a_kind_are_kept_and_the_others_counted() -> None:
    findings = Findings()
    for number in range(25):
        findings.add(lost_finding(number))

    kept = findings.of(0)

    assert len(kept) == Findings.KEPT + 1
    assert kept[-1].message == "15 further findings lost"
    assert kept[-1].verdict is Verdict.FAIL


def lost_finding(offset: int) -> Finding:
    return Finding(Verdict.FAIL, Code.LOST, "gone", 0, offset)
