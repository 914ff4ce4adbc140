"""What a table is compared with: the topic itself, or the ledger of what producers saw acknowledged."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from pyroaring import BitMap64

from headrace.kafka.records import Records
from headrace.offsets import OffsetRange
from headrace.read.proof.digests import BlockSums
from headrace.read.proof.findings import Level

NONE_GONE = OffsetRange(0, 0)

Progress = Callable[[str, int, int], None]
"""Called with the stage's name, what is done of it, and what there is in all: commits, bytes or offsets."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the table holds of one partition: the other side's question.

    Attributes:
        start: first offset that the table is answerable for.
        position: the next offset to read; later records are not compared.
        quarantined: offsets whose raw value counts, not what a contract makes of it.
        sums: values per block, None when values are not compared.
    """

    start: int
    position: int
    quarantined: BitMap64
    sums: BlockSums | None


@dataclass(frozen=True, slots=True)
class Survey:
    """The other side's answer.

    Attributes:
        partition: of the topic.
        seen: offsets that it holds from `comparable_from` up to the position.
        comparable_from: first offset of which it can tell anything.
        behind: how many records it has at or after the position.
        gone: offsets from the position on that it has no longer.
        thinned: it removes records by itself (compaction), so a record it lacks proves nothing.
        differing: blocks of offsets whose values must be compared one by one.
        remarks: sentences worth telling.
    """

    partition: int
    seen: BitMap64
    comparable_from: int
    behind: int
    thinned: bool
    differing: tuple[int, ...]
    remarks: tuple[str, ...] = ()
    gone: OffsetRange = NONE_GONE


@dataclass(frozen=True, slots=True)
class Replayed:
    """One partition as the other side has it, record by record.

    Attributes:
        partition: of the topic.
        records: in order, those below the position; to be read to the end before the next partition.
        comparable_from: asked when all were read: the first offset of which the other side can tell anything.
        behind: how many records it has at or after the position.
        gone: offsets from the position on that it has no longer.
        thinned: it removes records by itself (compaction), so a record it lacks proves nothing.
        remarks: sentences worth telling.
    """

    partition: int
    records: Iterator[Records]
    comparable_from: Callable[[], int]
    behind: int
    thinned: bool
    remarks: tuple[str, ...] = ()
    gone: OffsetRange = NONE_GONE


class Truth(Protocol):
    """Asked once per table by verify, on its thread.

    Every call may raise a HeadraceError: the comparison is then UNKNOWN.
    """

    @property
    def level(self) -> Level:
        """What kind of truth this is."""
        ...

    def survey(self, expected: Mapping[int, Expected], progress: Progress) -> Iterator[Survey]:
        """Compares every partition of `expected`; also tells of partitions that the table does not have."""
        ...

    def replay(self, expected: Mapping[int, Expected], progress: Progress) -> Iterator[Replayed]:
        """Every partition of `expected`, and those that the table does not have, with their records.

        Raises:
            UnsupportedTableError: this truth does not know records, only their digests.
        """
        ...

    def digests(self, partition: int, blocks: Collection[int], position: int) -> Mapping[int, frozenset[bytes]]:
        """Per offset of `blocks` below `position` the digests that are right for its value."""
        ...

    def close(self) -> None:
        """Releases connections; the last call."""
        ...
