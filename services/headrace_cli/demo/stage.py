"""What the demo runs on: a broker, a fresh lake, and what its processes are told of them."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from headrace.connection import KafkaSettings
from headrace.kafka.admin import TopicAdmin
from headrace.kafka.client import client_properties
from headrace.kafka.embedded import EmbeddedBroker
from headrace.testing.kafka_server import KafkaServer

BrokerKind = Literal["embedded", "kafka", "external"]

_PARTITIONS = 4
BACKLOG_RECORDS = 8_000
"""How far bots may run ahead: the embedded broker drops what is older than 5 MiB of a partition; an event has 200 to
500 bytes."""


@dataclass(frozen=True)
class Stage:
    """Where the demo plays.

    Attributes:
        broker: which kind of broker.
        kafka: how to reach it.
        root: folder of this run; the tables lie in `root/lake`.
    """

    broker: BrokerKind
    kafka: KafkaSettings
    root: Path

    @property
    def lake(self) -> Path:
        """Root of the tables."""
        return self.root / "lake"

    @property
    def ledger(self) -> Path:
        """Folder of what the broker acknowledged to the bots."""
        return self.root / "ledger"


@contextmanager
def open_stage(given: KafkaSettings, broker: BrokerKind, root: Path, topics: Sequence[str]) -> Iterator[Stage]:
    """Starts the broker, unless it is somebody else's, and makes sure of the topics.

    Raises:
        HeadraceError: the broker cannot be started or reached.
    """
    (root / "logs").mkdir(parents=True)
    with ExitStack() as stack:
        kafka = given
        if broker == "embedded":
            embedded = stack.enter_context(EmbeddedBroker())
            kafka = KafkaSettings(bootstrap_servers=embedded.bootstrap_servers)
            for topic in topics:
                embedded.ensure_topic(topic)
        else:
            if broker == "kafka":
                kafka = KafkaSettings(bootstrap_servers=stack.enter_context(KafkaServer()).bootstrap_servers)
            admin = TopicAdmin(client_properties(kafka))
            for topic in topics:
                admin.create_topic(topic, _PARTITIONS)
        yield Stage(broker, kafka, root)


def worker_environment(stage: Stage) -> dict[str, str]:
    """The settings that a user would set by hand to run the same commands against this stage."""
    kafka = stage.kafka.model_dump(exclude_none=True, exclude_defaults=True)
    environment = {f"HEADRACE_KAFKA__{name.upper()}": str(value) for name, value in kafka.items() if name != "client"}
    password = stage.kafka.sasl_password
    if password is not None:
        environment["HEADRACE_KAFKA__SASL_PASSWORD"] = password.get_secret_value()
    return environment | {"HEADRACE_LAKE__ROOT": str(stage.lake), "HEADRACE_LOG_FORMAT": "json"}


def worker_settings(stage: Stage, table: str) -> dict[str, str]:
    """Further settings of a worker of the demo."""
    # A group that is set may be that of real workers: they would share their partitions with those of the demo.
    return {"HEADRACE_INGEST__FLUSH_SECONDS": "1.0", "HEADRACE_KAFKA__GROUP_ID": f"headrace-{stage.root.name}-{table}"}


def from_here(path: Path) -> Path:
    """`path` as seen from the working folder, if it lies there."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
