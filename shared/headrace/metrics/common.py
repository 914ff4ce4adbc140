"""What every process of Headrace reports."""

from headrace.metrics.health import State
from headrace.metrics.metric import Counter, Gauge, Metric, Reading

BUILD = Gauge(
    "headrace_build_info",
    "Versions that run.",
    ("version", "deltalake", "librdkafka", "python"),
)
CONFIG = Gauge(
    "headrace_config_info",
    "Hash of the effective settings without secrets and without what differs between workers of one group, and how the "
    "table is written.",
    ("table", "config_hash", "write_mode"),
    {"write_mode": ("append", "upsert")},
)
STATE = Reading(
    "headrace_component_state",
    "What the process is doing: 1 for that state, 0 for the others.",
    ("state",),
    {"state": tuple(State)},
)
LOOP_TICK = Reading(
    "headrace_loop_last_tick_timestamp_seconds",
    "When a loop last turned. `poll`: reads and decides, and is what `/livez` looks at. `offsets`: when the broker was "
    "last asked, and answered, where partitions end. `maintain`: when maintenance last turned to a table. `export`: "
    "when the last look at all tables for these metrics ended. `canary`: when the canary last looked at its table.",
    ("loop",),
    {"loop": ("poll", "offsets", "maintain", "export", "canary")},
)
LOG_MESSAGES = Counter(
    "headrace_log_messages_total",
    "Lines logged. `event` as in the operations guide; `librdkafka` and `other` for lines of libraries.",
    ("level", "event"),
)
CONFLICT_GUARD = Gauge(
    "headrace_delta_conflict_guard_ok",
    "1 once the start-up proof saw the store refuse a conflicting commit.",
)

COMMON: tuple[Metric, ...] = (BUILD, CONFIG, STATE, LOOP_TICK, LOG_MESSAGES, CONFLICT_GUARD)
READERS: tuple[Metric, ...] = tuple(metric for metric in COMMON if metric not in (CONFIG, CONFLICT_GUARD))
"""Those of a process that only reads: it proves nothing of the store, and fills no table."""
