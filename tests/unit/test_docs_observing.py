"""What docs/observing.md lists is what the exporter has: looks and log lines."""

from headrace.metrics import tables
from tests.unit.test_docs import rows
from tests.unit.test_docs_maintenance import EXPORTER, PROCESS, events


def test_every_look_is_told() -> None:
    assert [row[0].strip("`") for row in rows("observing.md", "## What is read, and when")] == list(tables.LOOKS)


def test_every_log_line_is_listed() -> None:
    listed = {row[0].strip("`") for row in rows("observing.md", "## Log")}
    logged = {event for file in (*EXPORTER.glob("*.py"), PROCESS) for event in events(file)}

    assert listed == logged
