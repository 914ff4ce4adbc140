"""Keys of latest rows, from both sides: what names a row in the table, and what an event of the topic says of one."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa
from pyroaring import BitMap64

from headrace.contracts import BoolKind, ChoiceKind, Contract, DateKind, DecimalKind, IntKind, Kind, TimestampKind
from headrace.contracts.recordkey import read_key
from headrace.kafka.records import Records
from headrace.offsets import Address
from headrace.read.proof.digests import digest
from headrace.read.proof.identity import LatestRule
from headrace.read.proof.keyed import Event, Mark, Rank

_EPOCH = datetime.fromtimestamp(0, UTC)
_MICROSECOND = timedelta(microseconds=1)
_YEAR_10000_MS = 253_402_300_800_000
STAMP = "_kafka_timestamp"

_encode = msgspec.json.encode


def row_keys(rows: pa.RecordBatch, rule: LatestRule) -> Iterator[tuple[bytes, Rank]]:
    """The key and the rank of every row of the table."""
    keys = zip(*(rows.column(name).to_pylist() for name in rule.key), strict=True)
    times = rows.column(rule.event_time).cast(pa.int64()).to_pylist()
    stamps = rows.column(STAMP).cast(pa.int64()).to_pylist()
    places = (rows.column(name).to_pylist() for name in ("_partition", "_offset"))
    for key, time, stamp, partition, offset in zip(keys, times, stamps, *places, strict=True):
        yield key_of(key), Rank(time, -1 if stamp is None else stamp // 1000, partition, offset)


def key_of(values: Sequence[object]) -> bytes:
    """Values of a key in one form, whichever side they come from."""
    return _encode([_plain(value) for value in values])


def _plain(value: object) -> object:
    match value:
        case datetime():
            return (value - _EPOCH) // _MICROSECOND
        case Decimal():
            return format(value.normalize(), "f")
        case date():
            return value.isoformat()
    return value


class EventReader:
    """Reads of a record's value what decides about its key, and no more."""

    def __init__(self, contract: Contract, rule: LatestRule) -> None:
        fields = {spec.name: spec for spec in contract.fields}
        names = dict.fromkeys((*rule.key, rule.event_time))
        struct = msgspec.defstruct("Named", [(name, _type(fields[name].kind)) for name in names])
        self._rule = rule
        self._record_key = fields[contract.key]
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(struct).decode

    def entries(
        self, records: Records, skipped: BitMap64, unreadable: Callable[[int], None]
    ) -> Iterator[tuple[bytes, Event | Mark]]:
        """Key and event, or tombstone, of every record.

        Args:
            records: of one partition, in order.
            skipped: offsets to be passed by.
            unreadable: told the offset of a record that is neither.
        """
        for index, (offset, value) in enumerate(zip(records.offsets, records.values, strict=True)):
            if offset not in skipped:
                stamp = records.timestamps[index]
                stamp = stamp if 0 <= stamp < _YEAR_10000_MS else -1
                place = records.partitions[index], offset
                found = self._mark(records, index, stamp) if value is None else self._event(value, stamp, place)
                if found is None:
                    unreadable(offset)
                else:
                    yield found

    def _event(self, value: bytes, stamp: int, place: Address) -> tuple[bytes, Event] | None:
        try:
            event = self._decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        time = (getattr(event, self._rule.event_time) - _EPOCH) // _MICROSECOND
        key = key_of([getattr(event, name) for name in self._rule.key])
        return key, Event(Rank(time, stamp, *place), digest(value))

    def _mark(self, records: Records, index: int, stamp: int) -> tuple[bytes, Mark] | None:
        key = read_key(self._record_key, records.envelope(index).key) if self._rule.deletes else None
        place = records.partitions[index], records.offsets[index]
        return None if key is None else (key_of([key]), Mark(*place, stamp))


def _type(kind: Kind) -> object:
    match kind:
        case TimestampKind():
            return datetime
        case DateKind():
            return date
        case DecimalKind():
            return Decimal
        case BoolKind():
            return bool
        case IntKind():
            return int
        case ChoiceKind():
            return str if kind.is_text else int
    return str
