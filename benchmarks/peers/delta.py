"""A Delta table from outside: progress from its log, files as deltalake lists them."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from deltalake import DeltaTable

from benchmarks.peers.peer import Commit, DataFile


class DeltaLog:
    """Of the table in `folder`, which need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read = 0
        self._commits: list[Commit] = []
        self._added: dict[str, float] = {}

    def commits(self) -> list[Commit]:
        """Those with rows."""
        while (file := self._folder / "_delta_log" / f"{self._read:020d}.json").exists():
            at = file.stat().st_mtime
            adds = [action["add"] for line in file.read_text().splitlines() if "add" in (action := json.loads(line))]
            rows = sum(_rows(add) for add in adds)
            self._added.update({unquote(add["path"]): at for add in adds})
            if rows:
                self._commits.append(Commit(at, rows))
            self._read += 1
        return list(self._commits)

    def files(self) -> list[DataFile]:
        """Those of the newest version."""
        self.commits()
        if not self._read:
            return []
        paths = [Path(urlparse(uri).path) for uri in DeltaTable(self._folder).file_uris()]
        return [DataFile(str(path), self._added[str(path.relative_to(self._folder))]) for path in paths]


def _rows(add: dict[str, Any]) -> int:
    return int(json.loads(add["stats"])["numRecords"])
