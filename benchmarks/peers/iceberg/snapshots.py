"""An Iceberg table from outside: progress from its metadata files, files as pyiceberg lists them."""

import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from benchmarks.peers.peer import Commit, DataFile, PeerError


class IcebergSnapshots:
    """Of the table whose metadata files stand in `metadata`.

    Args:
        metadata: the folder.
        lister: prints every data file and its snapshot, as `catalog.py list` does.
    """

    def __init__(self, metadata: Path, lister: list[str]) -> None:
        self._metadata = metadata
        self._lister = lister
        self._seen: dict[str, tuple[int, Commit] | None] = {}

    def commits(self) -> list[Commit]:
        """Those with rows."""
        return [commit for _, commit in self._snapshots()]

    def files(self) -> list[DataFile]:
        """Those of the current snapshot."""
        visible = {snapshot: commit.at for snapshot, commit in self._snapshots()}
        done = subprocess.run(self._lister, check=False, capture_output=True, text=True)
        if done.returncode:
            msg = f"pyiceberg could not list the files: {done.stderr[-1500:]}"
            raise PeerError(msg)
        listed = json.loads(done.stdout)
        return [DataFile(urlparse(each["path"]).path, visible[each["snapshot"]]) for each in listed]

    def _snapshots(self) -> list[tuple[int, Commit]]:
        for file in sorted(self._metadata.glob("*.metadata.json")):
            if file.name not in self._seen:
                try:
                    metadata = json.loads(file.read_text())
                except json.JSONDecodeError:
                    break  # it is being written: there next time
                self._seen[file.name] = _newest(metadata, file.stat().st_mtime)
        return sorted((each for each in self._seen.values() if each is not None), key=lambda each: each[1].at)


def _newest(metadata: dict[str, Any], at: float) -> tuple[int, Commit] | None:
    current = metadata.get("current-snapshot-id")
    for snapshot in metadata.get("snapshots", []):
        rows = int(snapshot["summary"].get("added-records", 0))
        if snapshot["snapshot-id"] == current and rows:
            return current, Commit(at, rows)
    return None
