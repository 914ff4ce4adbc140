from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from benchmarks.peers.delta import DeltaLog


def test_a_table_that_is_not_there_yet_has_nothing(tmp_path: Path) -> None:
    log = DeltaLog(tmp_path / "table")
    assert log.commits() == []
    assert log.files() == []


def test_commits_are_seen_as_they_come(tmp_path: Path) -> None:
    log = DeltaLog(tmp_path)
    write_deltalake(tmp_path, pa.table({"n": [1, 2, 3]}))
    assert [commit.rows for commit in log.commits()] == [3]
    write_deltalake(tmp_path, pa.table({"n": [4]}), mode="append")
    assert [commit.rows for commit in log.commits()] == [3, 1]


def test_files_are_those_of_the_newest_version_with_the_time_of_their_commit(tmp_path: Path) -> None:
    log = DeltaLog(tmp_path)
    write_deltalake(tmp_path, pa.table({"n": [1, 2, 3], "day": ["a b", "a b", "c"]}), partition_by=["day"])
    write_deltalake(tmp_path, pa.table({"n": [4], "day": ["c"]}), mode="append")
    DeltaTable(tmp_path).delete("n = 4")
    files = log.files()
    assert len(files) == 2
    assert all(Path(file.path).is_file() for file in files)
    assert {file.committed_at for file in files} == {log.commits()[0].at}
