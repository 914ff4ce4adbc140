from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable

from headrace.clock import SystemClock
from headrace.errors import StoreError, UnsafeStoreError
from headrace.lake import canary
from headrace.lake.canary import clock_difference, measure_store, prove_conflicts
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


def test_measuring_a_store_leaves_nothing_and_finds_its_clock_right(tmp_path: Path) -> None:
    measure = measure_store(Store(str(tmp_path)), SystemClock())
    assert measure.write_seconds > 0
    assert measure.clock_seconds == 0
    assert list(tmp_path.iterdir()) == []


class _LateStore(Store):
    """A store whose clock is an hour behind."""

    def modified(self, path: str) -> datetime:
        return super().modified(path) - timedelta(hours=1)


def test_a_store_with_a_clock_of_its_own_is_found_out(tmp_path: Path) -> None:
    assert measure_store(_LateStore(str(tmp_path)), SystemClock()).clock_seconds == pytest.approx(-3600, abs=5)


@pytest.mark.parametrize(
    ("stamped", "ahead"), [(-2.0, -2.0), (-0.9, 0.0), (0.0, 0.0), (5.0, 0.0), (5.9, 0.0), (7.0, 2.0)]
)
def test_only_what_lies_outside_of_the_writing_is_a_difference(stamped: float, ahead: float) -> None:
    before = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
    seen = before + timedelta(seconds=stamped)
    assert clock_difference(before, before + timedelta(seconds=5), seen) == ahead
