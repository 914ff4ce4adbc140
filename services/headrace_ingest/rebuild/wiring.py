"""Puts a rebuild together: the table as a worker would take it, and what it is rebuilt from."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

from headrace import __version__
from headrace.clock import Clock, SystemClock
from headrace.contracts import PARTITION_COLUMN, Contract
from headrace.errors import ConfigError, ContractError
from headrace.kafka.topics import TopicIdentity
from headrace.lake.canary import prove_conflicts
from headrace.lake.latest.order import Naming
from headrace.lake.layouts import file_layout
from headrace.lake.listing import chosen_tables, refuse_half
from headrace.lake.log import DeltaLog
from headrace.lake.schema import arrow_schema, tombstone_schema
from headrace.lake.store import Store
from headrace.lake.tables import CLUSTER_ID, LATEST, PARTITIONS, TOPIC_ID, source_of
from headrace.lake.tables import TOPIC as TOPIC_PROPERTY
from headrace.sections import MIB, IngestSettings
from headrace.settings import Settings
from headrace_ingest.decode import Decoder
from headrace_ingest.rebuild.building import Progress, Subject
from headrace_ingest.rebuild.event_log import LogSource
from headrace_ingest.rebuild.rebuilder import Rebuilder
from headrace_ingest.rebuild.report import RebuildReport
from headrace_ingest.rebuild.sources import Source, TopicSource
from headrace_ingest.startup import check_contract, mend_checkpoints, table_specs
from headrace_ingest.topic_log import ClusterLog, TopicLog, check_topic

TOPIC = "topic"


def subject_of(settings: Settings, contract: Contract) -> Subject:
    """A table that is there and is the contract's.

    Raises:
        ContractError: the table is not one of latest rows.
        ConfigError: there is no such table yet.
        WrongTableError: the tables have other columns than the contract, or are not its own, or one of them is gone.
        StoreError, AccessDeniedError: the store cannot be read.
    """
    if contract.table.mode != "upsert":
        msg = (
            f"table {contract.name} has mode {contract.table.mode}: each of its rows is a record, and none depends on "
            "another. headrace verify says whether any is, headrace quarantine replay brings home what was refused"
        )
        raise ContractError(msg)
    store = Store(settings.lake.root)
    chosen_tables(store, (contract.name,))
    refuse_half(store, contract.name)
    log = check_contract(store, contract, settings.pipeline or contract.name)
    source = source_of(log)
    identity = TopicIdentity(contract.topic, source.cluster_id, source.topic_id, int(log.properties[PARTITIONS]))
    spec, _ = table_specs(contract, source, identity, IngestSettings())
    return Subject(
        store=store,
        spec=spec,
        source=source,
        layout=file_layout(contract),
        naming=Naming(contract.table.key, str(contract.event_time)),
        events=arrow_schema(contract),
        tombstones=tombstone_schema(contract),
        deletes=contract.deletes,
        memory=settings.ingest.memory_mib * MIB // 4,
        version=__version__,
        checkpoint_every=settings.ingest.checkpoint_every,
        deadline_seconds=settings.ingest.commit_deadline_seconds,
    )


def decoder_of(settings: Settings, contract: Contract) -> Decoder:
    """Of today's contract."""
    return Decoder(contract, max_record_bytes=settings.ingest.max_record_bytes)


def topic_source(subject: Subject, topic: TopicLog, decoder: Decoder, clock: Clock) -> Source:
    """The topic as a source.

    Raises:
        TopicRecreatedError: it is not the one that the table was filled from.
        HeadraceError: the cluster cannot be asked.
    """
    check_topic(topic, subject.source, subject.store.uri(subject.name))
    return TopicSource(topic, decoder, subject.deletes, clock)


@contextmanager
def _opened(settings: Settings, contract: Contract, subject: Subject, clock: Clock, *, name: str) -> Iterator[Source]:
    decoder = decoder_of(settings, contract)
    if name != TOPIC:
        yield log_source(subject, name, decoder, clock)
        return
    topic = ClusterLog(settings.kafka, contract.topic)
    try:
        yield topic_source(subject, topic, decoder, clock)
    finally:
        topic.close()


def log_source(subject: Subject, name: str, decoder: Decoder, clock: Clock) -> Source:
    """A table of all events as a source.

    Raises:
        ConfigError: there is no such table, or it is not one of all events of the same topic.
        WrongTableError: it has lost its quarantine.
        StoreError, AccessDeniedError: it cannot be read.
    """
    store = subject.store
    chosen_tables(store, (name,))
    refuse_half(store, name)
    log = DeltaLog(store, name)
    found, wanted = log.properties, subject.spec.properties
    unlike = [key for key in (CLUSTER_ID, TOPIC_ID, TOPIC_PROPERTY) if found.get(key) != wanted[key]]
    derived = {PARTITION_COLUMN} if subject.layout.partition_column == PARTITION_COLUMN else set()
    lacking = sorted({*subject.events.names} - derived - {field.name for field in log.schema.fields})
    problem = None
    if log.masks_rows or LATEST in found:
        problem = "keeps the latest row of each key, not every event"
    elif unlike:
        problem = f"is not of the same topic: {', '.join(unlike)} differ"
    elif lacking:
        problem = f"lacks columns of {subject.name}: {', '.join(lacking)}"
    if problem is not None:
        msg = f"{subject.name} cannot be rebuilt from {name}, which {problem}"
        raise ConfigError(msg)
    return LogSource(subject, name, source_of(log), decoder, clock, Event().wait)


def run_rebuild(
    settings: Settings, contract: Contract, source: str, progress: Progress, *, dry_run: bool
) -> RebuildReport:
    """Rebuilds the table of a contract.

    Args:
        settings: of the process.
        contract: of the table.
        source: `topic`, or the name of a table that keeps every event.
        progress: told how far it is.
        dry_run: whether only to build beside and compare.

    Raises:
        HeadraceError: as `subject_of`, the source and `Rebuilder.run`.
    """
    clock = SystemClock()
    subject = subject_of(settings, contract)
    if not dry_run:
        mend_checkpoints(subject.store, contract)
        prove_conflicts(subject.store)
    with _opened(settings, contract, subject, clock, name=source) as events:
        return Rebuilder(subject, events, clock, Event().wait, progress).run(dry_run=dry_run)
