"""Offsets of which neither the topic nor the log can tell any more whether they were records."""

from collections.abc import Callable, Mapping
from contextlib import suppress

from pyroaring import BitMap64

from headrace.errors import HeadraceError
from headrace.offsets import OffsetRange
from headrace.read.proof.findings import Code, Finding, Findings, Verdict
from headrace.read.proof.identity import TableIdentity, identify
from headrace.read.proof.log import Replay
from headrace.read.proof.offset_sets import ranges_of
from headrace.read.proof.store import LocalFiles


def report_expired(partition: int, offsets: BitMap64, nor: str, findings: Findings) -> None:
    """Offsets of which nobody can tell any more whether they were ever readable."""
    message = (
        f"{len(offsets)} offsets are neither in the table nor in its quarantine {nor}; the commits that may have "
        f"recorded them as missing from the topic are gone: {ranges_of(offsets, 5)}"
    )
    findings.add(Finding(Verdict.UNKNOWN, Code.HISTORY_EXPIRED, message, partition, offsets.min(), len(offsets)))


def positions_by_now(files: LocalFiles, pinned: int, table: TableIdentity) -> Callable[[int], int]:
    """Where a partition stands in the newest version: workers may have read on since the pinned one.

    It is 0 where that cannot be told, of a damaged log, or of another table in the place of the one that was pinned:
    what is said of the pinned version stands by itself.
    """
    txns: Mapping[str, int] = {}
    with suppress(HeadraceError):
        newest = Replay(files, pinned).finish(Findings())
        if identify(newest.configuration) == table:
            txns = newest.txns
    return lambda partition: txns.get(table.source.app_id(partition), 0)


def check_gone(gone: Mapping[int, OffsetRange], position: Callable[[int], int], findings: Findings) -> None:
    """What the topic lost before it was read: nobody can tell any more whether these offsets were records.

    Args:
        gone: per partition what it lost from the pinned position on.
        position: where a partition stands by now.
        findings: told.
    """
    for partition, lost in gone.items():
        start = max(lost.start, position(partition))
        if start < lost.end:
            message = (
                f"offsets {start} to {lost.end - 1} were deleted from the topic before they were read: "
                "if they held records, these are in neither table"
            )
            findings.add(Finding(Verdict.UNKNOWN, Code.EXPIRED_UNREAD, message, partition, start, lost.end - start))
