"""Deletion vectors, read without the code that writes them: which rows of a file are no part of the table."""

import uuid
from base64 import b85decode
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from pyroaring import BitMap64

from headrace.read.proof.findings import UnsupportedTableError
from headrace.read.proof.store import LocalFiles

_MAGIC = (1_681_511_377).to_bytes(4, "little")
_HEAD, _TAIL = 4, 4
_ID_LETTERS = 20
_FROM_Z85 = bytes.maketrans(
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#",
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~",
)


class VectorDamagedError(ValueError):
    """A vector is not what the log says of it."""


@dataclass(frozen=True, slots=True)
class Vector:
    """A vector as the log names it: kind of storage, place, where it begins, its bytes, how many rows it deletes."""

    storage: str
    place: str
    offset: int
    size: int
    deleted: int


def vector_of(action: Any) -> Vector | None:
    """The vector that an add action names, if any; one that says less than it must is found out when it is read.

    Raises:
        AttributeError, TypeError, ValueError: it is none.
    """
    if not action:
        return None
    return Vector(
        str(action.get("storageType")),
        str(action.get("pathOrInlineDv")),
        int(action.get("offset") or 0),
        int(action.get("sizeInBytes") or 0),
        int(action.get("cardinality") or 0),
    )


def deleted_rows(files: LocalFiles, vector: Vector) -> BitMap64:
    """The numbers of the rows that a vector deletes.

    Raises:
        FileNotFoundError: its file is not there.
        VectorDamagedError: it is torn, or deletes another number of rows.
        UnsupportedTableError: it is stored in a way that Headrace does not write.
    """
    with files.open(_path(vector)) as source:
        source.seek(vector.offset)
        stored = source.read(_HEAD + vector.size + _TAIL)
    size, body, check = stored[:_HEAD], stored[_HEAD : _HEAD + vector.size], stored[_HEAD + vector.size :]
    whole = int.from_bytes(size, "big") == vector.size and crc32(body) == int.from_bytes(check, "big")
    if not whole or body[:4] != _MAGIC:
        msg = f"{_path(vector)} does not hold the deletion vector that the log names"
        raise VectorDamagedError(msg)
    rows = BitMap64.deserialize(body[4:])
    if len(rows) != vector.deleted:
        msg = f"a deletion vector in {_path(vector)} deletes {len(rows)} rows, the log says {vector.deleted}"
        raise VectorDamagedError(msg)
    return rows


def _path(vector: Vector) -> str:
    if vector.storage != "u":
        msg = f"a deletion vector is stored as {vector.storage!r}, which Headrace does not write: nothing is proved"
        raise UnsupportedTableError(msg)
    folder, letters = vector.place[:-_ID_LETTERS], vector.place[-_ID_LETTERS:]
    name = uuid.UUID(bytes=b85decode(letters.encode().translate(_FROM_Z85)))
    return f"{folder}/deletion_vector_{name}.bin".removeprefix("/")
