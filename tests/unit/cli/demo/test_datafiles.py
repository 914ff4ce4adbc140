from pathlib import Path

import pyarrow as pa

from headrace.lake.datafile import write_files
from headrace.testing.numbers import LAYOUT, NumbersTable, number_rows
from headrace_cli.demo.datafiles import DataFiles


def test_a_file_is_uncommitted_until_a_commit_names_it(tmp_path: Path) -> None:
    table = NumbersTable.create(str(tmp_path), {0: 0})
    files = DataFiles(table.store, LAYOUT.table)
    log = table.main()
    assert files.all() == frozenset()
    for version in range(1, 4):
        known = files.all()
        written = write_files(table.store, LAYOUT, pa.Table.from_batches([number_rows(0, range(3))]))
        (new,) = files.all() - known
        assert files.uncommitted(frozenset({new})) == {new}
        assert log.commit(written, {"a": version}, {"batch": str(version)}) == version
        log.checkpoint()
        assert files.uncommitted(frozenset({new})) == frozenset()
    assert len(files.all()) == 3
