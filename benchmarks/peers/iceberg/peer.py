"""The Iceberg sink on Kafka Connect, standalone, in one JVM."""

import json
import socket
import subprocess
from pathlib import Path

from benchmarks.peers.environments import fetched, versions_of, virtual_environment
from benchmarks.peers.iceberg.snapshots import IcebergSnapshots
from benchmarks.peers.peer import OFFSET, PARTITION, STAMP, Command, Job, PeerError
from headrace.kafka.admin import TopicAdmin
from headrace.testing.jars import CONSOLE_LOG4J, JarSet, java

_CONNECT, _ICEBERG, _HADOOP = "4.1.1", "1.10.1", "3.4.2"
_JARS = JarSet(
    f"peers/iceberg/jars-{_CONNECT}-{_ICEBERG}",
    (
        f"org.apache.kafka:connect-runtime:{_CONNECT}",
        f"org.apache.kafka:connect-json:{_CONNECT}",
        f"org.apache.kafka:connect-transforms:{_CONNECT}",
        f"org.apache.iceberg:iceberg-kafka-connect:{_ICEBERG}",
        f"org.apache.iceberg:iceberg-parquet:{_ICEBERG}",
        f"org.apache.iceberg:iceberg-orc:{_ICEBERG}",
        f"org.apache.hadoop:hadoop-client-api:{_HADOOP}",
        f"org.apache.hadoop:hadoop-client-runtime:{_HADOOP}",
        "org.xerial:sqlite-jdbc:3.50.3.0",
        "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3",  # Connect logs through it and does not bring it
    ),
)
_REQUIREMENTS = Path(__file__).with_name("requirements.lock")
_CATALOG = Path(__file__).with_name("catalog.py")
# The heap that Kafka's own scripts give to Connect.
_JVM = ["-Xms256m", "-Xmx2g", "-XX:+UseG1GC", "-Djava.awt.headless=true"]
_TUNED = {
    "tasks.max": "2",
    "consumer.override.max.poll.records": "10000",
    "consumer.override.fetch.min.bytes": "100000",
}


class Iceberg:
    """Exactly once: a coordinator commits files and offsets that its tasks report through a control topic."""

    name = "iceberg"
    title = "Iceberg sink on Kafka Connect"
    keeps_rows = True

    def install(self) -> dict[str, str]:
        fetched(_JARS)
        self._python()
        return {"kafka-connect": _CONNECT, "iceberg-kafka-connect": _ICEBERG, **versions_of(_REQUIREMENTS, "pyiceberg")}

    def settings(self) -> dict[str, str]:
        return {
            "heap": "2g (Kafka's script by default)",
            **_TUNED,
            "iceberg.control.commit.interval-ms": "the run's seconds per commit (default 300000)",
            "offset.flush.interval.ms": "the same (default 60000)",
            "catalog": "JDBC on SQLite",
        }

    def prepare(self, job: Job) -> None:
        TopicAdmin({"bootstrap.servers": job.servers, "log_level": 0}).create_topic(f"control-{job.name}", 1)
        done = subprocess.run([*self._catalog("create", job)], check=False, capture_output=True, text=True)
        if done.returncode:
            msg = f"pyiceberg could not make the table: {done.stderr[-1500:]}"
            raise PeerError(msg)
        (job.folder / "log4j2.properties").write_text(CONSOLE_LOG4J)
        _write(job.folder / "worker.properties", _worker(job))
        (job.folder / "sink.json").write_text(json.dumps(_sink(job)))

    def command(self, job: Job) -> Command:
        return Command(
            [
                java(), *_JVM, f"-Dlog4j2.configurationFile={job.folder}/log4j2.properties",
                f"-Djava.io.tmpdir={job.folder}", "-cp", f"{_JARS.folder}/*",
                "org.apache.kafka.connect.cli.ConnectStandalone",
                f"{job.folder}/worker.properties", f"{job.folder}/sink.json",
            ]
        )  # fmt: skip

    def table(self, job: Job) -> IcebergSnapshots:
        return IcebergSnapshots(job.folder / "catalog.db", self._catalog("list", job))

    def _catalog(self, action: str, job: Job) -> list[str]:
        return [self._python(), str(_CATALOG), action, str(job.folder)]

    def _python(self) -> str:
        return virtual_environment(self.name, _REQUIREMENTS)


def _worker(job: Job) -> dict[str, str]:
    return {
        "bootstrap.servers": job.servers,
        "listeners": f"http://127.0.0.1:{_free_port()}",
        "plugin.discovery": "service_load",
        # A task without new records hears of commits no more often than this (a minute by default).
        "offset.flush.interval.ms": str(round(job.commit_seconds * 1000)),
        "offset.storage.file.filename": f"{job.folder}/connect.offsets",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
    }


def _sink(job: Job) -> dict[str, object]:
    places = "org.apache.kafka.connect.transforms.InsertField$Value"
    return {
        "name": job.name,
        "config": {
            "connector.class": "org.apache.iceberg.connect.IcebergSinkConnector",
            "topics": job.topic,
            "consumer.override.auto.offset.reset": "earliest",
            **_TUNED,
            "transforms": "places",
            "transforms.places.type": places,
            "transforms.places.partition.field": PARTITION,
            "transforms.places.offset.field": OFFSET,
            "transforms.places.timestamp.field": STAMP,
            "iceberg.tables": "market.trades",
            "iceberg.control.topic": f"control-{job.name}",
            "iceberg.control.commit.interval-ms": str(round(job.commit_seconds * 1000)),
            "iceberg.catalog": "iceberg",
            "iceberg.catalog.catalog-impl": "org.apache.iceberg.jdbc.JdbcCatalog",
            # Else readers block the coordinator's commits, and it gives up on them.
            "iceberg.catalog.uri": f"jdbc:sqlite:{job.folder}/catalog.db?journal_mode=WAL&busy_timeout=60000",
            "iceberg.catalog.warehouse": f"file://{job.folder}/warehouse",
            "iceberg.catalog.io-impl": "org.apache.iceberg.hadoop.HadoopFileIO",
        },
    }


def _write(file: Path, properties: dict[str, str]) -> None:
    file.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])
