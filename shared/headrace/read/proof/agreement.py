"""Whether the contract known here is the one that a table was filled by: values of another cannot be compared."""

from collections.abc import Iterable, Mapping

import msgspec

from headrace.contracts import (
    BoolKind,
    ChoiceKind,
    Contract,
    DateKind,
    DecimalKind,
    FloatKind,
    IntKind,
    Kind,
    ListKind,
    StringKind,
    StructKind,
    TimestampKind,
)
from headrace.read.proof.features import Json

_SCHEMA_VERSION = "headrace.schema_version"


def columns_of(metadata: Json) -> dict[str, str]:
    """Type by name of the columns that a metaData action declares.

    Raises:
        msgspec.DecodeError, KeyError, TypeError: it is damaged.
    """
    text = metadata.get("schemaString")
    if not text:
        return {}
    return {str(field["name"]): _declared(field["type"]) for field in msgspec.json.decode(text)["fields"]}


def disagreement(contract: Contract, configuration: Mapping[str, str], columns: Mapping[str, str]) -> str | None:
    """What differs between a contract and the table, as half a sentence; None where values can be compared.

    Args:
        contract: as it is known here.
        configuration: the table's properties.
        columns: the table's, as `columns_of` gives them; those beside the contract's fields are Headrace's own.
    """
    version = configuration.get(_SCHEMA_VERSION)
    if version is not None and version != str(contract.schema_version):
        return f"schema_version is {contract.schema_version} here and {version} in the table"
    own = {name for name in columns if name.startswith("_")} | {contract.table.partition_by}
    fields = {field.name: _contracted(field.kind) for field in contract.fields}
    for name in [*fields, *(name for name in columns if name not in own)]:
        here, there = fields.get(name), columns.get(name)
        if here != there:
            return f"column {name} is {here or 'unknown'} here and {there or 'missing'} in the table"
    return None


def _declared(written: str | Json) -> str:
    """A type of the Delta protocol as one line."""
    if isinstance(written, str):
        return written
    match written["type"]:
        case "struct":
            return _struct((str(member["name"]), _declared(member["type"])) for member in written["fields"])
        case "array":
            return f"array<{_declared(written['elementType'])}>"
        case other:
            return str(other)


def _contracted(kind: Kind) -> str:  # noqa: C901  # one case per kind
    """The same line for what a contract says; written apart from the worker's mapping, so as to check it."""
    match kind:
        case StringKind():
            return "string"
        case IntKind():
            return "integer" if kind.bits == 32 else "long"
        case FloatKind():
            return "double"
        case DecimalKind():
            return f"decimal({kind.precision},{kind.scale})"
        case BoolKind():
            return "boolean"
        case TimestampKind():
            return "timestamp"
        case DateKind():
            return "date"
        case ChoiceKind():
            return "string" if kind.is_text else "long"
        case StructKind():
            return _struct((member.name, _contracted(member.kind)) for member in kind.fields)
        case ListKind():
            return f"array<{_contracted(kind.item)}>"


def _struct(members: Iterable[tuple[str, str]]) -> str:
    return f"struct<{', '.join(f'{name}: {written}' for name, written in sorted(members))}>"
