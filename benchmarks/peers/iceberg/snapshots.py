"""An Iceberg table from outside: progress from its catalog and metadata files, files as pyiceberg lists them."""

import json
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from benchmarks.peers.peer import Commit, DataFile, PeerError


@dataclass(frozen=True)
class _Snapshot:
    id: int
    commit: Commit


class IcebergSnapshots:
    """Of the only table of an SQLite catalog.

    Args:
        catalog: the database file.
        lister: prints every data file and its snapshot, as `catalog.py list` does.
    """

    def __init__(self, catalog: Path, lister: list[str]) -> None:
        self._catalog = catalog
        self._lister = lister
        self._current = ""
        self._seen: dict[str, _Snapshot | None] = {}

    def commits(self) -> list[Commit]:
        """Those with rows."""
        return [snapshot.commit for snapshot in self._snapshots()]

    def files(self) -> list[DataFile]:
        """Those of the current snapshot."""
        visible = {snapshot.id: snapshot.commit.at for snapshot in self._snapshots()}
        done = subprocess.run(self._lister, check=False, capture_output=True, text=True)
        if done.returncode:
            msg = f"pyiceberg could not list the files: {done.stderr[-1500:]}"
            raise PeerError(msg)
        return [DataFile(_path(each["path"]), visible[each["snapshot"]]) for each in json.loads(done.stdout)]

    def _snapshots(self) -> list[_Snapshot]:
        # A metadata file counts once the catalog points at it or at one that came after it: failed commits leave files.
        current = self._pointer()
        if current != self._current:
            metadata = json.loads(Path(_path(current)).read_text())
            for location in [*(each["metadata-file"] for each in metadata.get("metadata-log", [])), current]:
                if location not in self._seen:
                    self._seen[location] = _newest(Path(_path(location)))
            self._current = current
        return [snapshot for snapshot in self._seen.values() if snapshot is not None]

    def _pointer(self) -> str:
        with closing(sqlite3.connect(f"file:{self._catalog}?mode=ro", uri=True, timeout=30)) as database:
            return str(database.execute("SELECT metadata_location FROM iceberg_tables").fetchone()[0])


def _newest(file: Path) -> _Snapshot | None:
    metadata: dict[str, Any] = json.loads(file.read_text())
    current = metadata.get("current-snapshot-id")
    for snapshot in metadata.get("snapshots", []):
        rows = int(snapshot["summary"].get("added-records", 0))
        if snapshot["snapshot-id"] == current and rows:
            return _Snapshot(current, Commit(file.stat().st_mtime, rows))
    return None


def _path(location: str) -> str:
    return urlparse(location).path
