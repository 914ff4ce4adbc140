"""The replay into a table of latest rows: a record becomes the row of its key, unless something counts more.

A record that loses is settled too. Applying one again changes nothing, so an interrupted replay is simply done again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from headrace.clock import Clock
from headrace.contracts import Contract
from headrace.kafka.records import Records
from headrace.lake.event_times import noted
from headrace.lake.latest.changes import Changes
from headrace.lake.latest.order import STAMP, marked, ranked, taken_back
from headrace.lake.latest.upserter import Arrivals, Upserter
from headrace.lake.schema import tombstone_schema
from headrace.lake.store import Store
from headrace.offsets import OffsetRange
from headrace_ingest.decode import Decoded, Decoder
from headrace_ingest.replay.replayer import Replayer, by_partition
from headrace_ingest.replay.report import ReplayReport
from headrace_ingest.replay.selection import Group, places_of
from headrace_ingest.topic_log import TopicLog
from headrace_ingest.writer import Target


@dataclass(frozen=True)
class Tombstones:
    """The topic, asked which keys were deleted: the table does not remember it.

    Attributes:
        topic: what is asked.
        contract: of the table.
        decoder: of the contract.
        clock: time.
    """

    topic: TopicLog
    contract: Contract
    decoder: Decoder
    clock: Clock

    def known_from(self, partition: int) -> int | None:
        """The first offset from which on all of a partition's are there; None if single ones may be missing."""
        return None if self.topic.is_compacted() else self.topic.watermarks(partition).start

    def partitions(self) -> range:
        """Those that the topic has now."""
        return range(self.topic.identity().partitions)

    def after(self, rows: pa.Table, positions: Mapping[int, int], key: Sequence[str]) -> pa.Table:
        """Those of the keys of some rows that may take one of them back, up to the table's positions.

        In a row's own partition they are behind it. Where partitions were added the key may have been in others too:
        there they are no older by Kafka's clock.

        Args:
            rows: at least one.
            positions: of all partitions.
            key: columns that name a row.
        """
        begins = self._no_older(rows, positions)
        for partition, offset in places_of(rows):
            begins[partition] = min(begins[partition], offset + 1)
        windows = {p: OffsetRange(begins[p], end) for p, end in positions.items() if begins[p] < end}
        wanted = cast("pl.DataFrame", pl.from_arrow(rows.select(key))).unique()
        found = [self._in(records, wanted) for p, window in windows.items() for records in self.topic.read(p, window)]
        return pa.concat_tables([tombstone_schema(self.contract).empty_table(), *found])

    def _no_older(self, rows: pa.Table, positions: Mapping[int, int]) -> dict[int, int]:
        stamps = rows[STAMP]
        if stamps.null_count:  # a record without a timestamp is older than all others
            return {partition: self.topic.watermarks(partition).start for partition in positions}
        return dict(self.topic.positions_at(pc.min(stamps).as_py(), list(positions)))

    def _in(self, records: Records, wanted: pl.DataFrame) -> pa.Table:
        places = [place for place, value in enumerate(records.values) if value is None]
        marks = pa.Table.from_batches([self.decoder.decode(records.select(places), self.clock.now()).tombstones])
        named = cast("pl.DataFrame", pl.from_arrow(marks.select(wanted.columns))).with_row_index("place")
        return marks.take(pa.array(named.join(wanted, on=wanted.columns, how="semi")["place"].to_list(), pa.int64()))


@dataclass(frozen=True)
class Into:
    """A table of latest rows.

    Attributes:
        upserter: into it.
        tombstones: of its topic; None if records without a value delete nothing.
    """

    upserter: Upserter
    tombstones: Tombstones | None


class LatestReplayer(Replayer):
    """Replays the quarantine of one table of latest rows. Like any other, it is safe beside all that writes."""

    def __init__(  # noqa: PLR0913  # those of a replayer, and what it replays into
        self,
        store: Store,
        target: Target,
        decoder: Decoder,
        clock: Clock,
        pause: Callable[[float], object],
        *,
        into: Into,
    ) -> None:
        super().__init__(store, target, decoder, clock, pause)
        self._into = into

    def _land(self, group: Group, report: ReplayReport) -> dict[int, int]:
        """Applies the group's records; per index of a row the version of the table since which it is settled.

        1. The handle that will commit is moved to the newest version.
        2. The records below its positions are decoded. Where tombstones delete, those that came after them are asked
           of the topic, up to these positions; what it can no longer tell is left alone.
        3. Rows and the replay's txn are committed together as the very next version.
        """
        self._main.refresh()
        number = self._main.txn(self._target.source.replay_id) or 0
        positions = self._positions(group)
        below = group.below(positions)
        decoded = self._decode(group.rows.take(pa.array(below, pa.int64())))
        accepted = [row for place, row in enumerate(below) if place not in decoded.rejects]
        settled = self._decided(group, accepted)
        versions: dict[int, int] = {}
        if settled:
            arrived = self._decode(group.rows.take(pa.array(settled, pa.int64())))
            arrivals = self._arrivals(arrived)
            changes = self._into.upserter.changes(self._main.version, arrivals)
            if not report.dry_run:
                note = {
                    **self._note("replay"),
                    **noted(pa.Table.from_batches([arrived.rows]), self._target.event_time),
                    "offsets": by_partition(group.places[row] for row in settled),
                }
                txns = {self._target.source.replay_id: number + 1}
                made, _ = self._into.upserter.commit(self._main, arrivals, txns, note)
                versions = dict.fromkeys(settled, made)
                report.versions.append(made)
            _count(report, len(settled), changes)
        report.undecided += len(accepted) - len(settled)
        report.pending += len(group.chosen) - len(below)
        report.refused.update(rejection.reason.value for rejection in decoded.rejects.values())
        return versions

    def _decided(self, group: Group, accepted: list[int]) -> list[int]:
        """Those of which the topic still tells whether a tombstone came after them."""
        tombstones = self._into.tombstones
        if tombstones is None:
            return accepted
        known = {p: tombstones.known_from(p) for p in {group.places[row][0] for row in accepted}}
        since = {row: known[group.places[row][0]] for row in accepted}
        return [row for row, first in since.items() if first is not None and first <= group.places[row][1] + 1]

    def _arrivals(self, decoded: Decoded) -> Arrivals:
        """What is left when the tombstones that came later have taken what they take."""
        rows, naming = pa.Table.from_batches([decoded.rows]), self._into.upserter.naming
        marks, tombstones = pa.Table.from_batches([decoded.tombstones]), self._into.tombstones
        if tombstones is None or not rows.num_rows:
            return Arrivals(rows, marks)
        app_id = self._target.source.app_id
        positions = {partition: self._main.txn(app_id(partition)) or 0 for partition in tombstones.partitions()}
        later = tombstones.after(rows, positions, naming.key)
        gone = frozenset(taken_back(ranked(rows, naming), marked(later, naming.key), naming.key))
        left = rows.take(pa.array([row for row in range(rows.num_rows) if row not in gone], pa.int64()))
        return Arrivals(left, marks)


def _count(report: ReplayReport, settled: int, changes: Changes) -> None:
    landed = changes.inserted + changes.replaced + changes.removed
    report.replayed += landed
    report.outdated += settled - landed
