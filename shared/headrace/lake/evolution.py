"""What a contract asks of a table that was made by an earlier version of it, and whether the table can give it. Pure.

A column that may be absent can be added: rows that are there have null in it, as a record has that lacks it. A column
that was never null may become one that may be. Nothing else can change without rows that say something else than
before, or that no reader finds.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deltalake import Schema

from headrace.contracts import Contract
from headrace.lake.tables import LATEST, SCHEMA_VERSION, TableSpec


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which a table and its contract differ.

    Attributes:
        subject: a column, or what else of the table.
        told: how, in words.
        compatible: whether the table can be brought to what the contract says.
    """

    subject: str
    told: str
    compatible: bool


@dataclass(frozen=True, slots=True)
class SchemaDiff:
    """A table and its contract.

    Attributes:
        table: its name.
        table_version, contract_version: the schema version of each.
        differences: in columns and layout; bounds are not kept in a table.
        problem: why the versions alone forbid it; None if they do not.
    """

    table: str
    table_version: int
    contract_version: int
    differences: tuple[Difference, ...]
    problem: str | None = None

    @property
    def compatible(self) -> bool:
        """Whether the table can be brought to what the contract says, or is there already."""
        return self.problem is None and all(difference.compatible for difference in self.differences)

    @property
    def same(self) -> bool:
        """Whether there is nothing to do."""
        return not self.differences and self.table_version == self.contract_version

    @property
    def reasons(self) -> str:
        """Why the table cannot be brought there, in words."""
        told = [f"{each.subject} {each.told}" for each in self.differences if not each.compatible]
        return "; ".join([*([self.problem] if self.problem else []), *told])


@dataclass(frozen=True, slots=True)
class TableShape:
    """What a table says of itself: its columns, its partition columns and its properties."""

    schema: Schema
    partition_by: tuple[str, ...]
    properties: Mapping[str, str]


def compare(shape: TableShape, spec: TableSpec, contract: Contract) -> SchemaDiff:
    """How a table differs from what a contract asks for.

    Args:
        shape: of the table.
        spec: what a new table of the contract would be.
        contract: it.
    """
    found = int(shape.properties.get(SCHEMA_VERSION, 1))
    differences = (*_columns(shape.schema, spec.schema, contract), *_layout(shape, spec))
    problem = _problem(found, contract.schema_version, changed=bool(differences))
    return SchemaDiff(spec.name, found, contract.schema_version, differences, problem)


def _problem(found: int, wanted: int, *, changed: bool) -> str | None:
    if wanted < found:
        return f"the table was brought to schema_version {found}, and this contract has {wanted}: it is an older one"
    if wanted == found and changed:
        return f"both have schema_version {found}: raise it in the contract"
    return None


def _columns(found: Schema, wanted: Schema, contract: Contract) -> Iterator[Difference]:
    before = {field.name: field for field in found.fields}
    after = {field.name: field for field in wanted.fields}
    absent = {field.name for field in contract.fields if field.nullable and not field.required}
    for name, field in after.items():
        old = before.get(name)
        if old is None:
            yield _added(name, str(field.type), may_be_absent=name in absent)
        elif str(old.type) != str(field.type):
            told = f"is {old.type} and would be {field.type}: a column keeps its type; add a field of another name"
            yield Difference(name, told, compatible=False)
        elif old.nullable and not field.nullable:
            told = "may be null in rows that are there: write X | None"
            yield Difference(name, told, compatible=False)
        elif field.nullable and not old.nullable:
            yield Difference(name, "may be null from now on", compatible=True)
    for name in before.keys() - after.keys():
        told = "is no field of the contract: rows that are there have it, so keep it"
        yield Difference(name, told, compatible=False)


def _added(name: str, kind: str, *, may_be_absent: bool) -> Difference:
    if may_be_absent:
        return Difference(name, f"({kind}) is added: rows that are there have null", compatible=True)
    return Difference(
        name, f"({kind}) is new, and events that were sent before lack it: write X | None = None", compatible=False
    )


def _layout(shape: TableShape, spec: TableSpec) -> Iterator[Difference]:
    if shape.partition_by != spec.partition_by:
        told = f"is {', '.join(shape.partition_by) or 'none'} and would be {', '.join(spec.partition_by) or 'none'}"
        yield Difference("partition_by", f"{told}: files lie where they lie", compatible=False)
    if shape.properties.get(LATEST) != spec.properties.get(LATEST):
        told = "is another: rows that are there were chosen by the old one"
        yield Difference("the rule of which row of a key stays", told, compatible=False)
