"""What `headrace canary` reports: whether heartbeats come through, and how long they take."""

from headrace.metrics.metric import Counter, Histogram, Metric, Reading

SENT = Counter("headrace_canary_sent_total", "Heartbeats that the broker has acknowledged.")
UNSENT = Counter(
    "headrace_canary_unsent_total",
    "Heartbeats that the broker did not acknowledge within `HEADRACE_CANARY__DEADLINE_SECONDS`, or that could not be "
    "handed to the client.",
)
ARRIVED = Counter(
    "headrace_canary_arrived_total",
    "Heartbeats found in the table. `late`: more than `HEADRACE_CANARY__DEADLINE_SECONDS` after they were emitted.",
    ("when",),
    {"when": ("in_time", "late")},
)
ROUND_TRIP = Histogram(
    "headrace_canary_roundtrip_seconds",
    "From emitting a heartbeat to finding it in the table, exact to `HEADRACE_CANARY__LOOK_SECONDS`.",
    buckets=(0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600),
)
MISSING = Reading(
    "headrace_canary_missing_beats",
    "Heartbeats that should be in the table by now and are not yet: emitted more than "
    "`HEADRACE_CANARY__DEADLINE_SECONDS` ago. Back at 0 when workers have caught up.",
)
LOST = Counter(
    "headrace_canary_lost_total",
    "Heartbeats that the table's position has gone past without a row of theirs. None ever should: "
    "`headrace offset headrace_heartbeat` says what became of them.",
)
DOUBLED = Counter("headrace_canary_doubled_total", "Rows of records that the table had a row of before. None ever.")
LAST_ARRIVAL = Reading(
    "headrace_canary_last_arrival_timestamp_seconds",
    "When a heartbeat was last found in the table; before the first, when the canary began. Grows old whatever it is "
    "that fails: brokers, workers, the store, or the canary itself.",
)

CANARY: tuple[Metric, ...] = (SENT, UNSENT, ARRIVED, ROUND_TRIP, MISSING, LOST, DOUBLED, LAST_ARRIVAL)
