"""The mapping from contracts to Arrow and Delta."""

import json
from pathlib import Path

import pytest
from deltalake import DeltaTable, Schema

from headrace.contracts import contract_of, load_contracts
from headrace.lake.schema import arrow_schema, delta_schema, quarantine_schema
from tests.unit.lake.made import Made

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.mark.parametrize("name", [*load_contracts(), "quarantine", "made"])
def test_schemas_in_the_delta_log_are_as_ever(name: str) -> None:
    contracts = {**load_contracts(), "made": contract_of(Made)}
    schema = Schema.from_arrow(quarantine_schema()) if name == "quarantine" else delta_schema(contracts[name])
    assert json.loads(schema.to_json()) == json.loads((GOLDEN / f"{name}.v1.schema.json").read_text())


def test_partition_column_and_where_a_row_came_from_are_the_last_columns() -> None:
    columns = arrow_schema(contract_of(Made)).names
    assert columns[-5:] == ["date", "_partition", "_offset", "_kafka_timestamp", "_ingested_at"]


def test_descriptions_are_comments_of_the_columns_of_a_real_table(tmp_path: Path) -> None:
    table = DeltaTable.create(tmp_path / "made", delta_schema(contract_of(Made)), partition_by=["date"])
    fields = {field.name: field for field in DeltaTable(table.table_uri).schema().fields}
    assert fields["key"].metadata == {"comment": "Whose it is."}
    assert fields["_offset"].metadata == {"comment": "Kafka offset of the record in its partition."}
    assert (fields["key"].nullable, fields["day"].nullable) == (False, True)
    assert '"comment":"Metres."' in table.schema().to_json()
