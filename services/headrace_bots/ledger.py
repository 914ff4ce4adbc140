"""What the broker acknowledged, written down by the one who sent it: the proof compares tables with this.

A line is written only for a record whose place in the topic is known. Records whose outcome is unknown, because
they timed out or were given up, go to a file of their own: they may be in the topic, or not.
"""

import hashlib
import json
import os
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from headrace.kafka.sender import Delivery

_DIGEST_BYTES = 16


def value_digest(value: bytes | None) -> str:
    """What identifies a record's value; a tombstone's is the word null."""
    return "null" if value is None else hashlib.blake2b(value, digest_size=_DIGEST_BYTES).hexdigest()


class Ledger:
    """Writes `<name>.jsonl` in a folder, one line per acknowledged record, and `<name>.unknown` beside it.

    An instance is a producer's `on_delivery`. Lines are durable once `close` has returned. Use it from one
    thread at a time.
    """

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{name}.jsonl"
        """Where acknowledged records are listed."""
        self.unknown_path = folder / f"{name}.unknown"
        """Where the others are; exists only when there are some."""
        self.acknowledged: dict[str, int] = {}
        """Records acknowledged, by topic."""
        self._file = self.path.open("a", encoding="utf-8", buffering=1 << 20)
        self._unknown: IO[str] | None = None

    def __call__(self, delivery: Delivery) -> None:
        """Writes one outcome down."""
        topic = delivery.topic
        digest = value_digest(delivery.value)
        if delivery.error is not None or delivery.offset is None:
            self._note_unknown(delivery, digest)
            return
        # Four known fields, of which only the topic could need escaping and topics cannot: json.dumps costs 3 us.
        self._file.write(
            f'{{"topic": "{topic}", "partition": {delivery.partition}, "offset": {delivery.offset}, '
            f'"digest": "{digest}"}}\n'
        )
        self.acknowledged[topic] = self.acknowledged.get(topic, 0) + 1

    def flush(self) -> None:
        """Hands what was written to the operating system, for readers of the growing file."""
        self._file.flush()

    def close(self) -> None:
        """Makes every line durable. A second call does nothing."""
        for file in (self._file, self._unknown):
            if file is not None and not file.closed:
                file.flush()
                os.fsync(file.fileno())
                file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _note_unknown(self, delivery: Delivery, digest: str) -> None:
        if self._unknown is None:
            self._unknown = self.unknown_path.open("a", encoding="utf-8")
        line = {"topic": delivery.topic, "digest": digest, "error": delivery.error, "code": delivery.code}
        self._unknown.write(json.dumps(line) + "\n")
