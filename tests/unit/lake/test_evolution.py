"""What a table can be given, and why not."""

from dataclasses import replace

import pytest

from headrace import Event, Price, Symbol, Table, UtcTimestamp
from headrace.contracts import Contract, contract_of
from headrace.lake.evolution import SchemaDiff, TableShape, compare
from headrace.lake.schema import delta_schema
from headrace.lake.tables import LATEST, SCHEMA_VERSION, TableSpec


class Before(Event, topic="quotes", key="symbol", table=Table(partition_by="date")):
    """A quote."""

    symbol: Symbol
    price: Price
    timestamp: UtcTimestamp
    desk: Symbol | None


BEFORE = contract_of(Before)


def spec_of(contract: Contract, **properties: str) -> TableSpec:
    partition_by = contract.table.partition_by
    layout = () if partition_by is None else (partition_by,)
    version = {SCHEMA_VERSION: str(contract.schema_version)}
    return TableSpec(contract.name, delta_schema(contract), layout, "", version | properties, {})


def diff(after: Contract, spec: TableSpec | None = None) -> SchemaDiff:
    before = spec_of(BEFORE)
    return compare(TableShape(before.schema, before.partition_by, before.properties), spec or spec_of(after), after)


def test_a_field_that_may_be_absent_and_one_that_may_become_null_can_be_given() -> None:
    class After(Event, topic="quotes", key="symbol", table=Table(partition_by="date"), schema_version=2):
        """A quote."""

        symbol: Symbol
        price: Price | None
        timestamp: UtcTimestamp
        desk: Symbol | None
        venue: Symbol | None = None

    found = diff(contract_of(After))

    assert {each.subject: each.compatible for each in found.differences} == {"price": True, "venue": True}
    assert found.compatible
    assert not found.same
    assert diff(BEFORE).same


def test_what_rows_that_are_there_contradict_cannot_be_given() -> None:
    class After(Event, topic="quotes", key="symbol", schema_version=2):
        """A quote."""

        symbol: Symbol
        price: Symbol
        timestamp: UtcTimestamp
        desk: Symbol
        must: Symbol
        either: Symbol | None

    found = diff(contract_of(After))

    assert not found.compatible
    assert {each.subject for each in found.differences if not each.compatible} == {
        "price", "desk", "must", "either", "date", "partition_by"
    }  # fmt: skip
    for reason in (
        "price is .* and would be .*string.*: a column keeps its type",
        "desk may be null in rows that are there",
        "must .* is new, and events that were sent before lack it: write X | None = None",
        "date is no field of the contract",
        "partition_by is date and would be none",
    ):
        with pytest.raises(ValueError, match=reason):
            raise ValueError(found.reasons)


def test_versions_only_rise_and_have_to_where_columns_change() -> None:
    class Same(Event, topic="quotes", key="symbol", table=Table(partition_by="date")):
        """A quote."""

        symbol: Symbol
        price: Price
        timestamp: UtcTimestamp
        desk: Symbol | None
        venue: Symbol | None = None

    found = diff(contract_of(Same))
    assert (found.compatible, found.problem) == (False, "both have schema_version 1: raise it in the contract")

    older = replace(BEFORE, schema_version=0)
    assert "it is an older one" in str(diff(older).problem)


def test_the_rule_of_latest_rows_stays() -> None:
    found = diff(BEFORE, spec_of(BEFORE, **{LATEST: "{}"}))

    assert "rows that are there were chosen by the old one" in found.reasons
