"""Which tables are verified, against what, and from where on."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from headrace.connection import KafkaSettings
from headrace.contracts import load_contracts
from headrace.lake.listing import chosen_tables, headrace_tables
from headrace.lake.store import Store
from headrace.read.proof.broker import Broker
from headrace.read.proof.canonical import ValueCodec
from headrace.read.proof.findings import Level
from headrace.read.proof.given import Base
from headrace.read.proof.identity import TableIdentity
from headrace.read.proof.ledger import Ledger
from headrace.read.proof.report import TableReport
from headrace.read.proof.store import local_root
from headrace.read.proof.truth import Progress
from headrace.read.proof.verify import OpenTruth, Verifier, no_progress
from headrace.settings import Settings
from headrace_cli.verify_state import PassedVersions


@dataclass(frozen=True, slots=True)
class ProofOptions:
    """What a proof is to cover.

    Attributes:
        from_log: compare with nothing, even if a cluster is configured.
        ledger: compare with this ledger instead of the topic.
        since: version of the one table after which to begin.
        passed: where versions that passed are noted; each table begins after its own.
    """

    from_log: bool = False
    ledger: Path | None = None
    since: int | None = None
    passed: PassedVersions | None = None


def verify_tables(
    settings: Settings,
    tables: Sequence[str] = (),
    options: ProofOptions = ProofOptions(),  # frozen
    *,
    progress: Progress = no_progress,
) -> tuple[TableReport, ...]:
    """Verifies tables of the lake.

    Args:
        settings: name root, contracts and cluster.
        tables: names; every table of the lake if there are none.
        options: against what, and from where on.
        progress: told how far it is.

    Raises:
        ConfigError: there is no such table or version, or the lake is not on a local file system.
        WrongTableError: a file lies where a table should be.
    """
    root = local_root(settings.lake.root)
    chosen = _chosen(Store(settings.lake.root), tables, options.passed)
    contracts = load_contracts(settings.contracts)
    open_truth = None if options.from_log else _truth(settings.kafka, options.ledger)
    verifier = Verifier(root, contracts, open_truth, progress)
    levels = {Level.LOG, Level.FILES}
    if open_truth is not None:
        levels.add(Level.BROKER if options.ledger is None else Level.LEDGER)
    return tuple(verifier.verify(name, _base(name, options, levels)) for name in chosen)


def _chosen(store: Store, tables: Sequence[str], passed: PassedVersions | None) -> Sequence[str]:
    """What was named, or else all there is; a table that passed before is not passed over when it is gone."""
    noted = passed.tables if passed else ()
    for name in tables:
        if name not in noted:
            chosen_tables(store, (name,))
    return tables or sorted({*headrace_tables(store), *noted}) or chosen_tables(store)


def _base(table: str, options: ProofOptions, levels: Collection[Level]) -> Base | None:
    if options.since is not None:
        return Base(options.since)
    return options.passed.base(table, levels) if options.passed else None


def _truth(kafka: KafkaSettings, ledger: Path | None) -> OpenTruth | None:
    if ledger is not None:
        return lambda identity, _codec: Ledger(ledger, identity.topic)
    if not kafka.bootstrap_servers:
        return None

    def open_broker(identity: TableIdentity, codec: ValueCodec | None) -> Broker:
        return Broker(kafka, identity, codec.canonical if codec else None)

    return open_broker
