from pathlib import Path

import pytest

from headrace.errors import ConfigError, StoreError, WrongTableError
from headrace.lake.store import Store
from headrace.testing.disk import file_size_limit, fsync_witness


def made(root: str) -> Store:
    """A store whose root is there."""
    store = Store(root)
    store.make_root()
    return store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return made(str(tmp_path / "lake"))


def test_local_root_is_created_and_its_folders_are_durable(tmp_path: Path) -> None:
    with fsync_witness() as synced:
        store = made(str(tmp_path / "a" / "lake"))
    assert store.local == tmp_path / "a" / "lake"
    assert store.local.is_dir()
    assert set(synced) == {tmp_path / "a", tmp_path}
    with fsync_witness() as synced:
        made(str(tmp_path / "a" / "lake"))
    assert synced == []


def test_root_may_be_a_file_uri(tmp_path: Path) -> None:
    root = tmp_path / "a lake"
    assert Store(root.as_uri()).local == root
    assert Store(root.as_uri()).uri("t") == f"{root}/t"


def test_relative_root_stays_where_it_was_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = made("lake")
    monkeypatch.chdir("/")
    store.put("x", b"1")
    assert (tmp_path / "lake" / "x").read_bytes() == b"1"


def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Store("~/lake").local == tmp_path / "lake"


@pytest.mark.parametrize("below", ["", "/lake"])
def test_root_on_a_file_is_refused(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WrongTableError, match="lies on a file: name a folder"):
        made(str(tmp_path / "file") + below)


def test_root_that_cannot_be_created_is_a_failure_of_the_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="creating the lake root"):
        made(str(tmp_path / ("x" * 300)))


def test_unknown_kind_of_root_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigError, match="the root of the lake, gopher://x, cannot be opened"):
        Store("gopher://x").put("t/x", b"x")


def test_root_elsewhere_has_no_local_folder() -> None:
    store = Store("memory:///")
    store.put("a/x", b"1")
    assert (store.local, store.read("a/x"), store.create("a/x", b"2")) == (None, b"1", False)


def test_what_is_put_can_be_read_and_replaced(store: Store) -> None:
    store.put("t/x", b"one")
    store.put("t/x", memoryview(b"two"))
    assert store.read("t/x") == b"two"


def test_put_is_durable_with_all_folders_that_it_made(store: Store) -> None:
    root = Path(store.root)
    with fsync_witness() as synced:
        store.put("t/date=2026-01-01/x", b"1")
    assert synced[:2] == [root / "t/date=2026-01-01/x", root / "t/date=2026-01-01"]
    assert set(synced[2:]) == {root / "t", root}
    with fsync_witness() as synced:
        store.put("t/date=2026-01-01/y", b"1")
    assert synced == [root / "t/date=2026-01-01/y", root / "t/date=2026-01-01"]


def test_file_is_fsynced_before_the_folder_that_names_it(store: Store) -> None:
    with fsync_witness() as synced:
        store.put("x", b"1")
    assert synced == [Path(store.root) / "x", Path(store.root)]


def test_what_replaces_is_durable_before_it_takes_the_place(store: Store) -> None:
    store.put("t/x", b"1")
    with fsync_witness() as synced:
        store.replace("t/x", b"2")
    root = Path(store.root)
    assert synced == [root / "t/x.new", root / "t", root / "t/x", root / "t"]
    assert (store.read("t/x"), store.size("t/x.new")) == (b"2", None)


def test_create_succeeds_once(store: Store) -> None:
    assert store.create("t/x", b"first")
    assert not store.create("t/x", b"second")
    assert store.read("t/x") == b"first"


def test_loser_of_a_create_makes_the_winner_durable(store: Store) -> None:
    store.create("t/x", b"first")
    with fsync_witness() as synced:
        assert not Store(store.root).create("t/x", b"second")
    assert Path(store.root) / "t/x" in synced


def test_missing_file_is_told_from_an_unreadable_one(store: Store) -> None:
    with pytest.raises(FileNotFoundError):
        store.read("t/x")
    store.put("file", b"")
    with pytest.raises(StoreError, match=r"reading .*file/x failed"):
        store.read("file/x")


def test_file_in_place_of_a_folder_is_a_failure_of_the_store(store: Store) -> None:
    store.put("t", b"")
    with pytest.raises(StoreError, match=r"writing .*t/x failed"):
        store.put("t/x", b"")
    with pytest.raises(StoreError, match=r"creating .*t/x failed"):
        store.create("t/x", b"")


def test_failed_write_leaves_what_was_there(store: Store) -> None:
    store.put("x", b"before")
    with file_size_limit(1_000), pytest.raises(StoreError, match="os error 27"):
        store.put("x", b"y" * 2_000)
    assert store.read("x") == b"before"
    with file_size_limit(1_000), pytest.raises(StoreError, match="os error 27"):
        store.create("new", b"y" * 2_000)
    assert store.sizes("") == {"x": 6}


def test_sizes_lists_everything_below_a_folder_and_nothing_beside_it(store: Store) -> None:
    store.put("t/x", b"1")
    store.put("t/d/y", b"22")
    store.put("t2/z", b"333")
    assert store.sizes("t") == store.sizes("t/") == {"x": 1, "d/y": 2}
    assert store.sizes("nowhere") == {}


def test_delete_removes_what_is_there_and_nothing_else(store: Store) -> None:
    store.put("t/x", b"1")
    store.delete("t/x")
    store.delete("t/x")
    assert store.sizes("t") == {}


def test_folder_cannot_be_deleted_as_if_it_were_an_object(store: Store) -> None:
    store.put("t/x", b"1")
    with pytest.raises(StoreError, match="deleting"):
        store.delete("t")
    assert store.read("t/x") == b"1"
