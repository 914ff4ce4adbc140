"""What commits bring to a table, from one look to the next; the rest of the table is never read again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow.parquet as pq

from headrace.errors import WrongTableError
from headrace.kafka.topics import TopicIdentity
from headrace.lake.damage import telling_of
from headrace.lake.store import Store
from headrace.lake.tables import exists
from headrace.offsets import Address, partition_of
from headrace.read.commits import CommitLog
from headrace.read.proof.actions import Commit
from headrace.read.proof.files import ADDRESS
from headrace.read.proof.identity import check_topic

# A table that was deleted and made anew under our feet brings no commit either: looked for at every so many looks.
_QUIET_LOOKS = 60


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row that a commit brought: the value of one of its columns, and which record it is."""

    value: str
    address: Address


@dataclass(frozen=True, slots=True)
class NewRows:
    """What one look found.

    Attributes:
        positions: of the partitions, after all that was found.
        rows: that commits brought since the look before, in their order, without those that a replay brought home.
        begins: whether nothing is known of what came before: there are no rows then.
    """

    positions: Mapping[int, int]
    rows: tuple[NewRow, ...] = ()
    begins: bool = False


@dataclass(slots=True)
class _Place:
    log: CommitLog
    version: int
    positions: dict[int, int]
    quiet: int = 0


class RowFeed:
    """Looks at a table again and again. One thread uses it.

    The first look begins at the newest version; a table that did not exist then is followed from its version 0 on.

    Args:
        store: the lake.
        table: which need not exist yet.
        column: of texts, the one that is told of each row.
        topic: that fills the table.
    """

    def __init__(self, store: Store, table: str, column: str, topic: TopicIdentity) -> None:
        self._store = store
        self._table = table
        self._column = column
        self._topic = topic
        self._place: _Place | None = None
        self._awaited = False

    def look(self) -> NewRows | None:
        """What has come since the last look; None while there is no table.

        After a failure the next look begins anew at the newest version.

        Raises:
            WrongTableError: Headrace did not make the table, or it is filled from another topic.
            TopicRecreatedError: it is filled from an earlier topic of this name.
            StoreError, AccessDeniedError: table or files cannot be read.
        """
        place, self._place = self._place, None
        if place is None or self._is_another(place):
            return self._begin(from_first=place is not None or self._awaited)
        rows = tuple(self._rows_since(place))
        self._place = place
        return NewRows(dict(place.positions), rows)

    def _begin(self, *, from_first: bool) -> NewRows | None:
        if not exists(self._store, self._table):
            self._awaited = True
            return None
        log = CommitLog(self._store, self._table)
        identity = log.identity
        if identity.topic != self._topic.name:
            msg = f"{self._store.uri(self._table)} is filled from topic {identity.topic}, not from {self._topic.name}"
            raise WrongTableError(msg)
        check_topic(self._topic, identity)
        positions = dict(identity.starts) if from_first else _positions(log, self._topic.partitions)
        self._place = _Place(log, 0 if from_first else log.version, positions)
        self._awaited = False
        return NewRows(dict(positions), begins=True)

    def _is_another(self, place: _Place) -> bool:
        if place.quiet < _QUIET_LOOKS:
            return False
        place.quiet = 0
        return not exists(self._store, self._table) or CommitLog(self._store, self._table).id != place.log.id

    def _rows_since(self, place: _Place) -> Iterator[NewRow]:
        place.quiet += 1
        source = place.log.identity.source
        while (commit := place.log.commit(place.version + 1)) is not None:
            place.version, place.quiet = commit.version, 0
            yield from self._rows(commit)
            for app_id, position in commit.txns.items():
                partition = partition_of(app_id)
                if partition is not None and app_id == source.app_id(partition):
                    place.positions[partition] = position

    def _rows(self, commit: Commit) -> Iterator[NewRow]:
        if commit.origin is not None and commit.origin.kind in ("replay", "rebuild"):
            return
        for file in commit.adds:
            if file.data_change:
                yield from self._read(f"{self._table}/{file.path}")

    def _read(self, path: str) -> Iterator[NewRow]:
        with telling_of(path), self._store.open(path) as source:
            rows = pq.read_table(source, columns=[self._column, *ADDRESS]).to_pylist()
        for row in rows:
            yield NewRow(row[self._column], (row[ADDRESS[0]], row[ADDRESS[1]]))


def _positions(log: CommitLog, partitions: int) -> dict[int, int]:
    found = {partition: log.position(partition) for partition in range(partitions)}
    return {partition: position for partition, position in found.items() if position is not None}
