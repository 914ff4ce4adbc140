"""Looks at tables."""

from collections.abc import Collection, Iterable, Mapping

from headrace.contracts import Contract
from headrace.errors import HeadraceError
from headrace.lake.checkpoint import LogTail, broken_checkpoint, log_tail, mend_checkpoint
from headrace.lake.listing import delta_tables, headrace_tables, lost_half
from headrace.lake.log import DeltaLog
from headrace.lake.quarantine import quarantine_name
from headrace.lake.store import Store
from headrace.lake.tables import PARTITIONS, TableSpec, check_table, exists
from headrace.offsets import OffsetRange, SourceId
from headrace.settings import Settings
from headrace_cli.doctor.checks.table import CheckpointFacts, TableFacts
from headrace_cli.doctor.checks.topic import TopicFacts
from headrace_ingest.startup import table_specs
from headrace_ingest.wiring import group_name

_NOTHING = LogTail(0, ())


def tables_of(store: Store, contracts: Collection[str]) -> tuple[str, ...]:
    """Tables of the lake that Headrace made or that have a contract, sorted; those of other tools are left out.

    Args:
        store: the lake.
        contracts: names of tables that have one.

    Raises:
        StoreError, AccessDeniedError: the store cannot be read.
    """
    return tuple(sorted({*headrace_tables(store), *(name for name in delta_tables(store) if name in contracts)}))


class LakeFacts:
    """Facts of tables.

    Args:
        settings: of the process.
        store: the lake.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store

    def checkpoints(self, table: str, *, repair: bool) -> CheckpointFacts:
        """Facts of the newest checkpoints of a table and its quarantine; with `repair` torn ones are removed.

        Raises:
            WrongTableError: one is torn, and commits before it are gone.
            StoreError, AccessDeniedError: the log cannot be read or changed.
        """
        local = self._store.local
        if local is not None and not local.is_dir():
            return CheckpointFacts((), ())
        # A file in place of a table is told where the table is opened.
        names = [n for n in (table, quarantine_name(table)) if local is None or not (local / n).is_file()]
        look = mend_checkpoint if repair else broken_checkpoint
        found = [path for name in names if (path := look(self._store, name)) is not None]
        return CheckpointFacts((), found) if repair else CheckpointFacts(found, ())

    def group_name(self, table: str) -> str | None:
        """The consumer group that workers of a table are in; None if it is named by a table that is not there yet.

        Raises:
            StoreError, AccessDeniedError: the table that names it cannot be read.
        """
        if self._settings.kafka.group_id is not None:
            return self._settings.kafka.group_id
        try:
            return group_name(table, DeltaLog(self._store, table).id)
        except FileNotFoundError:
            return None

    def table(
        self,
        table: str,
        contract: Contract | None,
        *,
        topic: TopicFacts | None,
        available: Mapping[int, OffsetRange],
    ) -> TableFacts:
        """Facts of a table and its quarantine.

        Args:
            table: its name.
            contract: of that name, if there is one.
            topic: of the contract, if the cluster told of it.
            available: what the broker has of each partition; empty if that is not known.

        Raises:
            WrongTableError: a file lies there.
            StoreError, AccessDeniedError: it cannot be read.
        """
        store = self._store
        lost = lost_half(store, table)
        if not exists(store, table):
            return TableFacts(None, contract, {}, None, False, lost, 0, {}, {}, _NOTHING)
        log = DeltaLog(store, table)
        compared = contract is not None and topic is not None
        mismatch, positions = None, {}
        if contract is not None and topic is not None:
            identity = topic.identity
            source = SourceId(self._settings.pipeline or table, identity.cluster_id, identity.topic_id)
            specs = table_specs(contract, source, identity, self._settings.ingest)
            mismatch = _mismatch(store, specs if lost is None else specs[:1])
            positions = {p: log.txn(source.app_id(p)) for p in available}
        return TableFacts(
            version=log.version,
            contract=contract,
            properties=log.properties,
            mismatch=mismatch,
            compared=compared,
            lost=lost,
            started=int(log.properties.get(PARTITIONS, 0)),
            positions=positions,
            available=available,
            tail=log_tail(store, table),
        )


def _mismatch(store: Store, specs: Iterable[TableSpec]) -> HeadraceError | None:
    try:
        for spec in specs:
            check_table(DeltaLog(store, spec.name), spec)
    except HeadraceError as error:
        return error
    return None
