"""A table of latest rows against the topic: of every key the row that counts, and no other. Pure."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from pyroaring import BitMap64

from headrace.read.proof.actions import DataFile
from headrace.read.proof.digests import block_of
from headrace.read.proof.findings import Code, Finding, Findings, Verdict
from headrace.read.proof.keyed import Event, KeyState, Mark, Rank, Row

_BLOCKS = 64
"""Blocks of offsets that are read again at a time."""

Digests = Callable[[int, Collection[int]], Mapping[int, frozenset[bytes]]]
"""Of a partition and blocks of offsets: what is right for the value of each offset."""


@dataclass
class Tally:
    """What the comparison of one partition came to: of rows that came from it, and of events that are no row."""

    lost: BitMap64 = field(default_factory=BitMap64)
    phantom: int = 0
    differing: int = 0
    uncompared: int = 0


@dataclass
class LatestComparison:
    """Fed with every key.

    Attributes:
        files: of the table, by path.
        comparable_from: per partition the first offset that the topic still has.
        thinned: whether the topic removes records by itself.
        findings: where differences go.
        tallies: per partition.
    """

    files: Mapping[str, DataFile]
    comparable_from: Mapping[int, int]
    thinned: bool
    findings: Findings
    tallies: dict[int, Tally] = field(default_factory=dict)
    _doubtful: list[Row] = field(default_factory=list)

    def add(self, state: KeyState) -> None:
        """Compares one key."""
        if len(state.rows) > 1:
            self._fail(Code.DUPLICATE, "a key has more than one row", state.rows[-1]).phantom += 1
            return
        if state.marks and len({*state.marks, *state.events}) > 1:
            self._add_moved(state)
            return
        winner = max(state.events.values(), default=None, key=lambda event: event.rank)
        if state.rows:
            self._compare(state.rows[0], winner, state)
        elif winner is not None:
            self._lose(winner)

    def _add_moved(self, state: KeyState) -> None:
        """Compares a key that moved between partitions and was deleted.

        Partitions have no order among them, so Kafka's clock says what a tombstone of another partition takes back.
        """
        left = [event for event in state.events.values() if _taken_by(event.rank, state) is None]
        winner = None if self.thinned else max(left, default=None, key=lambda event: event.rank)
        if winner is not None and not state.rows:
            self._lose(winner)
        for row in state.rows:
            if (winner is not None and winner.rank >= row.rank) or _taken_by(row.rank, state) is not None:
                self._compare(row, winner, state)
            else:
                self._tally(row.rank.partition).uncompared += 1

    def _lose(self, winner: Event) -> None:
        where = winner.rank
        message = f"the event at offset {where.offset} is the latest of its key, and the table has no row of it"
        self.findings.add(Finding(Verdict.FAIL, Code.LOST, message, where.partition, where.offset, 1))
        self._tally(where.partition).lost.add(where.offset)

    def _compare(self, row: Row, winner: Event | None, state: KeyState) -> None:
        if winner is not None and winner.rank == row.rank:
            if winner.value != row.value:
                self._doubtful.append(row)
        elif winner is not None and winner.rank > row.rank:
            message = (
                f"the row is that of offset {row.rank.offset}, and the event at offset {winner.rank.offset} of "
                f"partition {winner.rank.partition} is later"
            )
            self._fail(Code.OUTDATED, message, row).differing += 1
        elif mark := _taken_by(row.rank, state):
            message = (
                f"the row of offset {row.rank.offset} was deleted by the tombstone at offset {mark.offset} of "
                f"partition {mark.partition}"
            )
            self._fail(Code.PHANTOM, message, row).phantom += 1
        elif self.thinned or row.rank.offset < self.comparable_from.get(row.rank.partition, 0):
            self._tally(row.rank.partition).uncompared += 1
        else:
            message = f"no event of the topic says what the row of offset {row.rank.offset} does"
            self._fail(Code.PHANTOM, message, row).phantom += 1

    def resolve(self, digests: Digests) -> None:
        """Compares the rows whose events were written in another spelling; to be called when all keys were added."""
        doubtful: dict[int, dict[int, Row]] = {}
        for row in self._doubtful:
            doubtful.setdefault(row.rank.partition, {})[row.rank.offset] = row
        for partition, rows in doubtful.items():
            for blocks in _chunks(sorted(set(map(block_of, rows)))):
                for offset, right in digests(partition, blocks).items():
                    if offset in rows and rows[offset].value not in right:
                        message = f"the value of offset {offset} is not the one that was sent"
                        self._fail(Code.VALUE_DIFFERS, message, rows[offset]).differing += 1

    def finish(self) -> None:
        """Says how many rows nobody could be asked about."""
        for partition, tally in sorted(self.tallies.items()):
            if tally.uncompared:
                message = (
                    f"{tally.uncompared} rows come from records that are no longer on the topic, or whose key has "
                    "moved between partitions and was deleted: they were not compared"
                )
                self.findings.add(Finding(Verdict.PASS, Code.NOT_COMPARED, message, partition, count=tally.uncompared))

    def _fail(self, code: Code, message: str, row: Row) -> Tally:
        partition, offset = row.rank.partition, row.rank.offset
        self.findings.add(self.files[row.file].blame(code, message, partition=partition, offset=offset, count=1))
        return self._tally(partition)

    def _tally(self, partition: int) -> Tally:
        return self.tallies.setdefault(partition, Tally())


def _taken_by(rank: Rank, state: KeyState) -> Mark | None:
    """A tombstone that came after what has that rank: by their offsets, or in another partition by Kafka's clock."""
    for mark in state.marks.values():
        if mark.offset > rank.offset if mark.partition == rank.partition else mark.stamp >= rank.stamp:
            return mark
    return None


def _chunks(blocks: list[int]) -> Iterator[list[int]]:
    return (blocks[first : first + _BLOCKS] for first in range(0, len(blocks), _BLOCKS))
