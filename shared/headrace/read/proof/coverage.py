"""Every offset below the position is accounted for: a row, a quarantined record, or a recorded gap. Pure."""

from dataclasses import dataclass

from pyroaring import BitMap64

from headrace.read.proof.contents import Content
from headrace.read.proof.findings import Code, Finding, Findings, Verdict
from headrace.read.proof.histories import PartitionHistory
from headrace.read.proof.offset_sets import MAX_OFFSET, between, ranges_of


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the log and the files alone tell of one partition.

    Attributes:
        start: first offset that the table is answerable for.
        position: the next offset to read.
        kept: offsets of rows and unresolved quarantined records below the position.
        gaps: offsets that commits recorded as not readable from the topic.
        lost: offsets below the position that nothing accounts for.
        expired: such offsets below the base, where commits that may have recorded them are gone.
        pending: quarantined records at or beyond the position: their batch has not landed yet.
        misplaced: rows before the start, or at or beyond the position.
    """

    start: int
    position: int
    kept: BitMap64
    gaps: int
    lost: BitMap64
    expired: BitMap64
    pending: int
    misplaced: int


def cover(partition: int, history: PartitionHistory, content: Content, findings: Findings) -> Coverage:
    """Accounts for every offset of one partition."""
    position = history.position
    kept = between(content.kept(position), history.floor, position)
    start = history.start if history.start is not None else (kept.min() if kept else position)
    missing = BitMap64(range(start, position)) - kept
    unexplained = missing - history.gaps
    expired = between(unexplained, 0, history.since)
    lost = unexplained - expired
    for low, high, count in history.hidden:
        if lost.range_cardinality(low, high) == count:
            lost.remove_range(low, high)
    report = _Reporter(partition, findings)
    if lost:
        message = (
            f"{len(lost)} offsets are neither in the table nor in its quarantine, and no commit recorded them as "
            f"missing from the topic: {ranges_of(lost, 5)}"
        )
        report(Code.LOST, message, lost)
    early = _early(history, content, start)
    if early:
        message = f"{len(early)} records lie before the table's start {start}: {ranges_of(early, 5)}"
        report(Code.BEFORE_START, message, early)
    _check_overlaps(history, content, report)
    if not lost and not content.duplicates:
        _check_totals(history, content, report)
    pending = len(content.quarantined) - content.quarantined.range_cardinality(0, position)
    gaps = len(missing) - len(lost) - len(expired)
    misplaced = len(early & content.rows) + len(between(content.rows, position, MAX_OFFSET))
    return Coverage(start, position, kept, gaps, lost, expired, pending, misplaced)


def cover_latest(partition: int, history: PartitionHistory, content: Content, findings: Findings) -> Coverage:
    """Of a table of latest rows: what is there has its place. That every offset was applied is for the chain to say."""
    position, report = history.position, _Reporter(partition, findings)
    kept = between(content.kept(position), 0, position)
    start = history.start if history.start is not None else (kept.min() if kept else position)
    early = _early(history, content, start)
    if early:
        message = f"{len(early)} records lie before the table's start {start}: {ranges_of(early, 5)}"
        report(Code.BEFORE_START, message, early)
    _check_overlaps(history, content, report, latest=True)
    rejects = (content.quarantined | content.resolved).range_cardinality(history.since, position)
    if rejects != history.rejects and not history.rewound:
        message = f"the commits since offset {history.since} claim {history.rejects} rejects, {rejects} are there"
        report(Code.COUNT_DIFFERS, message)
    pending = len(content.quarantined) - content.quarantined.range_cardinality(0, position)
    gaps = len(history.gaps) + sum(count for _, _, count in history.hidden)
    misplaced = len(early & content.rows) + len(between(content.rows, position, MAX_OFFSET))
    return Coverage(start, position, kept, gaps, BitMap64(), BitMap64(), pending, misplaced)


def _early(history: PartitionHistory, content: Content, start: int) -> BitMap64:
    """Records before the start; what a replay brought home may lie before that which is taken as given."""
    early = between(content.rows | content.quarantined, 0, start)
    return early - content.resolved - history.replayed if history.given else early


def _check_overlaps(history: PartitionHistory, content: Content, report: "_Reporter", *, latest: bool = False) -> None:
    """Of latest rows a record may have been brought home and count less than another of its key."""
    both = (content.rows & content.quarantined) - history.replayed
    if both:
        message = f"{len(both)} offsets are in the table and, unresolved, in its quarantine: {ranges_of(both, 5)}"
        report(Code.IN_QUARANTINE_TOO, message, both)
    gone = content.resolved - content.rows
    if gone and not latest:
        message = f"{len(gone)} offsets were resolved by a replay but are not in the table: {ranges_of(gone, 5)}"
        report(Code.LOST, message, gone)
    impossible = (content.rows | content.quarantined) & history.gaps
    if impossible:
        message = f"{len(impossible)} offsets were recorded as missing from the topic, yet they are here: "
        report(Code.IN_GAP, message + ranges_of(impossible, 5), impossible)


def _check_totals(history: PartitionHistory, content: Content, report: "_Reporter") -> None:
    """Rows and rejects that the retained commits claim, against those that are there since the base."""
    if history.rewound:
        return
    replayed = content.resolved | history.replayed
    rows = (content.rows - replayed).range_cardinality(history.since, history.position)
    rejects = (content.quarantined | content.resolved).range_cardinality(history.since, history.position)
    if rows != history.rows:
        message = f"the commits since offset {history.since} claim {history.rows} rows, {rows} are there"
        report(Code.COUNT_DIFFERS, message)
    if rejects != history.rejects:
        message = f"the commits since offset {history.since} claim {history.rejects} rejects, {rejects} are there"
        report(Code.COUNT_DIFFERS, message)


@dataclass(frozen=True, slots=True)
class _Reporter:
    partition: int
    findings: Findings

    def __call__(self, code: Code, message: str, offsets: BitMap64 | None = None) -> None:
        first = offsets.min() if offsets else None
        count = len(offsets) if offsets else None
        self.findings.add(Finding(Verdict.FAIL, code, message, self.partition, first, count))
