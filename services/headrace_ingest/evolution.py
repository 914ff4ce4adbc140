"""Brings a table to a later version of its contract, beside the workers that fill it.

One commit adds the columns, as the very next version or not at all. Workers of the version before are refused the
commit that they have in flight, as by any other; they look again, find their positions where they left them, and go
on: their rows lack the new columns, and null is what a record has in them that lacks the field.
"""

import json
from dataclasses import dataclass

from headrace.contracts import Contract
from headrace.errors import WrongTableError
from headrace.kafka.topics import TopicIdentity
from headrace.lake.by_hand.committing import Change, commit_next_or_lose
from headrace.lake.by_hand.opening import opened
from headrace.lake.evolution import SchemaDiff, TableShape, compare
from headrace.lake.log import DeltaLog
from headrace.lake.metadata import metadata_at, with_columns
from headrace.lake.racing import until_first
from headrace.lake.store import Store
from headrace.lake.tables import CONTRACT, PIPELINE, SCHEMA_VERSION, TableSpec, source_of
from headrace.sections import IngestSettings
from headrace_ingest.startup import table_specs

KIND = "schema"
"""Of the commit, in what it says of itself."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of it.

    Attributes:
        version: of the table that has the columns.
        changed: whether it was made now.
        diff: how the table differed before.
    """

    version: int
    changed: bool
    diff: SchemaDiff


def diff_schema(store: Store, contract: Contract) -> SchemaDiff:
    """How the table of a contract differs from it; changes nothing.

    Raises:
        ConfigError: there is no such table.
        WrongTableError: it is not the contract's.
        StoreError, AccessDeniedError: it cannot be read.
    """
    return _compared(_opened(store, contract), contract)[0]


def apply_schema(store: Store, contract: Contract) -> Applied:
    """Gives the table of a contract the columns that it lacks, in one durable commit.

    Raises:
        ConfigError: there is no such table.
        WrongTableError: it is not the contract's, or cannot be brought there; the message says why.
        CommitTimeoutError: other commits kept coming first.
        StoreError, AccessDeniedError: the store failed; the columns are there, or nothing changed.
    """

    def attempt() -> Applied | None:
        log = _opened(store, contract)
        diff, spec = _compared(log, contract)
        if not diff.compatible:
            msg = f"{store.uri(log.table)} cannot be brought to schema_version {diff.contract_version}: {diff.reasons}"
            raise WrongTableError(msg)
        if diff.same:
            return Applied(log.version, changed=False, diff=diff)
        made = commit_next_or_lose(log, _change(log, diff, spec))
        return None if made is None else Applied(made, changed=True, diff=diff)

    return until_first(contract.name, attempt)


def _opened(store: Store, contract: Contract) -> DeltaLog:
    log = opened(store, contract.name)
    if PIPELINE not in log.properties or log.properties.get(CONTRACT) != contract.name:
        msg = f"{store.uri(log.table)} is not a table of contract {contract.name}: there is nothing to compare"
        raise WrongTableError(msg)
    return log


def _compared(log: DeltaLog, contract: Contract) -> tuple[SchemaDiff, TableSpec]:
    source = source_of(log)
    identity = TopicIdentity(contract.topic, source.cluster_id, source.topic_id, 0)
    spec, _ = table_specs(contract, source, identity, IngestSettings())
    shape = TableShape(log.schema, tuple(log.partition_by), log.properties)
    return compare(shape, spec, contract), spec


def _change(log: DeltaLog, diff: SchemaDiff, spec: TableSpec) -> Change:
    changed = {difference.subject for difference in diff.differences}
    fields = [field for field in json.loads(spec.schema.to_json())["fields"] if field["name"] in changed]
    properties = {SCHEMA_VERSION: str(diff.contract_version)}
    action = with_columns(metadata_at(log.store, log.table, log.version), fields, properties)
    return Change(KIND, "ADD COLUMN", [action], note={"schema_version": diff.contract_version})
