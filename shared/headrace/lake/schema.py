"""From the neutral fields of a contract to Arrow and Delta: one mapping, so that both describe the same table."""

from typing import Any, TypeAlias

import pyarrow as pa
from deltalake import Schema

from headrace.contracts import (
    PARTITION_COLUMN,
    BoolKind,
    ChoiceKind,
    Contract,
    DateKind,
    DecimalKind,
    FieldSpec,
    FloatKind,
    IntKind,
    Kind,
    ListKind,
    StringKind,
    StructKind,
    TimestampKind,
)

# Only the stubs make them generic.
Array: TypeAlias = "pa.Array[Any]"
Column: TypeAlias = "pa.ChunkedArray[Any]"
ArrowField: TypeAlias = "pa.Field[Any]"

INSTANT = pa.timestamp("us", "UTC")


def arrow_schema(contract: Contract) -> pa.Schema:
    """Columns of the table: fields, the partition column if there is one, then where each row came from."""
    columns = [_field(spec) for spec in contract.fields]
    if contract.table.partition_by == PARTITION_COLUMN:
        columns.append(_column(PARTITION_COLUMN, pa.date32(), comment=f"UTC day of {contract.event_time}."))
    return pa.schema([*columns, *_provenance()])


def tombstone_schema(contract: Contract) -> pa.Schema:
    """Columns of records without a value: the key of the row that each deletes, then where it came from."""
    keys = [_field(spec) for spec in contract.fields if spec.name in contract.table.key]
    return pa.schema([*keys, *_provenance()[:3]])


def delta_schema(contract: Contract) -> Schema:
    """The table's schema in the Delta log, with the fields' descriptions as column comments."""
    return Schema.from_arrow(arrow_schema(contract))


def arrow_columns(schema: Schema) -> pa.Schema:
    """The columns of any Delta table in Arrow."""
    return pa.schema(schema.to_arrow())  # type: ignore[arg-type]  # by Arrow's own interface


def quarantine_schema() -> pa.Schema:
    """Columns of every quarantine table."""
    header = pa.struct([pa.field("key", pa.string(), nullable=False), pa.field("value", pa.binary())])
    return pa.schema(
        [
            _column("topic", pa.string(), comment="Kafka topic."),
            *_provenance()[:3],
            _column("key", pa.binary(), nullable=True, comment="Key of the record as it came."),
            _column("value", pa.binary(), nullable=True, comment="Value of the record as it came; null: tombstone."),
            _column("headers", pa.list_(_element(header)), comment="Headers of the record in their order."),
            _column("reason", pa.string(), comment="Why it is no row, from the closed list of reasons."),
            _column("detail", pa.string(), comment="Which field, and what was expected."),
            _column("contract", pa.string(), comment="Contract that refused it."),
            _column("contract_version", pa.int32(), comment="schema_version of that contract."),
            _column("headrace_version", pa.string(), comment="Headrace that refused it."),
            _column("quarantined_at", INSTANT, comment="When it was put here, UTC."),
            _column("resolved_at", INSTANT, nullable=True, comment="When a replay settled it, UTC."),
            _column("resolved_version", pa.int64(), nullable=True, comment="Table version that holds it now."),
            _column("resolution", pa.string(), nullable=True, comment="What became of it."),
        ]
    )


def arrow_type(kind: Kind) -> pa.DataType:  # noqa: C901  # one case per kind
    """The Arrow type of a column of that kind."""
    match kind:
        case StringKind():
            return pa.string()
        case IntKind():
            return pa.int32() if kind.bits == 32 else pa.int64()
        case FloatKind():
            return pa.float64()
        case DecimalKind():
            return pa.decimal128(kind.precision, kind.scale)
        case BoolKind():
            return pa.bool_()
        case TimestampKind():
            return INSTANT
        case DateKind():
            return pa.date32()
        case ChoiceKind():
            return pa.string() if kind.is_text else pa.int64()
        case StructKind():
            # Members are nullable whatever the contract says: under an absent object there is nothing else, and
            # Parquet writers refuse that for columns declared otherwise.
            return pa.struct([_field(spec).with_nullable(True) for spec in kind.fields])
        case ListKind():
            return pa.list_(_element(arrow_type(kind.item), nullable=kind.item_nullable))


def _provenance() -> list[ArrowField]:
    return [
        _column("_partition", pa.int32(), comment="Kafka partition the row came from."),
        _column("_offset", pa.int64(), comment="Kafka offset of the record in its partition."),
        _column("_kafka_timestamp", INSTANT, nullable=True, comment="Kafka timestamp of the record, UTC."),
        _column("_ingested_at", INSTANT, comment="When a worker decoded the record, UTC."),
    ]


def _field(spec: FieldSpec) -> ArrowField:
    return _column(spec.name, arrow_type(spec.kind), nullable=spec.nullable, comment=spec.comment)


def _column(name: str, data_type: pa.DataType, *, nullable: bool = False, comment: str = "") -> ArrowField:
    metadata = {b"comment": comment.encode()} if comment else None
    return pa.field(name, data_type, nullable=nullable, metadata=metadata)


def _element(data_type: pa.DataType, *, nullable: bool = False) -> ArrowField:
    return pa.field("element", data_type, nullable=nullable)
