"""A table of latest rows beside its topic: rows by their keys first, then every record up to the position."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
from pyroaring import BitMap64

from headrace.read.proof.actions import DataFile
from headrace.read.proof.canonical import ValueCodec
from headrace.read.proof.compare import Difference
from headrace.read.proof.compare_latest import Digests, LatestComparison, Tally
from headrace.read.proof.contents import Content
from headrace.read.proof.coverage import Coverage
from headrace.read.proof.digests import BLOCK, BlockSums, block_of, differing_blocks, digest
from headrace.read.proof.findings import Code, Finding, Findings, Verdict
from headrace.read.proof.histories import PartitionHistory
from headrace.read.proof.identity import LatestRule
from headrace.read.proof.keyed import KeyStates, Row
from headrace.read.proof.latest import STAMP, EventReader, row_keys
from headrace.read.proof.offset_sets import between, ranges_of
from headrace.read.proof.truth import Replayed


@dataclass(frozen=True)
class RowKeys:
    """Takes the rows of a table by their keys.

    Attributes:
        rule: which event of a key is its row.
        states: where they go.
    """

    rule: LatestRule
    states: KeyStates

    def columns(self, codec: ValueCodec | None) -> Sequence[str]:
        """Those to be read beside the address of a row."""
        named = codec.columns if codec else (*self.rule.key, self.rule.event_time)
        return tuple(dict.fromkeys((*named, STAMP)))

    def add(self, file: DataFile, rows: pa.RecordBatch, codec: ValueCodec | None) -> None:
        """Takes some rows of a file.

        Raises:
            FileDamagedError: a column is not of a type that the contract's values could have.
        """
        values = codec.encode(rows) if codec else [b""] * rows.num_rows
        for (key, rank), value in zip(row_keys(rows, self.rule), values, strict=True):
            self.states.add(key, Row(rank, digest(value), file.path))


@dataclass
class LatestReplay:
    """The topic of one table, replayed. First `take` every partition, then `compare`.

    Attributes:
        states: the rows of the table, to which the events come.
        reader: of events.
        findings: where differences go.
    """

    states: KeyStates
    reader: EventReader
    findings: Findings
    _comparable_from: dict[int, int] = field(default_factory=dict)
    _behind: dict[int, int] = field(default_factory=dict)
    _thinned: bool = False

    def take(self, replayed: Replayed, covered: Coverage, content: Content, history: PartitionHistory) -> None:
        """Reads one partition to its position."""
        # A replay that was interrupted has applied some that nothing has marked yet.
        partition, quarantined = replayed.partition, content.quarantined - history.replayed
        brought = content.resolved | (content.quarantined & history.replayed)
        seen, sums, applied = BitMap64(), BlockSums(), 0

        def unreadable(offset: int) -> None:
            message = f"the record at offset {offset} is no event, and the quarantine has not got it"
            self.findings.add(Finding(Verdict.FAIL, Code.LOST, message, partition, offset, 1))

        for records in replayed.records:
            for offset, value in zip(records.offsets, records.values, strict=True):
                if offset in quarantined:
                    seen.add(offset)
                    sums.add_digest(offset, digest(value))
            for key, entry in self.reader.entries(records, quarantined, unreadable):
                self.states.add(key, entry)
                applied += 1
        first = replayed.comparable_from()
        self._comparable_from[partition], self._behind[partition] = first, replayed.behind
        self._thinned |= replayed.thinned
        for remark in replayed.remarks:
            self.findings.add(Finding(Verdict.PASS, Code.REMARK, remark, partition))
        if not replayed.thinned:
            self._check_quarantined(partition, between(quarantined, first, covered.position) - seen)
            whole = first <= covered.start and history.since == covered.start and not history.rewound
            told = history.rows + history.deletes + len(between(brought, first, covered.position))
            if whole and applied != told:
                message = f"the commits say that {told} records were applied, the topic has {applied} such"
                self.findings.add(Finding(Verdict.FAIL, Code.COUNT_DIFFERS, message, partition))
        self._check_values(partition, [b for b in differing_blocks(content.sums, sums) if b * BLOCK >= first], seen)

    def _check_quarantined(self, partition: int, unknown: BitMap64) -> None:
        if unknown:
            message = f"{len(unknown)} quarantined records are not on the topic: {ranges_of(unknown, 5)}"
            self.findings.add(Finding(Verdict.FAIL, Code.PHANTOM, message, partition, unknown.min(), len(unknown)))

    def _check_values(self, partition: int, blocks: Sequence[int], seen: BitMap64) -> None:
        changed = [offset for offset in seen if block_of(offset) in blocks]
        if changed:
            message = (
                f"of {len(changed)} quarantined records some are not as they were sent, from offset {changed[0]} on"
            )
            self.findings.add(Finding(Verdict.FAIL, Code.VALUE_DIFFERS, message, partition, changed[0], len(changed)))

    def compare(self, files: Mapping[str, DataFile], digests: Digests) -> dict[int, tuple[Difference, int]]:
        """Per partition what differs, and how many rows have another value."""
        comparison = LatestComparison(files, self._comparable_from, self._thinned, self.findings)
        for _, state in self.states.all():
            comparison.add(state)
        comparison.resolve(digests)
        comparison.finish()
        nothing = Tally()
        told = {partition: comparison.tallies.get(partition, nothing) for partition in self._behind}
        return {
            partition: (
                Difference(tally.lost, tally.phantom, tally.uncompared, self._behind[partition]),
                tally.differing,
            )
            for partition, tally in told.items()
        }


def doubled(states: KeyStates, files: Mapping[str, DataFile]) -> Iterator[Finding]:
    """Keys with more than one row, where no topic is asked."""
    for _, state in states.all():
        if len(state.rows) > 1:
            row = state.rows[-1]
            yield files[row.file].blame(
                Code.DUPLICATE,
                "a key has more than one row",
                partition=row.rank.partition,
                offset=row.rank.offset,
                count=1,
            )
