"""A contract that changed after the table was made is no reason to call the table wrong."""

from dataclasses import replace

import pytest
from deltalake import DeltaTable

from headrace.contracts import (
    Contract,
    DecimalKind,
    IntKind,
    contract_of,
    load_contracts,
)
from headrace.lake.schema import delta_schema
from headrace.read.proof.agreement import columns_of, disagreement
from headrace.read.proof.findings import Code, Verdict
from headrace.read.proof.ledger import Ledger
from headrace.read.proof.verify import Verifier
from tests.unit.lake.made import Made
from tests.unit.read.proof.tables import TableBuilder

TRADES = load_contracts([])["trades"]


def with_kind(name: str, kind: DecimalKind | IntKind) -> Contract:
    return replace(TRADES, fields=tuple(replace(f, kind=kind) if f.name == name else f for f in TRADES.fields))


CHANGED = {
    "schema_version is 2 here and 1 in the table": replace(TRADES, schema_version=2),
    "column price is decimal(18,6) here and decimal(18,4) in the table": with_kind("price", DecimalKind(18, 6)),
    "column quantity is integer here and long in the table": with_kind("quantity", IntKind(bits=32)),
    "column venue is string here and missing in the table": replace(
        TRADES, fields=(*TRADES.fields, replace(TRADES.fields[0], name="venue"))
    ),
    "column account is unknown here and string in the table": replace(
        TRADES, fields=tuple(field for field in TRADES.fields if field.name != "account")
    ),
}


@pytest.mark.parametrize("checkpoint", [False, True], ids=["commits", "checkpoint"])
@pytest.mark.parametrize("differs", CHANGED)
def test_values_of_a_changed_contract_are_not_compared(table: TableBuilder, differs: str, checkpoint: bool) -> None:
    if checkpoint:
        DeltaTable(table.path).create_checkpoint()
        for version in range(3):
            table.log(version).unlink()
    folder = table.write_ledger()
    verifier = Verifier(table.root, {"trades": CHANGED[differs]}, lambda known, _codec: Ledger(folder, known.topic))

    report = verifier.verify("trades")

    found = [f for f in report.findings if f.code is not Code.REMARK]
    assert [(f.verdict, f.code) for f in found] == [(Verdict.UNKNOWN, Code.NOT_COMPARED)]
    assert f"contract trades is not the one that the table was filled by ({differs})" in found[0].message
    assert report.verdict is Verdict.UNKNOWN
    assert [(p.verdict, p.differing) for p in report.partitions] == [(Verdict.UNKNOWN, None)] * 2


@pytest.mark.parametrize(
    "contract", [*load_contracts([]).values(), contract_of(Made)], ids=lambda contract: contract.name
)
def test_every_contract_agrees_with_the_table_that_a_worker_makes_for_it(contract: Contract) -> None:
    columns = columns_of({"schemaString": delta_schema(contract).to_json()})

    assert disagreement(contract, {"headrace.schema_version": "1"}, columns) is None
