"""`Event`: one class declares a topic, a table and the fields of both."""

from collections.abc import Mapping
from typing import ClassVar, Self, Unpack

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic.errors import PydanticUndefinedAnnotation
from pydantic_core import CoreSchema, core_schema

from headrace.contracts.annotations import field_specs
from headrace.contracts.contract import Contract, Declaration, build_contract
from headrace.contracts.reading import read_event
from headrace.contracts.table import Table
from headrace.contracts.validation import fields_schema
from headrace.errors import ContractError

_CONFIG = ConfigDict(
    frozen=True,
    extra="forbid",
    strict=True,
    protected_namespaces=(),
    use_attribute_docstrings=True,
)


class Event(BaseModel):
    """Base of all events; an instance is valid and never changes.

    A subclass names its topic, its key and its table, and annotates its fields:

        class Fill(Event, topic="fills", key="symbol", table=Table(partition_by="date")):
            \"\"\"One fill.\"\"\"

            symbol: Symbol
            timestamp: UtcTimestamp
            price: Price

    A subclass without `topic` shares its fields with its own subclasses and is no contract. `schema_version`
    is raised by hand when fields change. Calling the class validates: exact numbers are given as Decimal, str or
    int, times as aware datetimes.

    Raises:
        ContractError: at class creation, where the fields cannot become columns.
        pydantic.ValidationError: at construction, where a value is not accepted.
    """

    model_config = _CONFIG

    __headrace_declaration__: ClassVar[Declaration | None] = None
    __headrace_contract__: ClassVar[Contract | None] = None

    def __init_subclass__(
        cls,
        *,
        topic: str | None = None,
        key: str | None = None,
        table: Table | None = None,
        schema_version: int = 1,
        **kwargs: Unpack[ConfigDict],
    ) -> None:
        super().__init_subclass__(**kwargs)
        cls.__headrace_declaration__ = cls.__headrace_contract__ = None
        if topic is None:
            if key is not None or table is not None:
                msg = f"{cls.__name__} names a key or a table and no topic: write topic=..."
                raise ContractError(msg)
            return
        if key is None:
            msg = f"{cls.__name__} has no key: write key=... with the field that keeps its records in order"
            raise ContractError(msg)
        cls.__headrace_declaration__ = Declaration(topic, key, table or Table(), schema_version)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        super().__pydantic_init_subclass__(**{key: kwargs[key] for key in kwargs.keys() - _KEYWORDS})
        if cls.model_config != _CONFIG:
            msg = f"{cls.__name__} has a model_config of its own: all events are equally strict, leave it out"
            raise ContractError(msg)
        if cls.__headrace_declaration__ is not None and cls.__pydantic_complete__:
            contract_of(cls)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        """The validator that is compiled from the fields' kinds, in place of pydantic's reading of them."""
        if cls.__headrace_declaration__ is None and not cls.__pydantic_fields__:
            return handler(source)
        return core_schema.model_schema(
            cls,
            fields_schema(field_specs(cls), cls.__name__),
            frozen=True,
            config={"title": cls.__name__, "extra_fields_behavior": "forbid"},
        )

    @classmethod
    def from_wire(cls, value: bytes) -> Self:
        """The event of a record's value, whoever wrote it.

        Raises:
            RejectedError: the value is no such event; it carries the reason and the fields at fault.
            ContractError: the class has no topic.
        """
        event = read_event(contract_of(cls), value)
        if isinstance(event, cls):
            return event
        msg = f"{type(event).__name__} where {cls.__name__} was read"
        raise TypeError(msg)

    def to_wire(self) -> bytes:
        """The canonical JSON of the event: equal events have equal bytes.

        Raises:
            ContractError: the class has no topic.
        """
        return contract_of(type(self)).encode(self)

    def model_copy(self, *, update: Mapping[str, object] | None = None, deep: bool = False) -> Self:
        """A copy with other values, validated like any event. `deep` changes nothing: events never change.

        Raises:
            pydantic.ValidationError: a value of `update` is not accepted.
        """
        del deep
        values = {name: getattr(self, name) for name in type(self).__pydantic_fields__}
        return type(self)(**(values | dict(update or {})))


_KEYWORDS = frozenset({"topic", "key", "table", "schema_version"})


def contract_of(event: type[Event]) -> Contract:
    """What a class of events says of itself; the same object at each call.

    Raises:
        ContractError: the class names no topic, or an annotation of it cannot be resolved.
    """
    known = event.__headrace_contract__
    if known is not None:
        return known
    declaration = event.__headrace_declaration__
    if declaration is None:
        msg = f"{event.__name__} names no topic: write class {event.__name__}(Event, topic=..., key=...)"
        raise ContractError(msg)
    try:
        event.model_rebuild()
    except PydanticUndefinedAnnotation as error:
        msg = f"{event.__name__}: the annotation {error.name} means nothing in its module; import or define it"
        raise ContractError(msg) from error
    event.__headrace_contract__ = build_contract(event, declaration)
    return event.__headrace_contract__
