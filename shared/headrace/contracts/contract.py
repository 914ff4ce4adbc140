"""What a class of events says of itself, checked once, as a value that every other part reads."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from headrace.contracts.annotations import field_specs, is_marked
from headrace.contracts.decoder import Decode, compile_decoder
from headrace.contracts.kinds import (
    ChoiceKind,
    FieldSpec,
    FloatKind,
    IntKind,
    ListKind,
    StringKind,
    StructKind,
    TimestampKind,
)
from headrace.contracts.table import Table
from headrace.contracts.types import EventIdentity
from headrace.contracts.wire import event_encoder
from headrace.errors import ContractError

if TYPE_CHECKING:
    from headrace.contracts.event import Event

PARTITION_COLUMN = "date"
"""The column of the UTC day, in tables that are partitioned by it."""
QUARANTINE_SUFFIX = "__quarantine"
"""Ends the name of a table's quarantine."""

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_TABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]{0,99}")
_FOLDER_BYTES = 255
"""That file systems take in a name."""


@dataclass(frozen=True)
class Declaration:
    """The class keywords of an event: `class Trade(Event, topic=..., key=..., table=...)`."""

    topic: str
    key: str
    table: Table
    schema_version: int


@dataclass(frozen=True, repr=False)
class Contract:
    """One kind of event: its topic, its key, its table, its fields.

    Attributes:
        name: of the table.
        topic: of Kafka.
        key: the field whose value is the record's key.
        table: the layout.
        schema_version: raised by hand when the fields change.
        fields: in the order of the class.
        event_time: the field that says when the event happened, if there is one.
        event_id: the field annotated `EventId`, if there is exactly one.
        doc: the docstring of the class.
        event: the class.
    """

    name: str
    topic: str
    key: str
    table: Table
    schema_version: int
    fields: tuple[FieldSpec, ...]
    event_time: str | None
    event_id: str | None
    doc: str
    event: "type[Event]"

    def __repr__(self) -> str:
        return f"<Contract {self.name} v{self.schema_version}: {self.event.__module__}.{self.event.__qualname__}>"

    @cached_property
    def decode(self) -> Decode:
        """The fast decoder; what it leaves to the columns is said in `headrace.contracts.decoder`."""
        return compile_decoder(self.event.__name__, self.fields)

    @property
    def deletes(self) -> bool:
        """Whether a record without a value deletes the row that its key names."""
        return self.table.tombstones == "delete"

    @cached_property
    def encode(self) -> Callable[[object], bytes]:
        """From a validated event to its canonical bytes."""
        return event_encoder(self.fields)


def build_contract(event: "type[Event]", declaration: Declaration) -> Contract:
    """Checks a class and its keywords against each other.

    Raises:
        ContractError: they cannot become a topic and a table; the message says what to write instead.
    """
    fields = {spec.name: spec for spec in field_specs(event)}
    _check_topic(event, declaration)
    name = _table_name(event, declaration)
    _check_key(event, declaration.key, fields)
    event_time = _event_time(event, declaration.table, fields)
    _check_mode(event, declaration, fields, event_time)
    _check_layout(event, declaration.table, fields, event_time)
    identities = [spec for spec, info in event.__pydantic_fields__.items() if is_marked(info, EventIdentity)]
    return Contract(
        name=name,
        topic=declaration.topic,
        key=declaration.key,
        table=declaration.table,
        schema_version=declaration.schema_version,
        fields=tuple(fields.values()),
        event_time=event_time,
        event_id=identities[0] if len(identities) == 1 and not fields[identities[0]].nullable else None,
        doc=" ".join((event.__doc__ or "").split()),
        event=event,
    )


def _table_name(event: type, declaration: Declaration) -> str:
    name = declaration.table.name
    if name is None:
        name = re.sub(r"[-.]", "_", declaration.topic)
    if _TABLE.fullmatch(name) is None or name.endswith(QUARANTINE_SUFFIX):
        msg = (
            f"{event.__name__}: {name!r} cannot be the name of a table: "
            f"write Table(name=...) with letters, digits and _, not ending in {QUARANTINE_SUFFIX}"
        )
        raise ContractError(msg)
    return name


def _check_topic(event: type, declaration: Declaration) -> None:
    if _TOPIC.fullmatch(declaration.topic) is None or declaration.topic in (".", ".."):
        msg = f"{event.__name__}: Kafka has no topic {declaration.topic!r}: write letters, digits, dot, _ and -"
        raise ContractError(msg)
    if declaration.schema_version < 1:
        msg = f"{event.__name__}: schema_version counts from 1, not {declaration.schema_version}"
        raise ContractError(msg)


def _check_key(event: type, key: str, fields: dict[str, FieldSpec]) -> None:
    if key not in fields:
        msg = f"{event.__name__}: key={key!r} is no field of it: name one of {', '.join(fields)}"
        raise ContractError(msg)
    spec = fields[key]
    if spec.nullable or not isinstance(spec.kind, StringKind | IntKind | ChoiceKind):
        msg = f"{event.__name__}: key={key!r} must be a text or a whole number that is never null"
        raise ContractError(msg)


def _event_time(event: type, table: Table, fields: dict[str, FieldSpec]) -> str | None:
    name = table.event_time
    if name is None:
        usual = fields.get("timestamp")
        return "timestamp" if usual and isinstance(usual.kind, TimestampKind) and not usual.nullable else None
    if name not in fields or not isinstance(fields[name].kind, TimestampKind) or fields[name].nullable:
        msg = f"{event.__name__}: event_time={name!r} must name a UtcTimestamp field that is never null"
        raise ContractError(msg)
    return name


def _check_layout(event: type, table: Table, fields: dict[str, FieldSpec], event_time: str | None) -> None:
    if table.partition_by == PARTITION_COLUMN:
        _check_days(event, fields, event_time)
    elif table.partition_by is not None:
        _check_partition_field(event, table.partition_by, fields)
    for name in table.cluster_by:
        if name not in fields or isinstance(fields[name].kind, StructKind | ListKind):
            msg = f"{event.__name__}: cluster_by names {name!r}: write a tuple of fields, no nested ones, no lists"
            raise ContractError(msg)
    for name in table.bloom_filters:
        looked_up = name in fields and isinstance(fields[name].kind, StringKind | IntKind | ChoiceKind)
        if not looked_up or name == table.partition_by:
            msg = (
                f"{event.__name__}: bloom_filters names {name!r}: write a tuple of texts or whole numbers that rows "
                "are looked up by, without the one that partitions the table"
            )
            raise ContractError(msg)


def _check_days(event: type, fields: dict[str, FieldSpec], event_time: str | None) -> None:
    if event_time is None:
        msg = (
            f"{event.__name__}: partition_by={PARTITION_COLUMN!r} needs the time of the event: "
            "add a field `timestamp: UtcTimestamp`, or name one with Table(event_time=...)"
        )
        raise ContractError(msg)
    if PARTITION_COLUMN in {name.lower() for name in fields}:
        msg = f"{event.__name__}.{PARTITION_COLUMN} collides with the partition column: rename the field"
        raise ContractError(msg)


def _check_partition_field(event: type, name: str, fields: dict[str, FieldSpec]) -> None:
    """Delta reads an empty partition value as null, and a folder has to be named after each."""
    spec = fields.get(name)
    match None if spec is None or spec.nullable else spec.kind:
        case StringKind(min_length=least) as kind if least > 0:
            longest = kind.max_length * (1 if kind.alphabet else 4)
        case ChoiceKind(values=values) if "" not in values and isinstance(values[0], str):
            longest = max(len(str(value).encode()) for value in values)
        case _:
            msg = (
                f"{event.__name__}: partition_by={name!r} must be {PARTITION_COLUMN!r}, or name a text that is never "
                "null and never empty and has few values, such as a Symbol"
            )
            raise ContractError(msg)
    # Each byte may be written as three.
    most = (_FOLDER_BYTES - len(name) - 1) // 3
    if longest > most:
        msg = (
            f"{event.__name__}: partition_by={name!r} names a text of up to {longest} bytes, too long for a folder: "
            f"bound it to {most} with max_length, a fourth of that where it may hold more than ASCII"
        )
        raise ContractError(msg)


def _check_mode(event: type, declaration: Declaration, fields: dict[str, FieldSpec], event_time: str | None) -> None:
    table = declaration.table
    if table.mode not in ("append", "upsert"):
        msg = f"{event.__name__}: mode={table.mode!r} is none: write 'append' or 'upsert'"
        raise ContractError(msg)
    _check_tombstones(event, declaration)
    if table.mode == "append":
        if table.key:
            msg = f"{event.__name__}: Table(key=...) names what mode='upsert' replaces: write that mode, or no key"
            raise ContractError(msg)
        return
    if event_time is None:
        msg = (
            f"{event.__name__}: of two events of a key the later one counts: add a field `timestamp: UtcTimestamp`, "
            "or name one with Table(event_time=...)"
        )
        raise ContractError(msg)
    if declaration.key not in table.key:
        msg = (
            f"{event.__name__}: the record's key {declaration.key!r} must be among Table(key={table.key!r}), or events "
            "of one row would come from several partitions in any order"
        )
        raise ContractError(msg)
    for name in table.key:
        spec = fields.get(name)
        if spec is None or spec.nullable or isinstance(spec.kind, FloatKind | StructKind | ListKind):
            msg = f"{event.__name__}: Table(key=...) names {name!r}: write a tuple of exact fields that are never null"
            raise ContractError(msg)


def _check_tombstones(event: type, declaration: Declaration) -> None:
    table = declaration.table
    if table.tombstones not in ("quarantine", "delete"):
        msg = f"{event.__name__}: tombstones={table.tombstones!r} is none: write 'quarantine' or 'delete'"
        raise ContractError(msg)
    if table.tombstones == "delete" and (table.mode != "upsert" or table.key != (declaration.key,)):
        msg = (
            f"{event.__name__}: a record without a value names a row by its key alone: tombstones='delete' needs "
            f"Table(mode='upsert', key=({declaration.key!r},))"
        )
        raise ContractError(msg)
