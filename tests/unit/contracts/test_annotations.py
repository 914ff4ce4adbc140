"""From annotations to kinds, and the sentences for those that are none."""

import re
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, TypedDict, cast

import annotated_types
import pytest
from pydantic import AfterValidator, BaseModel, Field, NaiveDatetime, field_validator

from headrace.contracts import (
    ChoiceKind,
    DecimalKind,
    Event,
    FieldSpec,
    FloatKind,
    Int32,
    IntKind,
    ListKind,
    Price,
    StrategyId,
    StringKind,
    StructKind,
    Symbol,
    Table,
    UtcTimestamp,
    contract_of,
)
from headrace.errors import ContractError
from tests.unit.contracts.declaring import declared

SYMBOLS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.^/=_:-"
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def spec_of_x(event: type[Event]) -> FieldSpec:
    (spec,) = [field for field in contract_of(event).fields if field.name == "x"]
    return spec


def kind_of(annotation: object) -> object:
    return spec_of_x(declared(annotation)).kind


class Inner(BaseModel):
    value: int


class Looped(BaseModel):
    again: "Looped | None" = None


class Checked(BaseModel):
    value: int

    @field_validator("value")
    @classmethod
    def check(cls, value: int) -> int:
        return value


class Mixed(Enum):
    ONE = 1
    TWO = "two"


class Mapping(TypedDict):
    value: int


class TestKinds:
    @pytest.mark.parametrize(
        ("annotation", "kind"),
        [
            (str, StringKind()),
            (Annotated[str, Field(max_length=9)], StringKind(0, 9)),
            (Annotated[str, Field(max_length=100_000)], StringKind(0, 100_000)),
            (Annotated[str, Field(pattern="a+", min_length=2)], StringKind(2, pattern="a+")),
            (Annotated[Symbol, Field(max_length=4)], StringKind(1, 4, alphabet=SYMBOLS)),
            (int, IntKind()),
            (Annotated[int, Field(gt=0, lt=10)], IntKind(1, 9)),
            (Annotated[int, annotated_types.Interval(ge=1, le=5), Field(ge=-3)], IntKind(1, 5)),
            (Annotated[Int32, Field(ge=0)], IntKind(0, 2**31 - 1, 32)),
            (Annotated[float, Field(gt=0, le=1)], FloatKind(0.0, 1.0, exclusive_minimum=True)),
            (Decimal, DecimalKind(38, 18)),
            (Price, DecimalKind(18, 4, Decimal(0))),
            (
                Annotated[Price, Field(gt=0, lt=Decimal("9.5"))],
                DecimalKind(18, 4, Decimal("0.0001"), Decimal("9.4999")),
            ),
            (Annotated[Decimal, Field(max_digits=9, decimal_places=2)], DecimalKind(9, 2)),
            (Literal["a", "b"], ChoiceKind(("a", "b"), ("a", "b"))),
            (list[int], ListKind(IntKind())),
            (list[str | None], ListKind(StringKind(), item_nullable=True)),
            (Annotated[list[int], Field(max_length=3)], ListKind(IntKind(), max_length=3)),
            (Inner, StructKind((FieldSpec("value", IntKind()),), Inner)),
        ],
        ids=str,
    )
    def test_an_annotation_says_what_a_field_holds(self, annotation: object, kind: object) -> None:
        assert kind_of(annotation) == kind

    @pytest.mark.parametrize(
        ("annotation", "default", "nullable", "required"),
        [(int, ..., False, True), (int | None, ..., True, True), (int | None, None, True, False)],
        ids=["always there", "there or null", "may be absent"],
    )
    def test_null_and_absence_are_declared_apart(
        self, annotation: object, default: object, nullable: bool, required: bool
    ) -> None:
        spec = spec_of_x(declared(annotation, default=default))
        assert (spec.nullable, spec.required) == (nullable, required)


class TestClassesThatCannotBeTables:
    @pytest.mark.parametrize(
        ("annotation", "sentence"),
        [
            (dict[str, int], "write a nested model"),
            (Mapping, "write one of the types"),
            (Any, "a column has one type"),
            (object, "a column has one type"),
            (int | str, "is a union"),
            (int | str | None, "is a union"),
            (NaiveDatetime, "write UtcTimestamp"),
            (bytes, "write str and encode"),
            (tuple[int, int], "write list"),
            (set[int], "write list"),
            (list[list[int]], "list of lists"),
            (timedelta, "write one of the types"),
            (Looped, "contains itself"),
            (Checked, "validators of its own"),
            (Mixed, "all str or all int"),
            (Literal["a", 1], "all str or all int"),
            (Literal["a", None], "all str or all int"),
            (Literal[True], "all str or all int"),
            (Annotated[int, AfterValidator(abs)], "AfterValidator"),
            (Annotated[int, Field(multiple_of=5)], "carries MultipleOf"),
            (Annotated[bool, Field(ge=0)], "ge has no meaning"),
            (Annotated[Decimal, Field(max_digits=39)], "1 to 38 digits"),
            (Annotated[Decimal, Field(max_digits=4, decimal_places=5)], "decimal_places"),
            (Annotated[Decimal, DecimalKind(4, 2, maximum=Decimal(100))], "is no decimal(4,2)"),
            (Annotated[Decimal, DecimalKind(4, 2, minimum=Decimal("0.001"))], "is no decimal(4,2)"),
            (Annotated[int, Field(gt=5, lt=6)], "no value lies between"),
            (Annotated[int, IntKind(0, 2**40, bits=32)], "integer of 32 bits"),
            (Annotated[str, Field(pattern="(")], "no Python regular expression"),
            (Annotated[Symbol, Field(pattern="A+")], "alphabet"),
            (Annotated[str, IntKind()], "IntKind does not describe str"),
            (Annotated[int, Field(alias="y")], "has an alias"),
        ],
        ids=str,
    )
    def test_a_field_that_is_no_column_says_what_to_write_instead(self, annotation: object, sentence: str) -> None:
        with pytest.raises(ContractError, match=re.escape(sentence)):
            declared(annotation)

    @pytest.mark.parametrize("default", [0, 5, "now"])
    def test_no_default_is_ever_invented(self, default: object) -> None:
        with pytest.raises(ContractError, match="never invented"):
            declared(int, default=default)

    def test_a_default_factory_is_a_default(self) -> None:
        with pytest.raises(ContractError, match="never invented"):
            declared(int, default=Field(default_factory=int))

    def test_only_null_may_stand_for_an_absent_member(self) -> None:
        with pytest.raises(ContractError, match=r"write `\| None = None`"):
            declared(int, default=None)

    @pytest.mark.parametrize(
        ("keywords", "sentence"),
        [
            ({"key": "y"}, "is no field of it: name one of key, x"),
            ({"key": "x"}, "never null"),
            ({"key": None}, "has no key"),
            ({"topic": None}, "names a key or a table and no topic"),
            ({"topic": "a b"}, "Kafka has no topic"),
            ({"topic": ".."}, "Kafka has no topic"),
            ({"schema_version": 0}, "counts from 1"),
            ({"table": Table(name="a/b")}, "cannot be the name of a table"),
            ({"table": Table(name="trades__quarantine")}, "cannot be the name of a table"),
            ({"table": Table(partition_by="date")}, "needs the time of the event"),
            ({"table": Table(partition_by="x")}, "partition_by='x' must be 'date', or name a text"),
            ({"table": Table(partition_by="key")}, "never null and never empty"),
            ({"table": Table(partition_by="nothing")}, "partition_by='nothing' must be"),
            ({"table": Table(mode=cast("Literal['append']", "x"))}, "write 'append' or 'upsert'"),
            ({"table": Table(key=("key",))}, "write that mode, or no key"),
            ({"table": Table(mode="upsert", key=("key",))}, "the later one counts: add a field `timestamp"),
            ({"table": Table(event_time="x")}, "must name a UtcTimestamp field"),
            ({"table": Table(cluster_by=("x", "z"))}, "cluster_by names 'z'"),
            ({"table": Table(bloom_filters=("key", "z"))}, "bloom_filters names 'z': write a tuple of texts"),
            ({"table": Table(bloom_filters=("x",))}, "bloom_filters names 'x'"),
            ({"frozen": False}, "model_config of its own"),
        ],
        ids=str,
    )
    def test_keywords_that_do_not_fit_say_so(self, keywords: dict[str, object], sentence: str) -> None:
        with pytest.raises(ContractError, match=sentence):
            declared(float | None, **keywords)

    @pytest.mark.parametrize(
        ("key", "sentence"),
        [
            ((), "'key' must be among Table\\(key=\\(\\)\\)"),
            (("timestamp",), "must be among Table"),
            (("key", "nothing"), "names 'nothing': write a tuple of exact fields"),
            (("key", "real"), "names 'real'"),
            (("key", "maybe"), "names 'maybe'"),
        ],
        ids=str,
    )
    def test_rows_are_named_by_the_record_s_key_and_by_exact_fields(self, key: tuple[str, ...], sentence: str) -> None:
        with pytest.raises(ContractError, match=sentence):

            class Latest(Event, topic="latest", key="key", table=Table(mode="upsert", key=key)):
                key: str
                timestamp: UtcTimestamp
                real: float
                maybe: int | None

    def test_a_text_that_is_never_empty_may_name_partitions(self) -> None:
        class Parted(Event, topic="parted", key="key", table=Table(partition_by="side")):
            key: str
            side: Literal["a", "b"]

        assert contract_of(Parted).table.partition_by == "side"

        with pytest.raises(ContractError, match="never empty"):

            class Empty(Event, topic="empty", key="key", table=Table(partition_by="side")):
                key: str
                side: Literal["", "b"]

    @pytest.mark.parametrize(
        ("text", "fits"),
        [
            (Annotated[str, Field(min_length=1, max_length=20)], True),
            (Annotated[str, Field(min_length=1, max_length=21)], False),
            (Annotated[str, Field(min_length=1)], False),
            (Annotated[StrategyId, Field(max_length=64)], True),
            (Literal["a", "b" * 90], False),
        ],
        ids=str,
    )
    def test_a_text_that_names_partitions_can_name_a_folder(self, text: Any, fits: bool) -> None:
        table = Table(partition_by="side")
        with (
            nullcontext()
            if fits
            else pytest.raises(ContractError, match="bound it to 83 with max_length, a fourth of that")
        ):

            class Parted(Event, topic="parted", key="key", table=table):
                key: str
                side: text

    def test_a_field_cannot_take_the_name_of_the_partition_column(self) -> None:
        with pytest.raises(ContractError, match="collides with the partition column"):

            class Dated(Event, topic="dated", key="key", table=Table(partition_by="date")):
                key: str
                timestamp: UtcTimestamp
                date: str

    def test_a_field_named_date_is_welcome_where_nothing_is_partitioned(self) -> None:
        class Dated(Event, topic="dated", key="key"):
            key: str
            date: str

        assert [spec.name for spec in contract_of(Dated).fields] == ["key", "date"]

    def test_names_with_a_leading_underscore_belong_to_headrace(self) -> None:
        with pytest.raises(ContractError, match="belong to Headrace"):

            class Hidden(Event, topic="hidden", key="key"):
                key: str
                _offset: int

    def test_columns_differ_by_more_than_case(self) -> None:
        with pytest.raises(ContractError, match="differ in case alone"):

            class Cased(Event, topic="cased", key="key"):
                key: str
                Key: str

    def test_a_class_without_topic_is_no_contract_and_shares_its_fields(self) -> None:
        class Common(Event):
            key: str

        class Special(Common, topic="special", key="key"):
            exact: Decimal

        assert [spec.name for spec in contract_of(Special).fields] == ["key", "exact"]
        assert Special(key="a", exact="1").exact == 1
        with pytest.raises(ContractError, match="names no topic"):
            contract_of(Common)
