"""From a contract and a topic to tables that are known to be theirs. Runs once, before the first record."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Literal

from headrace.contracts import Contract
from headrace.kafka.topics import TopicIdentity
from headrace.lake.canary import prove_conflicts
from headrace.lake.checkpoint import mend_checkpoint
from headrace.lake.listing import refuse_half
from headrace.lake.log import DeltaLog
from headrace.lake.quarantine import quarantine_delta_schema, quarantine_name
from headrace.lake.retention import retention_properties
from headrace.lake.schema import delta_schema
from headrace.lake.store import Store
from headrace.lake.tables import (
    CLUSTER_ID,
    CONTRACT,
    DELETION_VECTORS,
    EVENT_TIME,
    LATEST,
    PARTITIONS,
    PIPELINE,
    SCHEMA_VERSION,
    START,
    TOPIC,
    TOPIC_ID,
    TableSpec,
    check_table,
    create_table,
    refuse_file,
)
from headrace.logs import get_logger
from headrace.offsets import SourceId
from headrace.sections import IngestSettings
from headrace_ingest.pair import TablePair
from headrace_ingest.ports import Topic

Start = Literal["earliest", "latest"] | datetime

log = get_logger(__name__)


def prepare_tables(
    store: Store, contract: Contract, source: SourceId, topic: Topic, chosen: IngestSettings
) -> TablePair:
    """Creates the table and its quarantine where they are missing, and makes sure that they are ours.

    Returns:
        Them, as they were checked.

    Raises:
        UnsafeStoreError: the store or the library does not keep conflicting commits apart.
        WrongTableError: something else lies there, or one of the two is gone.
        TopicRecreatedError: they were filled from an earlier topic of this name.
        StoreError, AccessDeniedError: the store cannot be read or written.
    """
    store.make_root()
    prove_conflicts(store)
    identity = topic.identity()
    main, quarantine = table_specs(contract, source, identity, chosen)
    mend_checkpoints(store, contract)
    there, kept = _opened(store, main), _opened(store, quarantine)
    if (there is None) != (kept is None):
        refuse_half(store, main.name)
        there = _opened(store, main)
    if there is not None:
        check_table(there, main)
    # The quarantine first: a main table that exists always has one, and one that has lost it does not get here.
    if kept is None:
        create_table(store, quarantine)
        kept = DeltaLog(store, quarantine.name)
    check_table(kept, quarantine)
    if there is None:
        starts = _starting_positions(topic, identity, chosen.start)
        txns = {source.app_id(partition): position for partition, position in starts.items()}
        if create_table(store, replace(main, txns=txns)):
            log.info("table_created", table=main.name, topic=contract.topic, start=str(chosen.start), positions=starts)
        there = DeltaLog(store, main.name)
        check_table(there, main)
    return TablePair(there, kept)


def _opened(store: Store, spec: TableSpec) -> DeltaLog | None:
    try:
        return DeltaLog(store, spec.name)
    except FileNotFoundError:
        return None


def mend_checkpoints(store: Store, contract: Contract) -> None:
    """Removes what power loss tore of both tables' checkpoints.

    Raises:
        WrongTableError: a file lies there, or commits that a torn checkpoint stood for are gone.
        StoreError, AccessDeniedError: the store cannot be read or written.
    """
    for name in (contract.name, quarantine_name(contract.name)):
        refuse_file(store, name)
        removed = mend_checkpoint(store, name)
        if removed is not None:
            log.warning("checkpoint_mended", table=name, removed=removed)


def check_contract(store: Store, contract: Contract, pipeline: str) -> DeltaLog:
    """Makes sure that the tables are the contract's, whichever cluster they were filled from.

    Returns:
        The log of the main table.

    Raises:
        FileNotFoundError: there is no such table.
        WrongTableError: another pipeline, topic, contract, or other columns.
        StoreError, AccessDeniedError: the store cannot be read.
    """
    main = DeltaLog(store, contract.name)
    found = main.properties
    source = SourceId(pipeline, found.get(CLUSTER_ID, ""), found.get(TOPIC_ID, ""))
    identity = TopicIdentity(contract.topic, source.cluster_id, source.topic_id, int(found.get(PARTITIONS, 0)))
    main_spec, quarantine_spec = table_specs(contract, source, identity, IngestSettings())
    check_table(main, main_spec)
    check_table(DeltaLog(store, quarantine_spec.name), quarantine_spec)
    return main


def table_specs(
    contract: Contract, source: SourceId, identity: TopicIdentity, chosen: IngestSettings
) -> tuple[TableSpec, TableSpec]:
    """What the table and its quarantine have to be; without positions, which are asked for only at creation."""
    properties = _properties(contract, source, identity, chosen)
    return _main_spec(contract, properties), _quarantine_spec(contract, properties)


def _starting_positions(topic: Topic, identity: TopicIdentity, start: Start) -> dict[int, int]:
    partitions = range(identity.partitions)
    if isinstance(start, datetime):
        return topic.positions_at(start, partitions)
    watermarks = {p: topic.watermarks(p) for p in partitions}
    return {p: w.start if start == "earliest" else w.end for p, w in watermarks.items()}


def _properties(
    contract: Contract, source: SourceId, identity: TopicIdentity, chosen: IngestSettings
) -> dict[str, str]:
    start = chosen.start
    return {
        **retention_properties(chosen.time_travel_days),
        PIPELINE: source.pipeline,
        CLUSTER_ID: source.cluster_id,
        TOPIC_ID: source.topic_id,
        TOPIC: contract.topic,
        CONTRACT: contract.name,
        SCHEMA_VERSION: str(contract.schema_version),
        PARTITIONS: str(identity.partitions),
        START: start.isoformat() if isinstance(start, datetime) else start,
    }


def _main_spec(contract: Contract, properties: dict[str, str]) -> TableSpec:
    partition_by = contract.table.partition_by
    return TableSpec(
        name=contract.name,
        schema=delta_schema(contract),
        partition_by=() if partition_by is None else (partition_by,),
        description=contract.doc,
        properties=properties | _rules(contract),
        txns={},
    )


def _rules(contract: Contract) -> dict[str, str]:
    table = contract.table
    told = {} if contract.event_time is None else {EVENT_TIME: contract.event_time}
    if table.mode == "append":
        return told
    rule = {"key": table.key, "event_time": contract.event_time, "tombstones": table.tombstones}
    return told | {DELETION_VECTORS: "true", LATEST: json.dumps(rule, separators=(",", ":"))}


def _quarantine_spec(contract: Contract, properties: Mapping[str, str]) -> TableSpec:
    return TableSpec(
        name=quarantine_name(contract.name),
        schema=quarantine_delta_schema(),
        partition_by=(),
        description=f"Records of topic {contract.topic} that could not become rows of {contract.name}.",
        properties={name: value for name, value in properties.items() if name != SCHEMA_VERSION},
        txns={},
    )
