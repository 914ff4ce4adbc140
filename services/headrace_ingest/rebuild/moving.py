"""The files of a shadow, made files of the table: durable under names that no log knows before one commit says all."""

import hashlib
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from headrace.errors import HeadraceError
from headrace.lake.latest.live import Action, LiveFile
from headrace.lake.latest.vectors import read_vector, write_vectors
from headrace.lake.store import Store


@dataclass
class Mover:
    """Moves files from one store to another; each once, however often it is asked.

    Attributes:
        source: where they lie.
        target: where they go.
        table: the folder of both.
    """

    source: Store
    target: Store
    table: str
    _digests: dict[str, str] = field(default_factory=dict)

    def move(self, files: Sequence[LiveFile]) -> None:
        """Makes data files durable that are not yet.

        Raises:
            StoreError, AccessDeniedError: one could not be written.
        """
        for file in files:
            if file.path not in self._digests:
                data = self.source.read(f"{self.table}/{file.path}")
                self.target.put(f"{self.table}/{file.path}", data)
                self._digests[file.path] = hashlib.sha256(data).hexdigest()

    def additions(self, files: Sequence[LiveFile]) -> Iterator[Action]:
        """The actions that make moved files part of the table; what says which of their rows are deleted is written.

        Raises:
            StoreError, AccessDeniedError: it could not be written.
        """
        at = time.time_ns() // 1_000_000
        masked = {file.path: read_vector(self.source, self.table, file.vector) for file in files if file.vector}
        vectors = write_vectors(self.target, self.table, masked)
        return (file.brought(vectors.get(file.path), at) for file in files)

    def digests(self, files: Sequence[LiveFile]) -> Mapping[str, Mapping[str, str]]:
        """What a commit notes of moved files."""
        return {file.path: {"sha256": self._digests[file.path]} for file in files}

    def forget(self, but: Collection[str] = ()) -> None:
        """Deletes what was moved, but for those paths; what cannot be deleted is left to maintenance."""
        for path in self._digests.keys() - set(but):
            with suppress(HeadraceError):
                self.target.delete(f"{self.table}/{path}")
