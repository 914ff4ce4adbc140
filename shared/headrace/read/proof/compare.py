"""The table against the topic or the ledger: lost, phantom and differing records. What it reads it is given."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from pyroaring import BitMap64

from headrace.read.proof.actions import DataFile
from headrace.read.proof.coverage import Coverage
from headrace.read.proof.digests import BLOCK
from headrace.read.proof.expired import report_expired
from headrace.read.proof.findings import Code, Finding, Findings, Level, Verdict
from headrace.read.proof.offset_sets import between, ranges_of
from headrace.read.proof.truth import Survey

RESOLVED_BLOCKS = 64
"""So many differing blocks are read again at a time, to name the records; on most topics no more than these."""


@dataclass(frozen=True, slots=True)
class Located:
    """A value in the table or its quarantine, and the file that holds it."""

    value_digest: bytes
    file: DataFile


@dataclass(frozen=True, slots=True)
class Difference:
    """What the comparison of one partition came to.

    Attributes:
        lost: offsets that the topic or the ledger has and the table has not.
        phantom: how many records the table has and the other side never had.
        uncompared: how many records of the table are no longer on the other side.
        behind: how many records the other side has at or after the position.
    """

    lost: BitMap64
    phantom: int
    uncompared: int
    behind: int


def compare_offsets(
    partition: int, covered: Coverage, survey: Survey, *, level: Level, findings: Findings
) -> Difference:
    """Which offsets are on one side only."""
    kept = between(covered.kept, survey.comparable_from, covered.position)
    missing = survey.seen - covered.kept
    unreported = missing - covered.lost
    extra = kept - survey.seen
    if unreported:
        message = (
            f"{len(unreported)} records that the {level} holds are neither in the table nor in its quarantine: "
            f"{ranges_of(unreported, 5)}"
        )
        findings.add(Finding(Verdict.FAIL, Code.LOST, message, partition, unreported.min(), len(unreported)))
    if extra:
        findings.add(_phantoms(partition, extra, survey, level))
    _check_expired(partition, covered, survey, level, findings)
    for remark in survey.remarks:
        findings.add(Finding(Verdict.PASS, Code.REMARK, remark, partition))
    uncompared = len(covered.kept) - len(kept) + (len(extra) if survey.thinned else 0)
    if uncompared:
        message = f"{uncompared} records are no longer in the {level}: their values were not compared"
        findings.add(Finding(Verdict.PASS, Code.NOT_COMPARED, message, partition, count=uncompared))
    phantom = 0 if survey.thinned else len(extra)
    return Difference(missing, phantom, uncompared, survey.behind)


def _phantoms(partition: int, extra: BitMap64, survey: Survey, level: Level) -> Finding:
    where = ranges_of(extra, 5)
    if survey.thinned:
        message = f"{len(extra)} records are not on the topic, which is compacted: {where}"
        return Finding(Verdict.PASS, Code.NOT_COMPARED, message, partition, extra.min(), len(extra))
    if level is Level.LEDGER:
        message = f"{len(extra)} records are here that no producer noted as acknowledged: {where}"
    else:
        message = f"{len(extra)} records are here that the topic never gave out to read_committed readers: {where}"
    return Finding(Verdict.FAIL, Code.PHANTOM, message, partition, extra.min(), len(extra))


def _check_expired(partition: int, covered: Coverage, survey: Survey, level: Level, findings: Findings) -> None:
    """Offsets that nothing here accounts for, from before the retained log: the other side may still know them."""
    unknown = between(covered.expired, 0, survey.comparable_from)
    if unknown:
        report_expired(partition, unknown, f"nor in what the {level} still holds", findings)


def compare_values(
    partition: int,
    survey: Survey,
    *,
    ours: Callable[[Collection[int]], Mapping[int, Located]],
    theirs: Callable[[Collection[int]], Mapping[int, frozenset[bytes]]],
    findings: Findings,
) -> int:
    """Compares the records of the differing blocks one by one; the number whose values differ."""
    differing = 0
    for first in range(0, len(survey.differing), RESOLVED_BLOCKS):
        blocks = survey.differing[first : first + RESOLVED_BLOCKS]
        here, there = ours(blocks), theirs(blocks)
        for offset in sorted(here.keys() & there.keys()):
            if here[offset].value_digest not in there[offset]:
                differing += 1
                findings.add(_differs(partition, offset, here[offset].file))
        left = len(survey.differing) - first - len(blocks)
        if left and not survey.thinned:  # every one of them holds a lost, phantom, doubled or changed record
            message = f"{left} further blocks of {BLOCK} offsets differ and were not looked into"
            findings.add(Finding(Verdict.FAIL, Code.VALUE_DIFFERS, message, partition))
            break
    return differing


def _differs(partition: int, offset: int, file: DataFile) -> Finding:
    message = f"the value of offset {offset} is not the one that was sent"
    return file.blame(Code.VALUE_DIFFERS, message, partition=partition, offset=offset, count=1)
