"""What a run of `headrace verify` leaves in its metrics file."""

from headrace.metrics.metric import Gauge, Metric

_TABLE = ("table",)

LAST_RUN = Gauge("headrace_verify_last_run_timestamp_seconds", "When the last run that gave a verdict ended.", _TABLE)
LAST_PASS = Gauge(
    "headrace_verify_last_pass_timestamp_seconds",
    "When the last run that passed ended. Stays over runs that do not pass; absent before the first PASS.",
    _TABLE,
)
LAST_WHOLE_PASS = Gauge(
    "headrace_verify_last_whole_pass_timestamp_seconds",
    "The same of runs that took no version as given.",
    _TABLE,
)
LAST_PASS_VERSION = Gauge("headrace_verify_last_pass_version", "Version of the table that passed last.", _TABLE)
VERDICT = Gauge(
    "headrace_verify_verdict",
    "1 for the verdict of the last run, 0 for the others.",
    ("table", "verdict"),
    {"verdict": ("PASS", "UNKNOWN", "FAIL")},
)
VERSION = Gauge("headrace_verify_version", "Version of the table that the last run looked at.", _TABLE)
SINCE = Gauge(
    "headrace_verify_since_version",
    "Version that the last run took as given, -1 if it verified the whole table.",
    _TABLE,
)
CHECKED = Gauge(
    "headrace_verify_level_checked",
    "1 if the last run checked that level to its end.",
    ("table", "level"),
    {"level": ("log", "files", "broker", "ledger")},
)
ROWS = Gauge("headrace_verify_rows", "Rows of the table that the last run looked at.", _TABLE)
DURATION = Gauge("headrace_verify_duration_seconds", "How long the last run took, all its tables together.")
FINDINGS = Gauge(
    "headrace_verify_findings",
    "Findings of the last run by kind, remarks left out. `code` is one of those in [verify](verify.md#json).",
    ("table", "code"),
)

VERIFY: tuple[Metric, ...] = (
    LAST_RUN,
    LAST_PASS,
    LAST_WHOLE_PASS,
    LAST_PASS_VERSION,
    VERDICT,
    VERSION,
    SINCE,
    CHECKED,
    ROWS,
    DURATION,
    FINDINGS,
)
