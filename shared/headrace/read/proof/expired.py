"""Offsets of which neither the topic nor the log can tell any more whether they were records."""

from collections.abc import Mapping

from pyroaring import BitMap64

from headrace.offsets import OffsetRange
from headrace.read.proof.findings import Code, Finding, Findings, Verdict
from headrace.read.proof.offset_sets import ranges_of


def report_expired(partition: int, offsets: BitMap64, nor: str, findings: Findings) -> None:
    """Offsets of which nobody can tell any more whether they were ever readable."""
    message = (
        f"{len(offsets)} offsets are neither in the table nor in its quarantine {nor}; the commits that may have "
        f"recorded them as missing from the topic are gone: {ranges_of(offsets, 5)}"
    )
    findings.add(Finding(Verdict.UNKNOWN, Code.HISTORY_EXPIRED, message, partition, offsets.min(), len(offsets)))


def check_gone(gone: Mapping[int, OffsetRange], positions: Mapping[int, int], findings: Findings) -> None:
    """What the topic lost before it was read: nobody can tell any more whether these offsets were records.

    Args:
        gone: per partition what it lost from the pinned position on.
        positions: where partitions stand by now: workers may have read on in between.
        findings: told.
    """
    for partition, lost in gone.items():
        start = max(lost.start, positions.get(partition, 0))
        if start < lost.end:
            message = (
                f"offsets {start} to {lost.end - 1} were deleted from the topic before they were read: "
                "if they held records, these are in neither table"
            )
            findings.add(Finding(Verdict.UNKNOWN, Code.EXPIRED_UNREAD, message, partition, start, lost.end - start))
