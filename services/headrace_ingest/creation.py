"""Makes the tables of contracts before a worker does: the same tables, by the same code."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from headrace.contracts import Contract
from headrace.errors import HeadraceError
from headrace.kafka.client import client_properties
from headrace.kafka.topics import TopicClient
from headrace.lake.log import DeltaLog
from headrace.lake.store import Store
from headrace.lake.tables import exists
from headrace.offsets import SourceId
from headrace.settings import Settings
from headrace_ingest.startup import prepare_tables


@dataclass(frozen=True, slots=True)
class CreatedTable:
    """What came of one contract.

    Attributes:
        table: its name.
        topic: that fills it.
        created: whether it was made now; not if it was there, or could not be made.
        version: the newest; None if there is no such table.
        problem: why it could not be made, or is not the contract's.
        exit_code: of that failure; 0 without one.
    """

    table: str
    topic: str
    created: bool = False
    version: int | None = None
    problem: str | None = None
    exit_code: int = 0


def create_tables(settings: Settings, contracts: Sequence[Contract]) -> Iterator[CreatedTable]:
    """Makes the table and the quarantine of each contract where they are missing, and checks them where they are there.

    Their topics have to exist: a table begins at positions of its topic. One that cannot be made hides no other.

    Raises:
        ConfigError: no broker can be asked for any of them.
    """
    client_properties(settings.kafka)
    store = Store(settings.lake.root)
    for contract in contracts:
        try:
            yield _create(settings, store, contract)
        except HeadraceError as error:
            yield CreatedTable(contract.name, contract.topic, problem=str(error), exit_code=error.exit_code)


def _create(settings: Settings, store: Store, contract: Contract) -> CreatedTable:
    there = exists(store, contract.name)
    with closing(TopicClient(settings.kafka, contract.topic)) as topic:
        identity = topic.identity()
        source = SourceId(settings.pipeline or contract.name, identity.cluster_id, identity.topic_id)
        prepare_tables(store, contract, source, topic, settings.ingest)
    return CreatedTable(contract.name, contract.topic, not there, DeltaLog(store, contract.name).version)
