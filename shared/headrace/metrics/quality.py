"""What a run of `headrace audit quality` leaves in its metrics file. All of it is about what the run was asked for."""

from headrace.metrics.metric import Gauge, Metric

LATENESS = ("late", "sent_late", "older_day", "ahead")

_TABLE = ("table",)
_COLUMN = ("table", "column")

LAST_RUN = Gauge("headrace_quality_last_run_timestamp_seconds", "When the last run ended.", _TABLE)
DURATION = Gauge("headrace_quality_duration_seconds", "How long it took, all its tables together.")
ROWS = Gauge("headrace_quality_rows", "Rows that landed.", _TABLE)
REJECTS = Gauge(
    "headrace_quality_rejected_records",
    "Records that were refused, by why and by the first field that was wrong; those that a replay brought home since "
    "count too. `field` is empty where it is none of the contract's, or the record as a whole is wrong.",
    ("table", "reason", "field"),
)
NULLS = Gauge("headrace_quality_null_values", "Rows without a value.", _COLUMN)
LOWEST = Gauge(
    "headrace_quality_lowest_value", "Lowest value; only of columns of numbers, and absent without a value.", _COLUMN
)
HIGHEST = Gauge("headrace_quality_highest_value", "Highest value, likewise.", _COLUMN)
UNTIMELY = Gauge(
    "headrace_quality_untimely_rows",
    "`late`: rows that landed long after their event, by default more than an hour. `sent_late`: of these, those whose "
    "record was late already. `older_day`: of the late ones, those that landed on a later day than that of their "
    "event. `ahead`: rows whose event is more than a minute later than its record.",
    ("table", "kind"),
    {"kind": LATENESS},
)
DUPLICATES = Gauge(
    "headrace_quality_duplicate_rows",
    "Rows of an event that was there already; absent where nothing names an event.",
    _TABLE,
)

QUALITY: tuple[Metric, ...] = (LAST_RUN, DURATION, ROWS, REJECTS, NULLS, LOWEST, HIGHEST, UNTIMELY, DUPLICATES)
