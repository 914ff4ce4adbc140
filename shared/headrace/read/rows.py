"""Rows as readers want them: typed events, Arrow with the contract's own types, the latest of each key."""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import TypeVar

import polars as pl
import pyarrow as pa
from pydantic import ValidationError
from pydantic_core import SchemaValidator

from headrace.contracts import Contract, Event, Kind
from headrace.contracts.validation import kind_schema
from headrace.errors import ConfigError, WrongTableError
from headrace.lake.schema import arrow_schema

E = TypeVar("E", bound=Event)

_ADDRESS = ("_partition", "_offset")


def rank(contract: Contract) -> list[str]:
    """Columns that order the events of a key, as tables of latest rows do: the last one counts."""
    time = [] if contract.event_time is None else [contract.event_time]
    return [*time, "_kafka_timestamp", *_ADDRESS]


def check_fields(contract: Contract, names: Iterable[str]) -> None:
    """Makes sure that a contract has these fields.

    Raises:
        ConfigError: it has not.
    """
    known = [spec.name for spec in contract.fields]
    for name in names:
        if name not in known:
            msg = f"{contract.event.__name__} has no field {name!r}; it has {', '.join(known)}"
            raise ConfigError(msg)


def equal(contract: Contract, values: Mapping[str, object]) -> pl.Expr:
    """Whether all of these fields have these values, None for null.

    Raises:
        ConfigError: there is no such field, or it never has that value.
    """
    check_fields(contract, values)
    kinds = {spec.name: spec.kind for spec in contract.fields}
    same = [pl.col(name).eq_missing(_stored(kinds[name], name, value)) for name, value in values.items()]
    return pl.all_horizontal(same)


def _stored(kind: Kind, name: str, value: object) -> object:
    if value is None:
        return None
    try:
        valid = SchemaValidator(kind_schema(kind)).validate_python(value)
    except ValidationError as error:
        msg = f"{name} is never {value!r}: {error.errors(include_url=False)[0]['msg']}"
        raise ConfigError(msg) from error
    return valid.value if isinstance(valid, Enum) else valid


def latest_of(rows: pl.LazyFrame, contract: Contract, by: Sequence[str]) -> pl.LazyFrame:
    """Of each value of `by` the row that is latest, in the order of their events.

    The later event time wins; then the later Kafka timestamp, the higher partition and the higher offset. A record
    without a Kafka timestamp is older than any with one.
    """
    return rows.sort(rank(contract)).unique(list(by), keep="last", maintain_order=True)


def events_of(event: type[E], contract: Contract, rows: pl.DataFrame) -> list[E]:
    """An event of each row; each is validated, so what another tool wrote is no event unless it could be one.

    Raises:
        ConfigError: a column of the contract is missing.
        WrongTableError: a row is no such event.
    """
    names = [spec.name for spec in contract.fields]
    missing = [name for name in names if name not in rows.columns]
    if missing:
        msg = f"{event.__name__} has {', '.join(missing)}, and the rows have not: leave these columns in the frame"
        raise ConfigError(msg)
    events: list[E] = []
    for values in rows.select(names).iter_rows(named=True):
        try:
            events.append(event.model_validate(values))
        except ValidationError as error:
            raise _no_event(contract, rows, len(events), error) from error
    return events


def _no_event(contract: Contract, rows: pl.DataFrame, number: int, error: ValidationError) -> WrongTableError:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(map(str, first["loc"]))
    address = {name: rows[name][number] for name in _ADDRESS if name in rows.columns}
    where = f" (partition {address['_partition']}, offset {address['_offset']})" if len(address) == 2 else ""
    msg = (
        f"a row of {contract.name}{where} is no {contract.event.__name__} of today: {place}: {first['msg']}. "
        "Another tool wrote it, or the contract has become stricter: read it as a frame"
    )
    return WrongTableError(msg)


def arrow_of(contract: Contract, rows: pl.DataFrame) -> pa.Table:
    """The rows in Arrow, columns of the table with the types that the contract gives them."""
    table = rows.to_arrow()
    wanted = {field.name: field for field in arrow_schema(contract)}
    return table.cast(pa.schema([wanted.get(field.name, field) for field in table.schema]))
