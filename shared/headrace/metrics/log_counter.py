"""Counts log lines by level and event."""

import logging

from headrace.metrics.common import LOG_MESSAGES
from headrace.metrics.recorder import Recorder


class LogCounter(logging.Handler):
    """Counts what is logged; to be added to the root logger.

    Texts of libraries would be labels without end: their lines count under the library.
    """

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def emit(self, record: logging.LogRecord) -> None:
        """Counts one line."""
        said: object = record.msg
        if isinstance(said, dict):
            event = str(said.get("event"))
        else:
            event = "librdkafka" if record.name == "headrace.librdkafka" else "other"
        self._recorder.add(LOG_MESSAGES, level=record.levelname.lower(), event=event)
