"""The script everyone writes, in an environment of its own."""

from pathlib import Path

from benchmarks.peers.delta import DeltaLog
from benchmarks.peers.environments import versions_of, virtual_environment
from benchmarks.peers.peer import Command, Job

_REQUIREMENTS = Path(__file__).with_name("requirements.lock")
_PROGRAM = Path(__file__).with_name("ingest.py")


class Script:
    """At least once: offsets go to the group after the write."""

    name = "script"
    title = "poll + pydantic + write_deltalake"
    keeps_rows = True

    def install(self) -> dict[str, str]:
        self._python()
        return versions_of(_REQUIREMENTS, "confluent-kafka", "pydantic", "deltalake", "pyarrow")

    def settings(self) -> dict[str, str]:
        return {"enable.auto.commit": "false, offsets committed after each write", "consume": "10,000 at a time"}

    def prepare(self, job: Job) -> None:
        return None

    def command(self, job: Job) -> Command:
        arguments = [job.servers, job.topic, job.name, str(_table(job)), str(job.commit_rows), str(job.commit_seconds)]
        return Command([self._python(), str(_PROGRAM), *arguments], {"PYTHONPATH": ""})

    def table(self, job: Job) -> DeltaLog:
        return DeltaLog(_table(job))

    def _python(self) -> str:
        return virtual_environment(self.name, _REQUIREMENTS)


def _table(job: Job) -> Path:
    return job.folder / "table"
