"""What the demo runs on: a broker, a fresh lake, and processes that are started, killed and frozen."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from headrace.connection import KafkaSettings
from headrace.errors import HeadraceError
from headrace.kafka.admin import TopicAdmin
from headrace.kafka.client import client_properties
from headrace.kafka.embedded import EmbeddedBroker
from headrace.testing.kafka_server import KafkaServer

BrokerKind = Literal["embedded", "kafka", "external"]

_PARTITIONS = 4


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


@dataclass
class Actor:
    """A process of the demo, with its log in a file."""

    name: str
    arguments: Sequence[str]
    stage: Stage
    environment: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """Where it writes."""
        return self.stage.root / "logs" / f"{self.name}.log"

    def start(self) -> None:
        """Starts it, or starts it again after it ended."""
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "headrace_cli.main", *self.arguments],
                env=os.environ | _environment(self.stage) | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )

    def send(self, number: signal.Signals) -> None:
        """Sends a signal."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def exit_code(self) -> int | None:
        """Its exit code once it has ended."""
        return None if self._process is None else self._process.poll()

    def logged(self, *events: str) -> list[str]:
        """Its log lines, JSON, that report one of `events`."""
        return [line for line in self.log.read_text(errors="replace").splitlines() if _event(line) in events]

    def wait(self, seconds: float) -> int:
        """Waits for its end.

        Raises:
            HeadraceError: it did not end in time.
        """
        if self._process is None:
            return 0
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            msg = f"{self.name} did not stop within {seconds:g} s; its log is {self.log}"
            raise HeadraceError(msg) from None

    def kill(self) -> None:
        """Ends it without asking."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def _event(line: str) -> str | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry.get("event") if isinstance(entry, dict) else None


def _environment(stage: Stage) -> dict[str, str]:
    """The settings that a user would set by hand to run the same commands against this stage."""
    kafka = stage.kafka.model_dump(exclude_none=True, exclude_defaults=True)
    environment = {f"HEADRACE_KAFKA__{name.upper()}": str(value) for name, value in kafka.items() if name != "client"}
    password = stage.kafka.sasl_password
    if password is not None:
        environment["HEADRACE_KAFKA__SASL_PASSWORD"] = password.get_secret_value()
    return environment | {"HEADRACE_LAKE__ROOT": str(stage.lake), "HEADRACE_LOG_FORMAT": "json"}
