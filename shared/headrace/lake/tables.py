"""Creating a table once, whoever else tries, and recognising it afterwards.

`DeltaTable.create` called by several processes at once commits two metaData versions. Version 0 is therefore built in
a scratch folder and published by a conditional create: one process wins, the others open what is there.
"""

import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import DeltaError

from headrace.errors import ConfigError, TopicRecreatedError, UnsafeStoreError, WrongTableError
from headrace.lake.failures import store_failure
from headrace.lake.log import NOTE, DeltaLog, commit_path, open_table
from headrace.lake.protocols import INVARIANTS
from headrace.lake.retention import retention_properties
from headrace.lake.store import Store
from headrace.offsets import SourceId

PIPELINE = "headrace.pipeline"
CLUSTER_ID = "headrace.cluster_id"
TOPIC_ID = "headrace.topic_id"
TOPIC = "headrace.topic"
CONTRACT = "headrace.contract"
SCHEMA_VERSION = "headrace.schema_version"
PARTITIONS = "headrace.partitions"
START = "headrace.start"
STARTS = "headrace.starts"
"""JSON: per partition the position that version 0 gave it. It outlives version 0 in every checkpoint."""

EVENT_TIME = "headrace.event_time"
"""Column that says when an event happened."""

BY_HAND = "headrace.by_hand"
"""Of tables that no worker fills: people made them."""

LATEST = "headrace.latest"
"""JSON, of tables that keep the latest row of each key: what names a row, what orders events, what tombstones do."""
DELETION_VECTORS = "delta.enableDeletionVectors"
"""Of tables that keep the latest row of each key: rows are deleted without rewriting their files."""

# Lets deltalake 1.6.3 bring back an older txn once the newest has expired.
_FORBIDDEN_PROPERTY = "delta.setTransactionRetentionDuration"

_UPKEEP = {
    # For other writers, whose commits would clean up and write checkpoints by rules of their own.
    "delta.enableExpiredLogCleanup": "false",
    "delta.checkpointInterval": "100",
    **retention_properties(time_travel_days=0),
}


@dataclass(frozen=True, slots=True)
class TableSpec:
    """What version 0 of a table holds.

    Attributes:
        name: folder below the store's root.
        schema: Delta schema, column comments in its metadata.
        partition_by: partition columns.
        description: kept in the table's metadata.
        properties: table properties that name the source, keys above.
        txns: `appId` to txn version: where every partition of the topic starts.
    """

    name: str
    schema: Schema
    partition_by: tuple[str, ...]
    description: str
    properties: Mapping[str, str]
    txns: Mapping[str, int]


def refuse_file(store: Store, name: str) -> None:
    """Makes sure that no file lies where the folder of a table should be, and that it would be one below the root.

    Raises:
        ConfigError: the name leads elsewhere.
        WrongTableError: a file lies there.
    """
    if {"", ".", ".."} & set(name.split("/")):
        msg = f"{name!r} cannot be the name of a table: tables are folders below {store.root}"
        raise ConfigError(msg)
    if store.local is not None and (store.local / name).is_file():
        msg = f"{store.uri(name)} is a file: move it away or choose another root for the lake"
        raise WrongTableError(msg)


def exists(store: Store, name: str) -> bool:
    """Whether a Delta table lies under `name`.

    Raises:
        WrongTableError: a file lies there.
        StoreError, AccessDeniedError: the store cannot be read.
    """
    refuse_file(store, name)
    try:
        return bool(open_table(store, name, without_files=True))
    except FileNotFoundError:
        return False


def create_table(
    store: Store,
    spec: TableSpec,
    *,
    actions: Iterable[Mapping[str, object]] = (),
    note: Mapping[str, object] | None = None,
) -> bool:
    """Publishes version 0 of `spec`; False if somebody else's is there already.

    Args:
        store: where the table shall lie.
        spec: what it is.
        actions: on durable files, for a table that has rows from the beginning.
        note: what the commit says of itself beside its kind.

    Raises:
        StoreError, AccessDeniedError: it could not be written.
    """
    try:
        version_0 = _version_0(spec, {"kind": "create", **(note or {})})
    except (DeltaError, OSError) as error:
        raise store_failure(error, f"preparing table {spec.name} in {tempfile.gettempdir()}") from error
    lines = [_published(version_0, store.uri(spec.name)), *map(_line, actions)]
    return store.create(commit_path(spec.name, 0), b"".join(lines))


def _version_0(spec: TableSpec, note: Mapping[str, object]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="headrace-table-") as scratch:
        DeltaTable.create(
            scratch,
            spec.schema,
            partition_by=list(spec.partition_by),
            name=spec.name,
            description=spec.description,
            configuration={**_UPKEEP, **_starts(spec), **spec.properties},
            commit_properties=CommitProperties(
                custom_metadata={NOTE: dict(note)},
                app_transactions=[Transaction(app_id, version) for app_id, version in spec.txns.items()],
            ),
            raise_if_key_not_exists=False,
        )
        return (Path(scratch) / commit_path("", 0).lstrip("/")).read_bytes()


def _starts(spec: TableSpec) -> Mapping[str, str]:
    starts = {app_id.rpartition("/")[2]: position for app_id, position in spec.txns.items()}
    return {STARTS: json.dumps(starts, separators=(",", ":"))} if starts else {}


def _published(commit: bytes, uri: str) -> bytes:
    """`commit` with the table's own location in place of the scratch folder's, and all features that it uses."""
    actions = [json.loads(line) for line in commit.splitlines()]
    for action in actions:
        if "commitInfo" in action:
            action["commitInfo"]["operationParameters"]["location"] = uri
        if "writerFeatures" in action.get("protocol", ()):
            action["protocol"]["writerFeatures"] = sorted({*action["protocol"]["writerFeatures"], INVARIANTS})
    return b"".join(map(_line, actions))


def _line(action: Mapping[str, object]) -> bytes:
    return json.dumps(action, separators=(",", ":")).encode() + b"\n"


def check_table(log: DeltaLog, spec: TableSpec) -> None:
    """Makes sure that the table under `spec.name` is the one `spec` describes.

    Raises:
        TopicRecreatedError: it was filled from an earlier topic of the same name.
        WrongTableError: another pipeline, cluster, topic, contract or schema.
        UnsafeStoreError: a property makes txn versions unreliable.
    """
    found, wanted = log.properties, spec.properties
    where = log.store.uri(log.table)
    if PIPELINE not in found:
        msg = f"{where} is a Delta table that Headrace did not create: choose another table name or root"
        raise WrongTableError(msg)
    if _FORBIDDEN_PROPERTY in found:
        msg = f"{where} sets {_FORBIDDEN_PROPERTY}, which lets positions expire: unset that property"
        raise UnsafeStoreError(msg)
    for key in (PIPELINE, CLUSTER_ID, TOPIC, CONTRACT):
        if found.get(key) != wanted[key]:
            msg = (
                f"{where} belongs to {key}={found.get(key)}, this process has {key}={wanted[key]}: "
                "one table has one source for ever; choose another table name or root"
            )
            raise WrongTableError(msg)
    if found.get(LATEST) != wanted.get(LATEST):
        msg = (
            f"{where} was made with {LATEST}={found.get(LATEST)}, contract {wanted[CONTRACT]} says "
            f"{wanted.get(LATEST)}: rows that are there were chosen by another rule; choose another table name"
        )
        raise WrongTableError(msg)
    if found.get(TOPIC_ID) != wanted[TOPIC_ID]:
        raise recreated(wanted[TOPIC], where)
    if SCHEMA_VERSION in wanted:  # a quarantine has the same columns for ever
        _check_version(int(found.get(SCHEMA_VERSION, 1)), int(wanted[SCHEMA_VERSION]), spec.name, where)
    _check_schema(log, spec)


def _check_version(found: int, wanted: int, table: str, where: str) -> None:
    if found < wanted:
        msg = (
            f"{where} has schema_version {found}, this contract has {wanted}: `headrace schema diff {table}` says "
            f"what differs, and `headrace schema apply {table}` brings the table there, beside its workers too"
        )
        raise WrongTableError(msg)
    if found > wanted:
        msg = (
            f"{where} was brought to schema_version {found}, this contract has {wanted}: it is an older one. "
            "Start the worker with the contract that the table has"
        )
        raise WrongTableError(msg)


def recreated(topic: str, where: str) -> TopicRecreatedError:
    """The failure of a topic that is not the one `where` was filled from."""
    msg = (
        f"topic {topic} was deleted and created again since {where} was filled from it: its offsets now name other "
        "records. Keep that table as it is and ingest the new topic into a table of another name."
    )
    return TopicRecreatedError(msg)


def _check_schema(log: DeltaLog, spec: TableSpec) -> None:
    found = {field.name: (str(field.type), field.nullable) for field in log.schema.fields}
    wanted = {field.name: (str(field.type), field.nullable) for field in spec.schema.fields}
    if found == wanted and log.partition_by == list(spec.partition_by):
        return
    different = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
    msg = (
        f"{log.store.uri(log.table)} has another schema than contract {spec.properties[CONTRACT]}: "
        f"{', '.join(different) or 'its partitioning'} differ. Use the contract the table was made with, or raise its "
        f"schema_version: `headrace schema diff {spec.name}` says what a table can be given."
    )
    raise WrongTableError(msg)


def source_of(log: DeltaLog) -> SourceId:
    """The source that a table names in its properties."""
    found = log.properties
    return SourceId(found[PIPELINE], found[CLUSTER_ID], found[TOPIC_ID])


def starts_of(log: DeltaLog, partitions: Iterable[int]) -> dict[int, int]:
    """The first offset that the table answers for, of each of `partitions`; 0 of one added to the topic."""
    told = json.loads(log.properties.get(STARTS, "{}"))
    return {p: int(told.get(str(p), 0)) for p in partitions}


def positions_of(log: DeltaLog, partitions: Iterable[int]) -> dict[int, int]:
    """The table's newest position of each of `partitions`; 0 where it has none, as of one added to the topic.

    Raises:
        StoreError, AccessDeniedError: the log cannot be read.
    """
    log.refresh()
    source = source_of(log)
    return {p: log.txn(source.app_id(p)) or 0 for p in partitions}


def source_in(properties: Mapping[str, str]) -> SourceId | None:
    """The source that the properties of a table name; None if no worker fills it."""
    if not {PIPELINE, CLUSTER_ID, TOPIC_ID, PARTITIONS} <= properties.keys():
        return None
    return SourceId(properties[PIPELINE], properties[CLUSTER_ID], properties[TOPIC_ID])


def properties_in(handle: DeltaTable) -> dict[str, str]:
    """Table properties of the version of `handle`."""
    return {key: value for key, value in handle.metadata().configuration.items() if value is not None}


def positions_in(handle: DeltaTable) -> dict[int, int]:
    """The position of each partition that the version of `handle` records one of; none if no worker fills the table."""
    properties = properties_in(handle)
    source = source_in(properties)
    positions: dict[int, int] = {}
    if source is None:
        return positions
    # How many there were when the table was made; a topic grows at its end.
    for partition in count():
        position = handle.transaction_version(source.app_id(partition))
        if position is not None:
            positions[partition] = position
        elif partition >= int(properties[PARTITIONS]):
            break
    return positions
