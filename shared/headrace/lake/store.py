"""The store tables lie in: bytes under relative paths, durable when a call returns.

On a local disk durable means fsynced, the file and every folder on the way that the call created: deltalake and
obstore never call fsync, and without it an acknowledged commit does not survive power loss. Elsewhere the store's
acknowledgement is what there is.
"""

import errno
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import LocalStore, ObjectStore, from_url

from headrace.errors import ConfigError, WrongTableError
from headrace.lake.failures import said, store_failure
from headrace.settings import local_folder


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object of a listing: its size in bytes, and when it was written by the clock of whoever keeps it."""

    size: int
    modified: datetime


class Store:
    """Everything under one root, a local folder or a URI. Safe to use from several threads.

    Args:
        root: a path, `file://` or another URI that obstore knows.
    """

    def __init__(self, root: str) -> None:
        self.local = local_folder(root)
        self.root = root.rstrip("/") if self.local is None else str(self.local)
        self._synced: set[Path] = set()

    @cached_property
    def _objects(self) -> ObjectStore:
        try:
            return from_url(self.root) if self.local is None else LocalStore(self.local)
        except (BaseError, ValueError) as error:
            msg = f"the root of the lake, {self.root}, cannot be opened: {said(error)}"
            raise ConfigError(msg) from error

    def make_root(self) -> None:
        """Creates the root where it is a local folder; what only reads does not call this.

        Raises:
            WrongTableError: the root is a file.
            StoreError, AccessDeniedError: it cannot be created.
        """
        if self.local is None:
            return
        try:
            missing = [folder for folder in (self.local, *self.local.parents) if not folder.exists()]
            self.local.mkdir(parents=True, exist_ok=True)
            for folder in missing:
                _fsync(folder.parent)
        except (FileExistsError, NotADirectoryError):
            msg = f"the root of the lake, {self.root}, lies on a file: name a folder"
            raise WrongTableError(msg) from None
        except OSError as error:
            raise store_failure(error, f"creating the lake root {self.root}") from error

    def uri(self, path: str) -> str:
        """Where `path` lies, as deltalake takes it."""
        return f"{self.root}/{path}"

    def put(self, path: str, data: bytes | memoryview) -> None:
        """Writes `data`, replacing what is there; readers see all of it or nothing.

        Raises:
            StoreError, AccessDeniedError: it could not be written; nothing is there, or what was there before.
        """
        try:
            obstore.put(self._objects, path, data, use_multipart=False)
            self.sync(path)
        except (BaseError, OSError) as error:
            raise store_failure(error, f"writing {self.uri(path)}") from error

    def replace(self, path: str, data: bytes) -> None:
        """As `put`, of one caller at a time; power loss too leaves what was there before or all of `data`.

        Raises:
            StoreError, AccessDeniedError: it is not known whether it was written.
        """
        if self.local is None:
            self.put(path, data)
            return
        new = f"{path}.new"
        self.put(new, data)
        try:
            (self.local / new).replace(self.local / path)
            self.sync(path)
        except OSError as error:
            raise store_failure(error, f"writing {self.uri(path)}") from error

    def create(self, path: str, data: bytes) -> bool:
        """Writes `data` unless `path` exists; of several callers at once exactly one gets True.

        Raises:
            StoreError, AccessDeniedError: it is not known whether it was written.
        """
        try:
            created = self._put_new(path, data)
            # The other writer's too: who lost goes on from what is there, which may not be durable yet.
            self.sync(path)
        except (BaseError, OSError) as error:
            raise store_failure(error, f"creating {self.uri(path)}") from error
        return created

    def _put_new(self, path: str, data: bytes) -> bool:
        try:
            obstore.put(self._objects, path, data, mode="create", use_multipart=False)
        except AlreadyExistsError:
            return False
        return True

    def sync(self, path: str) -> None:
        """Makes durable what another library wrote at `path`; nothing to do on an object store."""
        if self.local is None:
            return
        target = self.local / path
        _fsync(target)
        _fsync(target.parent)
        for folder in _parents_below(self.local, target.parent):
            if folder not in self._synced:
                _fsync(folder.parent)
                self._synced.add(folder)

    def sync_folder(self, folder: str) -> None:
        """Makes durable which names lie directly in a folder of a local disk.

        Raises:
            OSError: it cannot.
        """
        if self.local is not None:
            _fsync(self.local / folder)

    def check_writable(self, folder: str) -> None:
        """Refuses a folder of a local disk that this process may not write to; a store elsewhere says so when written.

        Raises:
            AccessDeniedError: it may not.
        """
        if self.local is not None and not os.access(self.local / folder, os.W_OK | os.X_OK):
            denied = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            raise store_failure(denied, f"writing to {self.uri(folder)}")

    def read(self, path: str) -> bytes:
        """The bytes at `path`.

        Raises:
            FileNotFoundError: nothing is there.
            StoreError, AccessDeniedError: it cannot be read.
        """
        try:
            return bytes(obstore.get(self._objects, path).bytes())
        except FileNotFoundError:
            raise
        except (BaseError, OSError) as error:
            raise store_failure(error, f"reading {self.uri(path)}") from error

    def open(self, path: str) -> BinaryIO:
        """The object at `path`, to be read here and there; a local file is not read whole, others are.

        Raises:
            FileNotFoundError: nothing is there.
            StoreError, AccessDeniedError: it cannot be read.
        """
        if self.local is None:
            return BytesIO(self.read(path))
        try:
            return (self.local / path).open("rb")
        except FileNotFoundError:
            raise
        except OSError as error:
            raise store_failure(error, f"reading {self.uri(path)}") from error

    def sizes(self, folder: str) -> dict[str, int]:
        """Name to size in bytes of every object below `folder`."""
        return {name: found.size for name, found in self.listing(folder).items()}

    def listing(self, folder: str) -> dict[str, StoredObject]:
        """Every object below `folder` by its name.

        Raises:
            StoreError, AccessDeniedError: it cannot be listed.
        """
        prefix = folder.rstrip("/") + "/"
        listed: Iterator[obstore.ObjectMeta] = (meta for page in obstore.list(self._objects, prefix) for meta in page)
        try:
            return {
                meta["path"].removeprefix(prefix): StoredObject(meta["size"], meta["last_modified"]) for meta in listed
            }
        except (BaseError, OSError) as error:
            raise store_failure(error, f"listing {self.uri(folder)}") from error

    def size(self, path: str) -> int | None:
        """Bytes of what lies at `path`; None if nothing does.

        Raises:
            StoreError, AccessDeniedError: the store does not tell.
        """
        try:
            return obstore.head(self._objects, path)["size"]
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise store_failure(error, f"looking up {self.uri(path)}") from error

    def tagged(self, path: str) -> tuple[bytes, str | None] | None:
        """The bytes at `path` and the tag of that state of it; None if nothing is there.

        Raises:
            StoreError, AccessDeniedError: it cannot be read.
        """
        try:
            found = obstore.get(self._objects, path)
            return bytes(found.bytes()), found.meta["e_tag"]
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise store_failure(error, f"reading {self.uri(path)}") from error

    def swap(self, path: str, data: bytes, tag: str | None) -> bool:
        """Writes `data` if `path` is still in the state of that tag, None for nothing there; for object stores only.

        Raises:
            StoreError, AccessDeniedError: it is not known whether it was written.
        """
        if tag is None:
            return self.create(path, data)
        try:
            obstore.put(self._objects, path, data, mode={"e_tag": tag}, use_multipart=False)
        except (PreconditionError, FileNotFoundError):
            return False
        except (BaseError, OSError) as error:
            raise store_failure(error, f"writing {self.uri(path)}") from error
        return True

    def folders(self, folder: str = "") -> list[str]:
        """Names of the folders that lie directly in `folder`, sorted; none if it does not exist.

        Raises:
            StoreError, AccessDeniedError: it cannot be listed.
        """
        if self.local is not None and not (self.local / folder).is_dir():
            return []
        prefix = f"{folder.rstrip('/')}/" if folder else ""
        try:
            found = obstore.list_with_delimiter(self._objects, prefix or None)["common_prefixes"]
        except (BaseError, OSError) as error:
            raise store_failure(error, f"listing {self.uri(folder)}") from error
        return sorted(name.rstrip("/").removeprefix(prefix) for name in found)

    def modified(self, path: str) -> datetime:
        """When `path` was written, by the clock of whoever keeps it.

        Raises:
            StoreError, AccessDeniedError: it is not there or cannot be read.
        """
        try:
            return obstore.head(self._objects, path)["last_modified"]
        except (BaseError, OSError) as error:
            raise store_failure(error, f"looking up {self.uri(path)}") from error

    def delete(self, path: str) -> None:
        """Removes `path` if it is there."""
        try:
            obstore.delete(self._objects, path)
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise store_failure(error, f"deleting {self.uri(path)}") from error


def _parents_below(root: Path, folder: Path) -> Iterable[Path]:
    while folder != root and root in folder.parents:
        yield folder
        folder = folder.parent


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
