"""A real single-node Apache Kafka (KRaft, one JVM) for tests, demos and benchmarks.

`python -m headrace.testing.kafka_server` starts one, prints its address and runs until SIGTERM or SIGINT.

The broker does not outlive the process that started it, however that process ends.
"""

import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from headrace.clock import Deadline, SystemClock
from headrace.errors import BrokerUnreachableError, ConfigError
from headrace.kafka.admin import TopicAdmin
from headrace.testing.jars import CONSOLE_LOG4J, java
from headrace.testing.kafka_jars import KAFKA_JARS, available
from headrace.testing.watched import WatchedProgram, start_watched

__all__ = ["KafkaServer", "available"]

_HOST = "127.0.0.1"
_BOOT_SECONDS = 120.0
_BOOT_TRIES = 3
_LOG_TAIL_BYTES = 4000
_JVM = ["-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-Djava.awt.headless=true"]
# In the minutes of a test run, compiling for speed takes a third of the broker's processor time and never pays.
_BRIEF = ["-XX:TieredStopAtLevel=1"]

# One node has no second copy to wait for, groups form at once, and what a test provokes happens within a second.
_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT",
    "sasl.enabled.mechanisms": "PLAIN",
    "auto.create.topics.enable": "false",
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    # One that gets no processor for a while is not fenced.
    "broker.session.timeout.ms": "120000",
    "default.replication.factor": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "group.consumer.min.session.timeout.ms": "1000",
    "group.consumer.session.timeout.ms": "6000",
    "group.consumer.min.heartbeat.interval.ms": "200",
    "group.consumer.heartbeat.interval.ms": "500",
    "log.retention.ms": "-1",
    "log.retention.bytes": "-1",
    "log.retention.check.interval.ms": "500",
    "log.initial.task.delay.ms": "500",
    "log.cleaner.backoff.ms": "200",
    "log.cleaner.dedupe.buffer.size": "16777216",
    "log.segment.delete.delay.ms": "500",
    "num.network.threads": "2",
    "num.io.threads": "4",
}


class KafkaServer(WatchedProgram):
    """A broker with a folder and ports of its own; a context manager.

    It has two addresses: one open to all, and one that asks for SASL/PLAIN with `sasl_username` and
    `sasl_password`. Whoever comes in may do everything, except `stranger_username`, who has the same password and
    no rights but those that a test grants.

    Args:
        properties: broker settings by Kafka's names, on top of those fit for tests (`message.max.bytes`).
        fast: whether it is to become as fast as it can, for benchmarks, at the price of a start that costs more.
    """

    sasl_username = "headrace"
    stranger_username = "stranger"

    def __init__(self, properties: Mapping[str, str] | None = None, *, fast: bool = False) -> None:
        super().__init__()
        self._jvm = _JVM if fast else [*_JVM, *_BRIEF]
        self.sasl_password = secrets.token_hex(8)
        self._properties = dict(properties or {})
        self._ports: list[int] = []

    @property
    def bootstrap_servers(self) -> str:
        """`host:port` without authentication."""
        return f"{_HOST}:{self._ports[0]}"

    @property
    def sasl_bootstrap_servers(self) -> str:
        """`host:port` with SASL_PLAINTEXT and PLAIN."""
        return f"{_HOST}:{self._ports[1]}"

    def start(self) -> Self:
        """Starts the broker and returns once it answers; the first time ever it fetches the jars.

        Raises:
            ConfigError: this machine cannot run it; `available()` says so beforehand.
            BrokerUnreachableError: it did not come up; the message ends with its log.
        """
        problem = available()
        if problem:
            raise ConfigError(problem)
        jars = KAFKA_JARS.fetch()
        for tries_left in reversed(range(_BOOT_TRIES)):
            try:
                self._boot(jars)
                break
            except BrokerUnreachableError as error:
                self.stop()
                # Between choosing a free port and binding it another process may take it.
                if not tries_left or "Address already in use" not in str(error):
                    raise
        return self

    def _boot(self, jars: Path) -> None:
        self._ports = _free_ports(3)
        folder = self._new_folder("headrace-kafka-")
        config, log4j, log = folder / "server.properties", folder / "log4j2.properties", folder / "broker.log"
        config.write_text("".join(f"{name}={value}\n" for name, value in self._settings(folder).items()))
        log4j.write_text(CONSOLE_LOG4J)
        command = [java(), *self._jvm, f"-Dlog4j2.configurationFile={log4j}", "-cp", f"{jars}/*"]
        with log.open("wb") as out:
            cluster_id = f"h{secrets.token_urlsafe(16)[1:]}"  # one that begins with a dash would be taken for an option
            tool = ["kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(config)]
            formatted = subprocess.run([*command, *tool], check=False, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
            if formatted.returncode:
                raise _boot_error(log, "its folder could not be formatted")
        self._process = start_watched([*command, "kafka.Kafka", str(config)], folder, log)
        self._wait(log)

    def _wait(self, log: Path) -> None:
        deadline = Deadline.after(_BOOT_SECONDS, SystemClock())
        admin = TopicAdmin(
            # librdkafka backs off up to 10 s by default, longer than the boot takes.
            {"bootstrap.servers": self.bootstrap_servers, "reconnect.backoff.max.ms": 100, "log_level": 0}
        )
        while not admin.is_ready(0.25):
            if not self.running():
                raise _boot_error(log, "it ended while starting")
            if deadline.expired():
                raise _boot_error(log, f"it did not answer within {_BOOT_SECONDS:g} s")

    def _settings(self, folder: Path) -> dict[str, str]:
        plain, sasl, controller = self._ports
        clients = f"PLAINTEXT://{_HOST}:{plain},SASL://{_HOST}:{sasl}"
        login = "org.apache.kafka.common.security.plain.PlainLoginModule required"
        users = " ".join(f'user_{name}="{self.sasl_password}"' for name in (self.sasl_username, self.stranger_username))
        return _SETTINGS | {
            "listeners": f"{clients},CONTROLLER://{_HOST}:{controller}",
            "advertised.listeners": clients,
            "controller.quorum.voters": f"1@{_HOST}:{controller}",
            "listener.name.sasl.plain.sasl.jaas.config": f"{login} {users};",
            "super.users": f"User:ANONYMOUS;User:{self.sasl_username}",
            "log.dirs": str(folder / "data"),
            **self._properties,
        }


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:  # held together, so that they differ
        sockets = [held.enter_context(socket.create_server((_HOST, 0))) for _ in range(count)]
        return [int(s.getsockname()[1]) for s in sockets]


def _boot_error(log: Path, what: str) -> BrokerUnreachableError:
    tail = log.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace")
    return BrokerUnreachableError(f"Apache Kafka could not be started: {what}. Its log ends with:\n{tail}")


def _main() -> int:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with KafkaServer() as server:
        print(server.bootstrap_servers, flush=True)
        while not stop.wait(1.0):
            if not server.running():
                return BrokerUnreachableError.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(_main())
