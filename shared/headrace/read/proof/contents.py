"""What the rows of a table and its quarantine amount to, per partition: sets of offsets and sums, never rows."""

from collections import defaultdict
from dataclasses import dataclass, field

from pyroaring import BitMap64

from headrace.read.proof.digests import BlockSums
from headrace.read.proof.offset_sets import MAX_OFFSET, between


@dataclass
class Content:
    """One partition of a table.

    Attributes:
        rows: offsets of the table's rows.
        row_count: how many rows there are; more than `rows` has members if some are there twice. Rows below what is
            looked at are not counted.
        duplicates: offsets that are there more than once.
        quarantined: unresolved offsets of the quarantine.
        resolved: offsets of the quarantine that a replay at or before the pinned version brought home.
        sums: values of rows and of unresolved quarantined records below the position.
    """

    rows: BitMap64 = field(default_factory=BitMap64)
    row_count: int = 0
    duplicates: BitMap64 = field(default_factory=BitMap64)
    quarantined: BitMap64 = field(default_factory=BitMap64)
    resolved: BitMap64 = field(default_factory=BitMap64)
    sums: BlockSums = field(default_factory=BlockSums)

    def look_from(self, floor: int, replayed: BitMap64) -> int:
        """Leaves out the rows below `floor`, but for those that a replay brought; how many they were."""
        brought = between(self.rows, 0, floor) & (self.resolved | replayed)
        above = between(self.rows, floor, MAX_OFFSET) | brought
        left_out = len(self.rows) - len(above)
        self.rows = above
        self.row_count -= left_out
        return left_out

    def kept(self, position: int) -> BitMap64:
        """Offsets below `position` that are in the table or, unresolved, in its quarantine."""
        return between(self.rows | self.quarantined, 0, position)


Contents = defaultdict[int, Content]


def new_contents() -> Contents:
    """Contents of nothing."""
    return defaultdict(Content)
