"""From records to rows: every record becomes exactly one row or one reject, and none changes on the way.

On the good path no Python bytecode runs per record: the decoder is mapped over the values in C, attributes are
gathered in C, and what the decoder left open is checked a column at a time. Only records at fault are taken one
by one, to say what is wrong with them; the good ones around them are decoded by the same code as ever.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from headrace.contracts import PARTITION_COLUMN, Contract, RejectReason, explain
from headrace.contracts.reading import disagreement
from headrace.kafka.records import Records
from headrace.lake.schema import INSTANT, arrow_schema
from headrace_ingest.columns import field_builder

MAX_RECORD_BYTES = 1_048_576
"""What Kafka's brokers take by default."""

# Kafka takes any 64-bit number for a timestamp unless the topic limits it.
_YEAR_10000_MS = 253_402_300_800_000

_REFUSALS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that is no row. `index` is its place in the records that were decoded."""

    index: int
    reason: RejectReason
    detail: str


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one chunk of records became.

    Attributes:
        rows: in the order of the records, with the columns of `headrace.lake.schema.arrow_schema`.
        rejects: by rising index.
    """

    rows: pa.RecordBatch
    rejects: tuple[Reject, ...]


class Decoder:
    """Decodes the records of one contract. Called by one thread; keeps nothing between calls."""

    def __init__(self, contract: Contract, *, max_record_bytes: int = MAX_RECORD_BYTES) -> None:
        """A decoder for a contract; longer values than `max_record_bytes` are not parsed."""
        self._contract = contract
        self._max_record_bytes = max_record_bytes
        self._schema = arrow_schema(contract)
        self._builders = [(spec.name, field_builder(spec)) for spec in contract.fields]

    def decode(self, records: Records, ingested_at: datetime) -> Decoded:
        """Rows and rejects of `records`; together they are as many as the records.

        Args:
            records: at most 2 GiB of values in all.
            ingested_at: aware; goes to the column `_ingested_at`.
        """
        rejects: dict[int, Reject] = {}
        parsed, kept = self._parse(records.values, rejects)
        columns, at_fault = self._columns(parsed)
        rows = self._rows(records, columns, kept, ingested_at)
        if at_fault:
            rows = rows.filter(_mask_without(len(parsed), at_fault))
            for row in at_fault:
                index = kept[row]
                rejects[index] = self._reject(index, records.values[index], at_fault[row])
        return Decoded(rows, tuple(rejects[index] for index in sorted(rejects)))

    def _parse(
        self, values: Sequence[bytes | None], rejects: dict[int, Reject]
    ) -> tuple[list[msgspec.Struct], Sequence[int]]:
        """Decoded records and their places, in order; what is none is added to `rejects`."""
        self._set_aside(values, rejects)
        places = _others(range(len(values)), rejects)
        source = iter(values if not rejects else [values[index] for index in places])
        parsed: list[msgspec.Struct] = []
        refused = 0
        while True:
            try:
                # On an error the list keeps what was appended, and the iterator stands behind the record at fault.
                parsed.extend(map(self._contract.decode, source))  # type: ignore[arg-type]  # None was set aside
            except _REFUSALS as error:
                index = places[len(parsed) + refused]
                refused += 1
                rejects[index] = self._reject(index, values[index], str(error))
            else:
                return parsed, places if not refused else _others(places, rejects)

    def _set_aside(self, values: Sequence[bytes | None], rejects: dict[int, Reject]) -> None:
        """Tombstones, and values too long to be parsed."""
        try:
            longest = max(map(len, values), default=0)  # type: ignore[arg-type]  # None has no len, on purpose
        except TypeError:
            for index, value in enumerate(values):
                if value is None:
                    rejects[index] = self._reject(index, None, "")
            longest = max(map(len, filter(None, values)), default=0)
        if longest > self._max_record_bytes:
            for index, value in enumerate(values):
                if value is not None and len(value) > self._max_record_bytes:
                    detail = f"{len(value)} bytes, and a record has at most {self._max_record_bytes}"
                    rejects[index] = Reject(index, RejectReason.OVERSIZE, detail)

    def _columns(self, parsed: Sequence[msgspec.Struct]) -> "tuple[list[pa.Array[Any]], dict[int, str]]":
        """The columns of the fields, and which rows of them are at fault in which field."""
        arrays: list[pa.Array[Any]] = []
        at_fault: dict[int, str] = {}
        for name, build in self._builders:
            column = build(parsed)
            arrays.append(column.array)
            for row in column.bad:
                at_fault.setdefault(row, f"the column of {name} refuses it")
        return arrays, at_fault

    def _rows(
        self, records: Records, columns: "list[pa.Array[Any]]", kept: Sequence[int], ingested_at: datetime
    ) -> pa.RecordBatch:
        if self._contract.table.partition_by == PARTITION_COLUMN:
            event_time = columns[[name for name, _ in self._builders].index(str(self._contract.event_time))]
            columns.append(event_time.cast(pa.date32()))
        chosen = None if len(kept) == len(records) else pa.array(kept, pa.int64())
        columns += [
            _taken(records.partitions, pa.int32(), chosen),
            _taken(records.offsets, pa.int64(), chosen),
            _kafka_timestamps(_taken(records.timestamps, pa.int64(), chosen)),
            pa.repeat(pa.scalar(ingested_at, INSTANT), len(kept)),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self._schema)

    def _reject(self, index: int, value: bytes | None, found: str) -> Reject:
        rejection = explain(self._contract, value)
        if rejection is not None:
            return Reject(index, rejection.reason, rejection.detail)
        unexplained = disagreement(value or b"", found)
        return Reject(index, unexplained.reason, unexplained.detail)


def _others(places: Sequence[int], rejects: dict[int, Reject]) -> Sequence[int]:
    return places if not rejects else [index for index in places if index not in rejects]


def _taken(column: Sequence[int], data_type: pa.DataType, chosen: "pa.Array[Any] | None") -> "pa.Array[Any]":
    whole = pa.array(column, data_type)
    return whole if chosen is None else whole.take(chosen)


def _mask_without(count: int, rows: dict[int, str]) -> "pa.Array[Any]":
    return pa.array([row not in rows for row in range(count)], pa.bool_())


def _kafka_timestamps(milliseconds: "pa.Array[Any]") -> "pa.Array[Any]":
    """Instants; null where the record has none, which the client says by -1, or a number beyond the calendar."""
    end = pa.scalar(_YEAR_10000_MS, pa.int64())
    unknown = pc.or_(pc.less(milliseconds, pa.scalar(0, pa.int64())), pc.greater_equal(milliseconds, end))
    known = pc.if_else(unknown, pa.scalar(None, pa.int64()), milliseconds)
    return cast("pa.Array[Any]", known.cast(pa.timestamp("ms", "UTC")).cast(INSTANT))
