from pathlib import Path

import pytest
from deltalake import DeltaTable

from headrace.errors import StoreError, UnsafeStoreError
from headrace.lake import canary
from headrace.lake.canary import prove_conflicts
from headrace.lake.store import Store


def test_local_store_passes_and_nothing_is_left(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    prove_conflicts(store)
    prove_conflicts(store)
    assert list(tmp_path.iterdir()) == []


class _OverwritingStore(Store):
    """What a store does that ignores the condition of a conditional create."""

    def create(self, path: str, data: bytes) -> bool:
        self.put(path, data)
        return True


class _RefusingStore(Store):
    """What a store does that has no conditional create and always says no."""

    def create(self, path: str, data: bytes) -> bool:
        return False


@pytest.mark.parametrize("kind", [_OverwritingStore, _RefusingStore])
def test_store_without_conditional_create_is_refused(tmp_path: Path, kind: type[Store]) -> None:
    with pytest.raises(UnsafeStoreError, match="exactly once cannot be kept on this store"):
        prove_conflicts(kind(str(tmp_path)))
    assert list(tmp_path.iterdir()) == []


def test_library_that_accepts_a_conflicting_commit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = canary._commit

    def refreshing(handle: DeltaTable, version: int) -> None:
        handle.update_incremental()
        commit(handle, version)

    monkeypatch.setattr(canary, "_commit", refreshing)
    with pytest.raises(UnsafeStoreError, match=r"use deltalake 1\.6\.3"):
        prove_conflicts(Store(str(tmp_path)))
    assert list(tmp_path.iterdir()) == []


def test_store_that_vanished_is_no_unsafe_store(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "lake"))
    store.make_root()
    (tmp_path / "lake").rmdir()
    (tmp_path / "lake").write_text("")
    with pytest.raises(StoreError, match=r"creating .*conditional-create failed"):
        prove_conflicts(store)
