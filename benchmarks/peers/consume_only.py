"""What librdkafka can read and throw away: the limit for everything that uses it."""

import sys
import time
from importlib.metadata import version
from pathlib import Path

from confluent_kafka import Consumer, libversion

from benchmarks.peers.peer import Command, Commit, DataFile, Job

# The worker's own settings, so that the difference is the worker's work.
_CLIENT: dict[str, str | int | float | bool] = {
    "auto.offset.reset": "earliest",
    "enable.auto.commit": False,
    "check.crcs": True,
    "isolation.level": "read_committed",
    "fetch.queue.backoff.ms": 5,
    "queued.min.messages": 200_000,
    "fetch.wait.max.ms": 100,
}
_POLL = 10_000


class ConsumeOnly:
    """Writes down how far it has come, and nothing else."""

    name = "consume-only"
    title = "consume only"
    keeps_rows = False

    def install(self) -> dict[str, str]:
        return {"confluent-kafka": version("confluent-kafka"), "librdkafka": libversion()[0]}

    def settings(self) -> dict[str, str]:
        return {name: str(value) for name, value in _CLIENT.items()}

    def prepare(self, job: Job) -> None:
        return None

    def command(self, job: Job) -> Command:
        module = [sys.executable, "-m", "benchmarks.peers.consume_only"]
        root = Path(__file__).parents[2]
        path = ":".join(str(root / folder) for folder in (".", "shared", "services"))
        return Command([*module, job.servers, job.topic, job.name, str(_progress(job))], {"PYTHONPATH": path})

    def table(self, job: Job) -> "Progress":
        return Progress(_progress(job))


class Progress:
    """The file it writes, in place of a table."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def commits(self) -> list[Commit]:
        if not self._file.exists():
            return []
        lines = self._file.read_text().split("\n")[:-1]
        return [Commit(float(at), int(rows)) for at, rows in map(str.split, lines)]

    def files(self) -> list[DataFile]:
        return []


def _progress(job: Job) -> Path:
    return job.folder / "progress"


def main() -> None:
    """Runs until it is stopped."""
    servers, topic, group, progress = sys.argv[1:]
    consumer = Consumer({**_CLIENT, "bootstrap.servers": servers, "group.id": group})
    consumer.subscribe([topic])
    with Path(progress).open("a", buffering=1) as out:
        while True:
            seen = len(consumer.consume(_POLL, 0.1))
            if seen:
                out.write(f"{time.time()} {seen}\n")


if __name__ == "__main__":
    main()
