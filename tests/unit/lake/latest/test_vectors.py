"""Deletion vectors as they lie on disk; other readers are asked what they read."""

from pathlib import Path

import pytest
from pyroaring import BitMap64

from headrace.errors import StoreError
from headrace.lake.latest.vectors import DeletionVector, read_vector, vector_of, write_vectors
from headrace.lake.store import Store
from headrace.read.proof.store import LocalFiles
from headrace.read.proof.vectors import deleted_rows
from headrace.read.proof.vectors import vector_of as proved_vector_of

ROWS = [BitMap64(), BitMap64([0]), BitMap64(range(0, 200_000, 3)), BitMap64([2**31, 2**40])]


@pytest.mark.parametrize("rows", ROWS, ids=len)
def test_what_is_written_is_read_by_both_readers(tmp_path: Path, rows: BitMap64) -> None:
    store = Store(str(tmp_path))
    others = {"before": BitMap64([7]), "it": rows, "behind": BitMap64([8])}
    found = write_vectors(store, "t", others)["it"]
    assert found.deleted == len(rows)
    assert vector_of(found.action()) == found
    assert read_vector(store, "t", found) == rows
    proved = proved_vector_of(found.action())
    assert proved is not None
    assert deleted_rows(LocalFiles(tmp_path / "t"), proved) == rows


def test_nothing_deleted_is_no_file(tmp_path: Path) -> None:
    assert write_vectors(Store(str(tmp_path)), "t", {}) == {}
    assert list(tmp_path.iterdir()) == []
    assert read_vector(Store(str(tmp_path)), "t", None) == BitMap64()


def test_a_damaged_vector_is_not_believed(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    (found,) = write_vectors(store, "t", {"a": BitMap64([1, 2, 3])}).values()
    path = tmp_path / "t" / found.path
    path.write_bytes(path.read_bytes().replace(b"\x02\x00", b"\x05\x00", 1))
    with pytest.raises(StoreError, match="is damaged"):
        read_vector(store, "t", found)


def test_another_tools_vector_is_refused() -> None:
    with pytest.raises(StoreError, match="another tool"):
        _ = DeletionVector("i", "wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L", None, 40, 6).path
