"""Puts a replay together: the tables as a worker would take them, and the decoder of today's contract."""

from contextlib import ExitStack, closing
from threading import Event

from headrace import __version__
from headrace.clock import Clock, SystemClock
from headrace.contracts import Contract
from headrace.lake.canary import prove_conflicts
from headrace.lake.latest.order import Naming
from headrace.lake.latest.upserter import Upserter
from headrace.lake.layouts import file_layout
from headrace.lake.listing import chosen_tables, refuse_half
from headrace.lake.store import Store
from headrace.lake.tables import source_of
from headrace.sections import MIB
from headrace.settings import Settings
from headrace_ingest.decode import Decoder
from headrace_ingest.replay.latest import Into, LatestReplayer, Tombstones
from headrace_ingest.replay.replayer import Replayer
from headrace_ingest.replay.report import ReplayReport
from headrace_ingest.replay.selection import Selection
from headrace_ingest.startup import check_contract, mend_checkpoints
from headrace_ingest.topic_log import ClusterLog, TopicLog, check_topic
from headrace_ingest.writer import Target


def build_replayer(
    settings: Settings, contract: Contract, *, clock: Clock, dry_run: bool = False, topic: TopicLog | None = None
) -> Replayer:
    """Checks that the tables are the contract's and puts a replay on them.

    Args:
        settings: of the process.
        contract: of the table.
        clock: time.
        dry_run: whether nothing is to be written.
        topic: asked for tombstones, where those delete rows.

    Raises:
        TopicRecreatedError: it is not the one that the table was filled from.
        ConfigError: there is no such table yet.
        UnsafeStoreError: the store or the library does not keep conflicting commits apart.
        WrongTableError: the tables have other columns than the contract, or are not its own, or one of them is gone.
        StoreError, AccessDeniedError: the store cannot be read or written.
    """
    store = Store(settings.lake.root)
    pipeline = settings.pipeline or contract.name
    chosen_tables(store, (contract.name,))
    refuse_half(store, contract.name)
    if not dry_run:
        mend_checkpoints(store, contract)
    found = check_contract(store, contract, pipeline)
    if not dry_run:
        prove_conflicts(store)
    target = Target(
        source=source_of(found),
        layout=file_layout(contract),
        contract=contract.name,
        contract_version=contract.schema_version,
        version=__version__,
        checkpoint_every=settings.ingest.checkpoint_every,
        deadline_seconds=settings.ingest.commit_deadline_seconds,
        event_time=contract.event_time,
    )
    decoder = Decoder(contract, max_record_bytes=settings.ingest.max_record_bytes)
    if contract.table.mode == "append":
        return Replayer(store, target, decoder, clock, Event().wait)
    naming = Naming(contract.table.key, str(contract.event_time))
    upserter = Upserter(store, file_layout(contract), naming, settings.ingest.memory_mib * MIB // 4)
    tombstones = None
    if topic is not None:
        check_topic(topic, target.source, store.uri(contract.name))
        tombstones = Tombstones(topic, contract, decoder, clock)
    return LatestReplayer(store, target, decoder, clock, Event().wait, into=Into(upserter, tombstones))


def run_replay(settings: Settings, contract: Contract, selection: Selection, *, dry_run: bool) -> ReplayReport:
    """Replays what `selection` names of a table's quarantine.

    Raises:
        HeadraceError: as `build_replayer` and `Replayer.run`.
    """
    with ExitStack() as stack:
        topic = None
        if contract.deletes:
            topic = stack.enter_context(closing(ClusterLog(settings.kafka, contract.topic)))
        replayer = build_replayer(settings, contract, clock=SystemClock(), dry_run=dry_run, topic=topic)
        return replayer.run(selection, dry_run=dry_run)
