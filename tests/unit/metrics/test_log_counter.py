import json
import os
import subprocess
import sys

# In a process of its own: logging is configured once, for all of it.
_PROGRAM = """
import json, logging
from prometheus_client.registry import CollectorRegistry
from headrace.logs import configure_logs, get_logger
from headrace.metrics import COMMON
from headrace.metrics.log_counter import LogCounter
from headrace.metrics.recorder import Recorder
registry = CollectorRegistry()
configure_logs("INFO", "json")
logging.getLogger().addHandler(LogCounter(Recorder(registry, COMMON)))
log = get_logger("headrace.test")
log.info("flush", rows=1)
log.info("flush", rows=2)
log.warning("fenced")
log.debug("paused")
logging.getLogger("headrace.librdkafka").warning("broker %d is away", 7)
logging.getLogger("lib").error("text that never ends %s", "x" * 100)
(family,) = [family for family in registry.collect() if family.name == "headrace_log_messages"]
totals = [sample for sample in family.samples if sample.name.endswith("_total")]
print(json.dumps([[sample.labels["level"], sample.labels["event"], sample.value] for sample in totals]))
"""


def test_lines_are_counted_by_level_and_event_and_those_of_libraries_by_library() -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True, env=environment)
    assert sorted(json.loads(done.stdout)) == [
        ["error", "other", 1],
        ["info", "flush", 2],
        ["warning", "fenced", 1],
        ["warning", "librdkafka", 1],
    ]
    assert len(done.stderr.splitlines()) == 5
