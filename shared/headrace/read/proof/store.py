"""How verify reaches a table: four methods over a local folder. Another store needs no more."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from headrace.errors import ConfigError
from headrace.read.proof.findings import UnsupportedTableError
from headrace.settings import local_folder


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file's name within its folder, and its size in bytes."""

    name: str
    size: int


class LocalFiles:
    """Files below one folder, addressed by relative paths with forward slashes. Safe to use from many threads."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def list(self, folder: str) -> tuple[StoredFile, ...]:
        """The files of `folder`, sorted by name; none if it does not exist. Folders are left out."""
        try:
            entries = sorted(self._at(folder).iterdir(), key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return ()
        return tuple(
            StoredFile(entry.name, size)
            for entry in entries
            if not entry.is_dir() and (size := self.size(f"{folder}/{entry.name}")) is not None
        )

    def read(self, path: str) -> bytes:
        """All bytes of a file.

        Raises:
            OSError: it is missing or unreadable.
        """
        return self._at(path).read_bytes()

    def open(self, path: str) -> BinaryIO:
        """A file for reading at random places.

        Raises:
            OSError: it is missing or unreadable.
        """
        return self._at(path).open("rb")

    def size(self, path: str) -> int | None:
        """Size in bytes, None if there is no such file."""
        try:
            return self._at(path).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _at(self, path: str) -> Path:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts or "://" in path:
            msg = f"{path} lies outside of the table's folder {self.root}: such tables are not verified"
            raise UnsupportedTableError(msg)
        return self.root / pure


def local_root(root: str) -> Path:
    """The folder that a lake root names: a path or a file URI.

    Raises:
        ConfigError: the root is on another kind of store.
    """
    folder = local_folder(root)
    if folder is None:
        msg = f"{root} is not on a local file system: verify reads local tables only"
        raise ConfigError(msg)
    return folder
