"""What is logged while something runs, whichever test configured logs before."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class _Keeper(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.msg, Mapping):
            self.lines.append({key: value for key, value in record.msg.items() if key not in ("level", "timestamp")})


@contextmanager
def capture_logs() -> Iterator[list[dict[str, object]]]:
    """Events of all threads with their fields, as they come."""
    keeper, root = _Keeper(), logging.getLogger()
    root.addHandler(keeper)
    try:
        yield keeper.lines
    finally:
        root.removeHandler(keeper)
