"""Deletion vectors: which rows of a data file are no longer part of the table.

The format is Delta's: a 64-bit roaring bitmap of row numbers. All vectors of one commit share one file. It lies in a
folder whose name begins with `_`: a full vacuum of deltalake deletes vectors that are in use when it sees them.
"""

import base64
import struct
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyroaring import BitMap64

from headrace.errors import StoreError
from headrace.lake.store import Store

FOLDER = "_deletions"
"""Below the table."""

_MAGIC = struct.pack("<i", 1_681_511_377)
_FORMAT = b"\x01"
_UUID_LETTERS = 20
_RFC1924 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
_Z85 = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_TO_Z85 = bytes.maketrans(_RFC1924, _Z85)
_FROM_Z85 = bytes.maketrans(_Z85, _RFC1924)


@dataclass(frozen=True, slots=True)
class DeletionVector:
    """Where a vector lies, as the log says it.

    Attributes:
        storage: `u` for a file named after a UUID; others are not written here.
        place: folder and UUID, encoded.
        offset: of the vector in the file, bytes.
        size: bytes.
        deleted: how many rows it takes from the table.
    """

    storage: str
    place: str
    offset: int | None
    size: int
    deleted: int

    @property
    def path(self) -> str:
        """Of its file, relative to the table.

        Raises:
            StoreError: it lies elsewhere; Headrace wrote no such vector.
        """
        if self.storage != "u":
            msg = f"a deletion vector of storage type {self.storage!r} is not one of Headrace's: another tool wrote it"
            raise StoreError(msg)
        folder, letters = self.place[:-_UUID_LETTERS], self.place[-_UUID_LETTERS:]
        name = uuid.UUID(bytes=base64.b85decode(letters.encode().translate(_FROM_Z85)))
        return f"{folder}/deletion_vector_{name}.bin" if folder else f"deletion_vector_{name}.bin"

    def action(self) -> dict[str, object]:
        """As it stands in add and remove actions."""
        return {
            "storageType": self.storage,
            "pathOrInlineDv": self.place,
            "offset": self.offset,
            "sizeInBytes": self.size,
            "cardinality": self.deleted,
        }


def vector_of(action: Mapping[str, Any] | None) -> DeletionVector | None:
    """The vector that an add action names, if any."""
    if not action:
        return None
    return DeletionVector(
        action["storageType"],
        action["pathOrInlineDv"],
        action.get("offset"),
        int(action["sizeInBytes"]),
        int(action["cardinality"]),
    )


def write_vectors(store: Store, table: str, deleted: Mapping[str, BitMap64]) -> dict[str, DeletionVector]:
    """Writes one file with a vector for each of several data files, durable when this returns.

    Args:
        store: where the table lies.
        table: its folder.
        deleted: per path of a data file the numbers of all its deleted rows.

    Raises:
        StoreError, AccessDeniedError: it could not be written.
    """
    if not deleted:
        return {}
    name = uuid.uuid4()
    place = FOLDER + base64.b85encode(name.bytes).translate(_TO_Z85).decode()
    data = bytearray(_FORMAT)
    vectors = {}
    for path, rows in deleted.items():
        vector = _MAGIC + rows.serialize()
        vectors[path] = DeletionVector("u", place, len(data), len(vector), len(rows))
        data += struct.pack(">i", len(vector)) + vector + struct.pack(">I", zlib.crc32(vector))
    store.put(f"{table}/{FOLDER}/deletion_vector_{name}.bin", bytes(data))
    return vectors


def read_vector(store: Store, table: str, vector: DeletionVector | None) -> BitMap64:
    """The numbers of the rows that `vector` takes from the table.

    Raises:
        FileNotFoundError: its file is not there.
        StoreError, AccessDeniedError: it cannot be read, or it is damaged.
    """
    if vector is None:
        return BitMap64()
    with store.open(f"{table}/{vector.path}") as source:
        source.seek(vector.offset or 0)
        raw = source.read(vector.size + 8)
    body, check = raw[4 : 4 + vector.size], raw[4 + vector.size :]
    if struct.pack(">i", vector.size) != raw[:4] or struct.pack(">I", zlib.crc32(body)) != check:
        msg = f"{table}/{vector.path} is damaged: run headrace verify"
        raise StoreError(msg)
    return BitMap64.deserialize(body[len(_MAGIC) :])
