"""One Spark for many tests: it takes ten seconds to start."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.peers.spark.peer import JARS, JVM
from headrace.testing.jars import CONSOLE_LOG4J, java
from headrace.testing.waiting import wait_until

_SOURCE = Path(__file__).with_name("Session.java")
_SECONDS = 300.0
"""For one statement, and for the start, on a machine that has other things to do."""


class ForeignError(Exception):
    """Spark refused a statement, or failed at it."""


class Spark:
    """A session that is told what to do, one statement after another."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._asked = 1

    def run(self, sql: str) -> None:
        """Runs a statement.

        Raises:
            ForeignError: it failed.
        """
        self._ask("run", sql)

    def rows(self, sql: str) -> pa.Table:
        """What a query gives.

        Raises:
            ForeignError: it failed.
        """
        saved = self._folder / f"rows-{self._asked}"
        self._ask("save", str(saved), sql)
        return pa.concat_tables([pq.read_table(path) for path in sorted(saved.glob("*.parquet"))])

    def checkpoint(self, table: Path) -> None:
        """Writes a checkpoint of the newest version."""
        self._ask("checkpoint", str(table))

    def await_start(self) -> None:
        """Returns when it takes statements."""
        self._answer()

    def _ask(self, *request: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\t".join(" ".join(part.split()) for part in request) + "\n")
        self._process.stdin.flush()
        self._asked += 1
        self._answer()

    def _answer(self) -> None:
        wait_until(lambda: self._ended() or len(self._answers()) >= self._asked, "Spark answers", seconds=_SECONDS)
        assert len(self._answers()) >= self._asked, f"Spark ended: see {self._folder}/output"
        kind, _, why = self._answers()[self._asked - 1].partition("\t")
        if kind != "done":
            raise ForeignError(why)

    def _ended(self) -> bool:
        return self._process.poll() is not None

    def _answers(self) -> list[str]:
        file = self._folder / "answers"
        return file.read_text().split("\n")[:-1] if file.exists() else []


@contextmanager
def started(folder: Path) -> Iterator[Spark]:
    """A session; `folder` is for what it writes beside tables."""
    problem = JARS.problem()
    assert problem is None, problem
    log4j = folder / "log4j2.properties"
    log4j.write_text(CONSOLE_LOG4J)
    command = [
        java(), *JVM, f"-Dlog4j2.configurationFile={log4j}", f"-Djava.io.tmpdir={folder}", "-cp", f"{JARS.fetch()}/*",
        str(_SOURCE), str(folder),
    ]  # fmt: skip
    with (
        (folder / "output").open("w") as output,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, text=True, encoding="utf-8"
        ) as process,
    ):
        try:
            spark = Spark(process, folder)
            spark.await_start()
            yield spark
        finally:
            process.kill()
