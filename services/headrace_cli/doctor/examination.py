"""What is looked at, and in which order: the process, the store, the cluster, then table by table.

What rests on something that failed is not looked at, and the report says so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from headrace.contracts import Contract, contract_named
from headrace.errors import HeadraceError
from headrace.lake.store import Store
from headrace.settings import Settings, UnknownVariable
from headrace_cli.doctor.checks.cluster import CLUSTER_CHECKS, GROUP_CHECKS
from headrace_cli.doctor.checks.process import PROCESS_CHECKS, SETTINGS_CHECKS, SettingsFacts
from headrace_cli.doctor.checks.store import STORE_CHECKS
from headrace_cli.doctor.checks.table import CHECKPOINT_CHECKS, TABLE_CHECKS
from headrace_cli.doctor.checks.topic import TOPIC_CHECKS, TopicFacts
from headrace_cli.doctor.gather.kafka import KafkaFacts
from headrace_cli.doctor.gather.process import process_facts
from headrace_cli.doctor.gather.store import store_facts
from headrace_cli.doctor.gather.table import LakeFacts, tables_of
from headrace_cli.doctor.judging import Finding, Question, Status, Subject, examine, worst

CHECKS: tuple[Question, ...] = (
    *SETTINGS_CHECKS,
    *PROCESS_CHECKS,
    *STORE_CHECKS,
    *CLUSTER_CHECKS,
    *TOPIC_CHECKS,
    *CHECKPOINT_CHECKS,
    *TABLE_CHECKS,
    *GROUP_CHECKS,
)
"""Every check, in the order of a report."""

_Facts = TypeVar("_Facts")


@dataclass
class Report:
    """Outcome of an examination.

    Attributes:
        findings: in the order they were made.
        unchecked: subjects that were not looked at, each with the reason.
    """

    findings: list[Finding] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)

    @property
    def status(self) -> Status:
        """The worst of all findings."""
        return worst(self.findings)


class Examination:
    """One run of all checks.

    Args:
        settings: what the process was told.
        contracts: by the name of the table.
        unknown: variables that are no setting.
        repair: remove torn checkpoints.
        told: called with each subject before it is looked at.
    """

    def __init__(
        self,
        settings: Settings,
        contracts: Mapping[str, Contract],
        *,
        unknown: Sequence[UnknownVariable] = (),
        repair: bool = False,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._contracts = contracts
        self._unknown = unknown
        self._repair = repair
        self._told = told
        self._report = Report()
        self._store = Store(settings.lake.root)
        self._lake = LakeFacts(settings, self._store)

    def run(self, tables: Sequence[str]) -> Report:
        """Looks at everything.

        Args:
            tables: names; every table of the lake if there are none.

        Raises:
            ContractError: neither the contracts nor the lake know a table that was named.
        """
        settings, report = self._settings, self._report
        chosen = self._chosen(tables)
        report.findings += examine(Subject("settings", {}), SettingsFacts(settings, self._unknown), SETTINGS_CHECKS)
        report.findings += examine(Subject("process", {}), process_facts(settings), PROCESS_CHECKS)
        self._told("store")
        root = Subject("store", {"root": settings.lake.root})
        report.findings += examine(root, _tried(lambda: store_facts(settings)), STORE_CHECKS)
        self._told("cluster")
        kafka = _tried(lambda: KafkaFacts(settings))
        cluster = kafka if isinstance(kafka, HeadraceError) else kafka.cluster
        report.findings += examine(Subject("cluster", {}), cluster, CLUSTER_CHECKS)
        for table in chosen:
            self._told(table)
            contract = self._contracts.get(table)
            topic = self._topic(table, contract, kafka)
            self._table(table, contract, topic, kafka)
            self._group(table, topic, kafka)
        return report

    def _chosen(self, tables: Sequence[str]) -> tuple[str, ...]:
        """The tables to look at; a lake that cannot be listed is told by the checks of the store."""
        without_contract = [table for table in tables if table not in self._contracts]
        if tables and not without_contract:
            return tuple(tables)
        found = _tried(lambda: tables_of(self._store, self._contracts.keys()))
        if isinstance(found, HeadraceError):
            self._report.unchecked.append(f"which tables there are: {found}")
            found = ()
        for table in without_contract:
            if table not in found:
                contract_named(self._contracts, table)
        if not tables and not found:
            self._report.unchecked.append(
                "tables and topics: there is no table yet; name one, as headrace doctor trades"
            )
        return tuple(tables) or found

    def _topic(self, table: str, contract: Contract | None, kafka: KafkaFacts | HeadraceError) -> TopicFacts | None:
        if contract is None:
            self._report.unchecked.append(f"topic of {table}: no contract names it")
            return None
        if isinstance(kafka, HeadraceError):
            self._report.unchecked.append(f"topic {contract.topic}: the cluster was not reached")
            return None
        found = _tried(lambda: kafka.topic(contract.topic))
        subject = Subject(f"topic {contract.topic}", {"topic": contract.topic})
        self._report.findings += examine(subject, found, TOPIC_CHECKS)
        return None if isinstance(found, HeadraceError) else found

    def _group(self, table: str, topic: TopicFacts | None, kafka: KafkaFacts | HeadraceError) -> None:
        """A group is asked for by its name, which holds the table's id unless settings name another."""
        if table not in self._contracts or isinstance(kafka, HeadraceError):
            return
        name = _tried(lambda: self._lake.group_name(table))
        if name is None or isinstance(name, HeadraceError):
            why = "there is no table yet, and its id is in the name" if name is None else "the table cannot be opened"
            self._report.unchecked.append(f"group of {table}: {why}")
            return
        group = _tried(lambda: kafka.group(name, None if topic is None else topic.identity.partitions))
        if group is not None:
            self._report.findings += examine(Subject(f"group {name}", {}), group, GROUP_CHECKS)

    def _table(
        self, table: str, contract: Contract | None, topic: TopicFacts | None, kafka: KafkaFacts | HeadraceError
    ) -> None:
        subject = Subject(f"table {table}", {"table": table})
        checkpoints = _tried(lambda: self._lake.checkpoints(table, repair=self._repair))
        found = examine(subject, checkpoints, CHECKPOINT_CHECKS)
        self._report.findings += found
        if worst(found) is Status.FAIL:
            self._report.unchecked.append(f"what table {table} holds: it cannot be opened")
            return
        ranges = {} if topic is None or isinstance(kafka, HeadraceError) else kafka.ranges(topic)
        if not ranges:
            self._report.unchecked.append(f"positions of {table}: what the broker has is not known")
        facts = _tried(lambda: self._lake.table(table, contract, topic=topic, available=ranges))
        self._report.findings += examine(subject, facts, TABLE_CHECKS)


def _tried(gather: Callable[[], _Facts]) -> _Facts | HeadraceError:
    try:
        return gather()
    except HeadraceError as error:
        return error
