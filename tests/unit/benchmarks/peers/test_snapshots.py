import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.peers.iceberg.snapshots import IcebergSnapshots
from benchmarks.peers.peer import PeerError


class Catalog:
    """An SQLite catalog with one table, written as Iceberg's JDBC catalog and its metadata files are."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "catalog.db"
        self._folder = folder
        self._database = sqlite3.connect(self.file)
        self._database.execute("CREATE TABLE iceberg_tables (metadata_location TEXT)")
        self._committed = [self.write("0", [])]
        self._database.execute("INSERT INTO iceberg_tables VALUES (?)", self._committed)
        self._database.commit()

    def write(self, name: str, rows: list[int]) -> str:
        """A metadata file whose snapshots added so many rows each; nothing points at it yet."""
        snapshots = [{"snapshot-id": n, "summary": {"added-records": str(count)}} for n, count in enumerate(rows)]
        metadata = {
            "snapshots": snapshots,
            "current-snapshot-id": len(rows) - 1,
            "metadata-log": [{"metadata-file": each} for each in (self._committed if rows else [])],
        }
        file = self._folder / f"{name}.metadata.json"
        file.write_text(json.dumps(metadata))
        return f"file://{file}"

    def commit(self, name: str, rows: list[int]) -> None:
        """A metadata file that the catalog points at."""
        location = self.write(name, rows)
        self._committed.append(location)
        self._database.execute("UPDATE iceberg_tables SET metadata_location = ?", [location])
        self._database.commit()

    def close(self) -> None:
        self._database.close()


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with closing(Catalog(tmp_path)) as catalog:
        yield catalog


def test_commits_between_two_looks_are_all_seen(catalog: Catalog) -> None:
    snapshots = IcebergSnapshots(catalog.file, [])
    assert snapshots.commits() == []
    catalog.commit("1", [5])
    catalog.commit("2", [5, 7])
    assert [commit.rows for commit in snapshots.commits()] == [5, 7]


def test_a_commit_that_the_catalog_refused_does_not_count(catalog: Catalog) -> None:
    snapshots = IcebergSnapshots(catalog.file, [])
    catalog.write("1-refused", [99])
    assert snapshots.commits() == []
    catalog.commit("1", [5])
    assert [commit.rows for commit in snapshots.commits()] == [5]


def test_files_carry_the_time_of_their_snapshot(catalog: Catalog) -> None:
    catalog.commit("1", [5])
    listed = json.dumps([{"path": "file:///data/a.parquet", "snapshot": 0}])
    snapshots = IcebergSnapshots(catalog.file, [sys.executable, "-c", f"print({listed!r})"])
    (file,) = snapshots.files()
    assert file.path == "/data/a.parquet"
    assert file.committed_at == snapshots.commits()[0].at


def test_a_lister_that_fails_says_why(catalog: Catalog) -> None:
    snapshots = IcebergSnapshots(catalog.file, [sys.executable, "-c", "raise SystemExit('no such table')"])
    with pytest.raises(PeerError, match="no such table"):
        snapshots.files()
