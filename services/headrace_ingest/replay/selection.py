"""Which quarantined records a replay takes, and how many at a time. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc

from headrace.contracts import RejectReason
from headrace.lake.schema import INSTANT
from headrace.offsets import Address, OffsetRange

COLUMNS = ("_partition", "_offset", "reason", "quarantined_at", "resolution")
"""What a selection looks at."""

GROUP_RECORDS = 10_000
"""Records of one commit, whose note names every offset; a file of the quarantine is never divided."""

GROUP_BYTES = 32 * 1024 * 1024
"""Uncompressed bytes of the files that are rewritten together."""

"""Partition and offset."""

_PLACES = re.compile(r"(\d{1,9}):(\d{1,18})(?:-(\d{1,18}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Selection:
    """Records of a quarantine; None takes all.

    Attributes:
        reason: why they were refused.
        since: aware; when they were quarantined, at the earliest.
        offsets: by partition.
    """

    reason: RejectReason | None = None
    since: datetime | None = None
    offsets: Mapping[int, Sequence[OffsetRange]] | None = None

    def chosen(self, rows: pa.Table) -> list[int]:
        """Indices of the selected rows that nothing has resolved; `rows` has at least COLUMNS."""
        masks = [pc.is_null(rows["resolution"])]
        if self.reason is not None:
            masks.append(pc.equal(rows["reason"], pa.scalar(self.reason.value)))
        if self.since is not None:
            masks.append(pc.greater_equal(rows["quarantined_at"], pa.scalar(self.since, INSTANT)))
        selected = masks[0]
        for mask in masks[1:]:
            selected = pc.and_(selected, mask)
        indices = cast("list[int]", pc.indices_nonzero(selected).to_pylist())
        if self.offsets is None:
            return indices
        places = places_of(rows)
        return [index for index in indices if self._names(*places[index])]

    def _names(self, partition: int, offset: int) -> bool:
        return any(offset in span for span in (self.offsets or {}).get(partition, ()))


def places_of(rows: pa.Table) -> list[Address]:
    """Where the records of `rows` come from."""
    columns = rows.select(["_partition", "_offset"]).to_pydict()
    return list(zip(columns["_partition"], columns["_offset"], strict=True))


def parse_places(texts: Iterable[str]) -> dict[int, list[OffsetRange]]:
    """Offsets by partition.

    Args:
        texts: each `PARTITION:OFFSET` or `PARTITION:FIRST-LAST`, several of them with commas between.

    Raises:
        ValueError: one is neither.
    """
    places: dict[int, list[OffsetRange]] = {}
    for text in (part.strip() for joined in texts for part in joined.split(",")):
        found = _PLACES.fullmatch(text)
        first, last = (int(found[2]), int(found[3] or found[2])) if found else (1, 0)
        if found is None or last < first:
            msg = (
                f"{text!r} names no offsets: write PARTITION:OFFSET or PARTITION:FIRST-LAST, as in 3:1042 or 3:100-199"
            )
            raise ValueError(msg)
        places.setdefault(int(found[1]), []).append(OffsetRange(first, last + 1))
    return places


@dataclass(frozen=True)
class Group:
    """Files of a quarantine that are settled together.

    Attributes:
        paths: of the files.
        rows: all that they hold, resolved and not selected ones included.
        chosen: indices of the rows to replay.
    """

    paths: tuple[str, ...]
    rows: pa.Table
    chosen: tuple[int, ...]

    def below(self, positions: Mapping[int, int]) -> list[int]:
        """Those of `chosen` that the table's position has passed; a worker still has to account for the others."""
        places = self.places
        return [row for row in self.chosen if places[row][1] < positions.get(places[row][0], 0)]

    @cached_property
    def places(self) -> list[Address]:
        """Where each of `rows` comes from."""
        return places_of(self.rows)

    def joined(self, other: "Group") -> "Group":
        """Both, the other one's rows after these."""
        moved = (row + self.rows.num_rows for row in other.chosen)
        return Group((*self.paths, *other.paths), pa.concat_tables([self.rows, other.rows]), (*self.chosen, *moved))

    @property
    def full(self) -> bool:
        """Whether nothing should join it."""
        return len(self.chosen) >= GROUP_RECORDS or self.rows.nbytes >= GROUP_BYTES


def grouped(files: Iterable[Group]) -> Iterator[Group]:
    """Small files together, large ones alone, in their order."""
    collected: Group | None = None
    for file in files:
        collected = file if collected is None else collected.joined(file)
        if collected.full:
            yield collected
            collected = None
    if collected is not None:
        yield collected
