"""From records to rows: every record becomes exactly one row or one reject, and none changes on the way.

Records that are written alike, as those of one producer are, become columns at once (`layout`). All others go
through the typed decoder, which has the last word on what is a row: it is mapped over the values in C, attributes
are gathered in C, and what it left open is checked a column at a time. Only records at fault are taken one by one,
to say what is wrong with them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from headrace.contracts import PARTITION_COLUMN, Contract, Rejection, RejectReason, explain
from headrace.contracts.reading import disagreement
from headrace.contracts.recordkey import read_key
from headrace.errors import InvariantError
from headrace.kafka.records import Records
from headrace.lake.schema import INSTANT, Array, arrow_schema, tombstone_schema
from headrace_ingest.columns import field_builder
from headrace_ingest.layout import REFUSALS, LayoutReader
from headrace_ingest.parts import Part, merged
from headrace_ingest.sums import broken_sums

MAX_RECORD_BYTES = 1_048_576
"""What Kafka's brokers take by default."""

# Kafka takes any 64-bit number for a timestamp unless the topic limits it.
_YEAR_10000_MS = 253_402_300_800_000

FEWEST_OF_A_LAYOUT = 2_000
"""Reading by layout costs a millisecond however few the records are; with fewer it is not won back."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one chunk of records became.

    Attributes:
        rows: in the order of the records, with the columns of `headrace.lake.schema.arrow_schema`.
        rejects: why the other records are no rows, by their places in the chunk, which rise.
        tombstones: the key and the provenance of those that delete a row.
    """

    rows: pa.RecordBatch
    rejects: dict[int, Rejection]
    tombstones: pa.RecordBatch

    def check(self, records: int) -> None:
        """Makes sure that every one of the records became one of the three.

        Raises:
            InvariantError: they do not add up.
        """
        rows, deletes, rejects = self.rows.num_rows, self.tombstones.num_rows, len(self.rejects)
        if rows + deletes + rejects != records:
            msg = f"{records} records became {rows} rows, {deletes} tombstones and {rejects} rejects"
            raise InvariantError(msg)


class Decoder:
    """Decodes the records of one contract. Called by one thread; keeps nothing between calls."""

    def __init__(
        self,
        contract: Contract,
        *,
        max_record_bytes: int = MAX_RECORD_BYTES,
        fewest_of_a_layout: int = FEWEST_OF_A_LAYOUT,
    ) -> None:
        """A decoder for a contract.

        Args:
            contract: of the records.
            max_record_bytes: longer values are not parsed.
            fewest_of_a_layout: smaller chunks are decoded one by one.
        """
        self._contract = contract
        self._max_record_bytes = max_record_bytes
        self._schema = arrow_schema(contract)
        self._marks_schema = tombstone_schema(contract)
        (self._key,) = (spec for spec in contract.fields if spec.name == contract.key)
        self._builders = [(spec.name, field_builder(spec)) for spec in contract.fields]
        self._layouts = LayoutReader(contract, fewest=fewest_of_a_layout)

    def decode(self, records: Records, ingested_at: datetime) -> Decoded:
        """Rows and rejects of `records`; together they are as many as the records.

        Args:
            records: at most 2 GiB of values in all.
            ingested_at: aware; goes to the column `_ingested_at`.
        """
        rejects: dict[int, Rejection] = {}
        self._set_aside(records.values, rejects)
        tombstones = self._tombstones(records, rejects)
        aside = frozenset(rejects)
        for place in tombstones:
            del rejects[place]
        places = _others(range(len(records)), aside)
        alike = self._alike(records.values, places)
        if alike is None:
            part = self._one_by_one(records.values, places, rejects)
        elif len(alike.places) == len(places):
            part = alike
        else:
            others = sorted(frozenset(places).difference(alike.places))
            part = merged(alike, self._one_by_one(records.values, others, rejects))
        part = self._consistent(part, records.values, rejects)
        rows = self._rows(records, part, ingested_at)
        return Decoded(rows, dict(sorted(rejects.items())), self._marks(records, tombstones))

    def _tombstones(self, records: Records, rejects: dict[int, Rejection]) -> dict[int, str | int]:
        """The keys of the tombstones that name a row, by their places."""
        if not self._contract.deletes:
            return {}
        named: dict[int, str | int] = {}
        for place in rejects:
            if records.values[place] is None:
                key = read_key(self._key, records.envelope(place).key)
                if key is not None:
                    named[place] = key
        return named

    def _marks(self, records: Records, tombstones: Mapping[int, str | int]) -> pa.RecordBatch:
        if not tombstones:
            return pa.RecordBatch.from_pylist([], self._marks_schema)
        places = pa.array(tombstones, pa.int64())
        columns = [
            pa.array(tombstones.values(), self._marks_schema.field(0).type),
            _taken(records.partitions, pa.int32(), places),
            _taken(records.offsets, pa.int64(), places),
            _kafka_timestamps(_taken(records.timestamps, pa.int64(), places)),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self._marks_schema)

    def _alike(self, values: Sequence[bytes | None], places: Sequence[int]) -> Part | None:
        """Rows of the records that share a layout; None where too few do."""
        whole = len(places) == len(values)
        part = self._layouts.read(cast("Sequence[bytes]", values if whole else [values[place] for place in places]))
        if part is None or whole:
            return part
        return Part(part.rows, [places[row] for row in part.places])

    def _one_by_one(self, values: Sequence[bytes | None], places: Sequence[int], rejects: dict[int, Rejection]) -> Part:
        """Rows of the records at `places`; what is none is added to `rejects`."""
        parsed, kept = self._parse(values, places, rejects)
        columns, at_fault = self._columns(parsed)
        for row, found in at_fault.items():
            rejects[kept[row]] = self._reject(values[kept[row]], found)
        names = [name for name, _ in self._builders]
        return Part(pa.RecordBatch.from_arrays(columns, names=names), kept).without(at_fault)

    def _consistent(self, part: Part, values: Sequence[bytes | None], rejects: dict[int, Rejection]) -> Part:
        """The part without rows that contradict themselves, which are added to `rejects`."""
        broken = broken_sums(self._contract.fields, part.rows)
        for row in broken:
            rejects[part.places[row]] = self._reject(values[part.places[row]], "a sum does not add up")
        return part.without(broken)

    def _parse(
        self, values: Sequence[bytes | None], places: Sequence[int], rejects: dict[int, Rejection]
    ) -> tuple[list[msgspec.Struct], Sequence[int]]:
        """Decoded records and their places, in order; what is none is added to `rejects`."""
        source = iter(values if len(places) == len(values) else [values[index] for index in places])
        parsed: list[msgspec.Struct] = []
        refused = 0
        while True:
            try:
                # On an error the list keeps what was appended, and the iterator stands behind the record at fault.
                parsed.extend(map(self._contract.decode, source))  # type: ignore[arg-type]  # None was set aside
            except REFUSALS as error:
                index = places[len(parsed) + refused]
                refused += 1
                rejects[index] = self._reject(values[index], str(error))
            else:
                return parsed, places if not refused else _others(places, rejects)

    def _set_aside(self, values: Sequence[bytes | None], rejects: dict[int, Rejection]) -> None:
        """Tombstones, and values too long to be parsed."""
        try:
            longest = max(map(len, values), default=0)  # type: ignore[arg-type]  # None has no len, on purpose
        except TypeError:
            for index, value in enumerate(values):
                if value is None:
                    rejects[index] = self._reject(None, "")
            longest = max(map(len, filter(None, values)), default=0)
        if longest > self._max_record_bytes:
            for index, value in enumerate(values):
                if value is not None and len(value) > self._max_record_bytes:
                    detail = f"{len(value)} bytes, and a record has at most {self._max_record_bytes}"
                    rejects[index] = Rejection(RejectReason.OVERSIZE, detail)

    def _columns(self, parsed: Sequence[msgspec.Struct]) -> tuple[list[Array], dict[int, str]]:
        """The columns of the fields, and which rows of them are at fault in which field."""
        arrays: list[Array] = []
        at_fault: dict[int, str] = {}
        for name, build in self._builders:
            column = build(parsed)
            arrays.append(column.array)
            for row in column.bad:
                at_fault.setdefault(row, f"the column of {name} refuses it")
        return arrays, at_fault

    def _rows(self, records: Records, part: Part, ingested_at: datetime) -> pa.RecordBatch:
        columns = list(part.rows.columns)
        if self._contract.table.partition_by == PARTITION_COLUMN:
            columns.append(part.rows.column(str(self._contract.event_time)).cast(pa.date32()))
        chosen = None if len(part.places) == len(records) else pa.array(part.places, pa.int64())
        columns += [
            _taken(records.partitions, pa.int32(), chosen),
            _taken(records.offsets, pa.int64(), chosen),
            _kafka_timestamps(_taken(records.timestamps, pa.int64(), chosen)),
            pa.repeat(pa.scalar(ingested_at, INSTANT), len(part.places)),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self._schema)

    def _reject(self, value: bytes | None, found: str) -> Rejection:
        return explain(self._contract, value) or disagreement(value or b"", found)


def _others(places: Sequence[int], known: Collection[int]) -> Sequence[int]:
    return places if not known else [index for index in places if index not in known]


def _taken(column: Sequence[int], data_type: pa.DataType, chosen: "Array | None") -> Array:
    whole = pa.array(column, data_type)
    return whole if chosen is None else whole.take(chosen)


def _kafka_timestamps(milliseconds: Array) -> Array:
    """Instants; null where the record has none, which the client says by -1, or a number beyond the calendar."""
    end = pa.scalar(_YEAR_10000_MS, pa.int64())
    unknown = pc.or_(pc.less(milliseconds, pa.scalar(0, pa.int64())), pc.greater_equal(milliseconds, end))
    known = pc.if_else(unknown, pa.scalar(None, pa.int64()), milliseconds)
    return cast(Array, known.cast(pa.timestamp("ms", "UTC")).cast(INSTANT))
