"""Our own worker, started as `headrace ingest` starts it."""

import sys
from importlib.metadata import version

from benchmarks.peers.delta import DeltaLog
from benchmarks.peers.peer import Command, Job
from headrace import __version__


class Worker:
    """Exactly once: offsets are part of the table's commits."""

    name = "headrace"
    title = "Headrace"
    keeps_rows = True

    def install(self) -> dict[str, str]:
        return {
            "headrace": __version__,
            **{name: version(name) for name in ("confluent-kafka", "deltalake", "pyarrow")},
        }

    def settings(self) -> dict[str, str]:
        return {"flush_rows and flush_seconds": "the run's"}

    def prepare(self, job: Job) -> None:
        return None

    def command(self, job: Job) -> Command:
        return Command(
            [sys.executable, "-m", "headrace_cli", "ingest", job.topic],
            {
                "HEADRACE_KAFKA__BOOTSTRAP_SERVERS": job.servers,
                "HEADRACE_KAFKA__GROUP_ID": job.name,
                "HEADRACE_LAKE__ROOT": str(job.folder),
                "HEADRACE_LOG_FORMAT": "json",
                "HEADRACE_INGEST__FLUSH_ROWS": str(job.commit_rows),
                "HEADRACE_INGEST__FLUSH_SECONDS": str(job.commit_seconds),
            },
        )

    def table(self, job: Job) -> DeltaLog:
        return DeltaLog(job.folder / job.topic)
