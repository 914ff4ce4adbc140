"""Spark Structured Streaming into Delta Lake, all in one local JVM."""

from pathlib import Path

from benchmarks.peers.delta import DeltaLog
from benchmarks.peers.environments import compiled, fetched
from benchmarks.peers.peer import Command, Job
from headrace.testing.jars import CONSOLE_LOG4J, JarSet, java

SPARK, DELTA, _SCALA = "4.0.0", "4.0.0", "2.13"
"""Versions."""
JARS = JarSet(
    f"peers/spark/jars-{SPARK}-{DELTA}",
    (
        f"org.apache.spark:spark-sql_{_SCALA}:{SPARK}",
        f"org.apache.spark:spark-sql-kafka-0-10_{_SCALA}:{SPARK}",
        f"io.delta:delta-spark_{_SCALA}:{DELTA}",
    ),
)
_SOURCE = Path(__file__).with_name("Ingest.java")

# What spark-submit gives a driver on Java 17, and its default heap.
_OPENED = (
    "java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio", "java.util",
    "java.util.concurrent", "java.util.concurrent.atomic", "sun.nio.ch", "sun.nio.cs", "sun.security.action",
    "sun.util.calendar",
)  # fmt: skip
JVM = [
    "-Xmx1g",
    "-XX:+IgnoreUnrecognizedVMOptions",
    "-Djdk.reflect.useDirectMethodHandle=false",
    "-Dio.netty.tryReflectionSetAccessible=true",
    *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED),
]


class Spark:
    """Exactly once: micro-batches are planned in a checkpoint and carry their number into the table."""

    name = "spark"
    title = "Spark Structured Streaming"
    keeps_rows = True

    def install(self) -> dict[str, str]:
        compiled(self.name, _SOURCE, fetched(JARS))
        return {"spark": SPARK, "delta-spark": DELTA}

    def settings(self) -> dict[str, str]:
        return {
            "master": "local[*]",
            "heap": "1g (spark.driver.memory by default)",
            "maxOffsetsPerTrigger": "the run's rows per commit",
            "trigger": "as soon as possible on a backlog, else the run's seconds per commit",
        }

    def prepare(self, job: Job) -> None:
        (job.folder / "log4j2.properties").write_text(CONSOLE_LOG4J)

    def command(self, job: Job) -> Command:
        classes = compiled(self.name, _SOURCE, fetched(JARS))
        milliseconds = "0" if job.backlog else str(round(job.commit_seconds * 1000))
        return Command(
            [
                java(), *JVM, f"-Dlog4j2.configurationFile={job.folder}/log4j2.properties",
                f"-Djava.io.tmpdir={job.folder}", "-cp", f"{classes}:{JARS.folder}/*", "Ingest",
                job.servers, job.topic, str(job.folder), str(job.commit_rows), milliseconds,
            ]
        )  # fmt: skip

    def table(self, job: Job) -> DeltaLog:
        return DeltaLog(job.folder / "table")
