"""One Kafka for a whole test run: started when first asked for, also by another process of the run."""

import os
import secrets
import threading
from dataclasses import dataclass
from multiprocessing.connection import Client, Listener

from headrace.errors import HeadraceError
from headrace.testing.kafka_server import KafkaServer, available


@dataclass(frozen=True, slots=True)
class KafkaAddress:
    """How to reach the Kafka of the test run; the SASL address is that of a started broker only."""

    bootstrap_servers: str
    is_own: bool
    """Started for this run, and gone after it."""
    sasl_bootstrap_servers: str | None = None
    """The same broker, asking for SASL_PLAINTEXT with PLAIN."""
    sasl_username: str = ""
    sasl_password: str = ""
    stranger_username: str = ""
    """A user of the same password who may do nothing but what a test grants."""


@dataclass(frozen=True, slots=True)
class KafkaMissing:
    """Why there is no Kafka, and whether that fails the tests that need it or skips them."""

    reason: str
    fails: bool


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Where another process asks for the Kafka of the run."""

    host: str
    port: int
    key: str

    def ask(self) -> KafkaAddress | KafkaMissing:
        """Answers once the broker runs."""
        with Client((self.host, self.port), authkey=bytes.fromhex(self.key)) as connection:
            answer = connection.recv()
        if not isinstance(answer, KafkaAddress | KafkaMissing):
            msg = f"unexpected answer {answer!r}"
            raise TypeError(msg)
        return answer


class SharedKafka:
    """The Kafka of a test run; may be asked from any thread, and by other processes once `serve` was called."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answer: KafkaAddress | KafkaMissing | None = None
        self._server: KafkaServer | None = None
        self._inquiry: Inquiry | None = None

    def ask(self) -> KafkaAddress | KafkaMissing:
        """The cluster that HEADRACE_TEST_BOOTSTRAP_SERVERS names, or else one started by the first call."""
        with self._lock:
            if self._answer is None:
                self._answer = self._find()
            return self._answer

    def serve(self) -> Inquiry:
        """Where other processes on this machine may ask; answers on a daemon thread of its own."""
        if self._inquiry is None:
            key = secrets.token_bytes(16)
            listener = Listener(("127.0.0.1", 0), authkey=key)
            threading.Thread(target=self._reply, args=(listener,), name="shared-kafka", daemon=True).start()
            host, port = listener.address
            self._inquiry = Inquiry(str(host), int(port), key.hex())
        return self._inquiry

    def stop(self) -> None:
        """Stops the broker if one was started."""
        with self._lock:
            if self._server is not None:
                self._server.stop()
                self._server = None

    def _reply(self, listener: Listener) -> None:
        while True:
            with listener.accept() as connection:
                connection.send(self.ask())

    def _find(self) -> KafkaAddress | KafkaMissing:
        given = os.environ.get("HEADRACE_TEST_BOOTSTRAP_SERVERS")
        if given:
            return KafkaAddress(given, is_own=False)
        missing = available()
        if missing:
            reason = f"{missing}; or set HEADRACE_TEST_BOOTSTRAP_SERVERS"
            return KafkaMissing(reason, fails=os.environ.get("CI") == "true")
        try:
            self._server = server = KafkaServer().start()
        except HeadraceError as error:
            return KafkaMissing(str(error), fails=True)
        return KafkaAddress(
            server.bootstrap_servers,
            is_own=True,
            sasl_bootstrap_servers=server.sasl_bootstrap_servers,
            sasl_username=server.sasl_username,
            sasl_password=server.sasl_password,
            stranger_username=server.stranger_username,
        )
