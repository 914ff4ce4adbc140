"""What commits say of one partition, one after another."""

from dataclasses import dataclass, field

from pyroaring import BitMap64

from headrace.read.proof.actions import Span


@dataclass
class PartitionHistory:
    """What the retained commits say of one partition.

    `since` is the position at the base: what lies below it was written by commits that are gone, or that are taken
    as `given`. `start` is None where nothing tells it. `hidden` are ranges of commits that recorded more missing
    offsets than they name: (start, end, how many are not named).
    """

    since: int
    start: int | None
    position: int
    rows: int = 0
    rejects: int = 0
    deletes: int = 0
    gaps: BitMap64 = field(default_factory=BitMap64)
    hidden: list[tuple[int, int, int]] = field(default_factory=list)
    replayed: BitMap64 = field(default_factory=BitMap64)
    rewound: bool = False
    given: bool = False

    @property
    def floor(self) -> int:
        """The first offset to be looked at."""
        return self.since if self.given else 0

    def record(self, span: Span) -> None:
        """Takes what a commit says of its range."""
        self.rows += span.rows
        self.deletes += span.deletes
        self.rejects += span.rejects
        for gap in span.gaps:
            self.gaps.add_range(gap.start, gap.end)
        unnamed = span.gap_records - sum(len(gap) for gap in span.gaps)
        if unnamed > 0:
            self.hidden.append((span.start, span.end, unnamed))
