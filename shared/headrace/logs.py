"""Structured logs: one JSON object a line for machines, short text for a person at a terminal.

Events carry identifiers and counts; payloads and secrets never. Text from outside is escaped, so that a topic or a
header name cannot forge a line.
"""

import logging
import sys
from typing import Literal

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}


def configure_logs(level: str, style: Literal["auto", "json", "console"]) -> None:
    """Sends all logs, those of libraries too, to standard error.

    Args:
        level: lowest level that is written.
        style: `auto` is text on a terminal and JSON elsewhere.
    """
    text = style == "console" or (style == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _on_one_line,
    ]
    renderer: Processor = structlog.dev.ConsoleRenderer() if text else structlog.processors.JSONRenderer(default=str)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def _on_one_line(_logger: object, _method: str, event: EventDict) -> EventDict:
    """The renderers escape values, and the message of a library's log line they take as it is."""
    event["event"] = str(event["event"]).translate(_CONTROL)
    return event


def get_logger(name: str) -> FilteringBoundLogger:
    """The logger of a module; events are named in snake_case, values are keywords."""
    logger: FilteringBoundLogger = structlog.get_logger(name)
    return logger
