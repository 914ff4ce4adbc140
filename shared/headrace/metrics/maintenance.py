"""What the maintenance worker reports beside the common metrics and those of tables: what it did to them."""

from headrace.metrics.metric import Counter, Gauge, Histogram, Metric

JOBS = ("compact", "seal", "vacuum", "checkpoint", "clean_log", "orphans")
LOOK = "look"
_TABLE = ("table",)
_JOB = ("table", "operation")
_OF = {"operation": JOBS}
_SECONDS = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)

RUNS = Counter("headrace_maintenance_runs_total", "Jobs that were tried.", _JOB, _OF)
FAILURES = Counter(
    "headrace_maintenance_failures_total",
    "Jobs that were not done, and looks at a table (`look`) that ended on the store before any. `conflict` and "
    "`overtaken`: other commits came first, it is planned anew; `memory` and `time`: a merge took more than it may, "
    "`killed`: something else ended its process, and the next one is smaller; `aborted`: a rule forbade it, the log "
    "line `maintained` says which; `storage`: the store failed; `violation`: rows were not the same before and after, "
    "and the table is not touched until somebody has looked.",
    (*_JOB, "reason"),
    {
        "operation": (*JOBS, LOOK),
        "reason": ("overtaken", "conflict", "memory", "time", "killed", "aborted", "storage", "violation"),
    },
)
CONFLICTS = Counter(
    "headrace_maintenance_conflicts_total",
    "Tries to commit that lost against another commit, those of jobs that came through in the end too.",
    _TABLE,
)
DURATION = Histogram("headrace_maintenance_duration_seconds", "How long jobs took.", ("operation",), _OF, _SECONDS)
FILES_REMOVED = Counter("headrace_maintenance_files_removed_total", "Files that were merged into others.", _JOB, _OF)
BYTES_READ = Counter("headrace_maintenance_bytes_read_total", "Bytes of these files.", _JOB, _OF)
BYTES_WRITTEN = Counter(
    "headrace_maintenance_bytes_written_total",
    "Bytes of the files that they were merged into.",
    _JOB,
    _OF,
)
DELETED = Counter(
    "headrace_maintenance_objects_deleted_total", "Files and parts of the log that were deleted.", _JOB, _OF
)
AMPLIFICATION = Gauge(
    "headrace_maintenance_write_amplification_ratio",
    "How often each byte that came to the table within 24 hours was written again within them, by the table's log; "
    "NaN while none came.",
    _TABLE,
)
THRIFTY = Gauge(
    "headrace_maintenance_thrifty",
    "1 while twice as many files have to gather before they are merged, and sealing waits, since that was too often.",
    _TABLE,
)
LAST_SUCCESS = Gauge(
    "headrace_maintenance_last_success_timestamp_seconds",
    "When the table was last looked at and everything that was due was done; where that has not been yet since the "
    "process was started, when it first turned to the table.",
    _TABLE,
)
LEASE = Gauge("headrace_maintenance_lease_held", "1 while this process is the one that maintains the table.", _TABLE)
BLOCKED = Gauge(
    "headrace_maintenance_blocked",
    "1 while nothing is done to the table because of a violation that somebody has to look at.",
    _TABLE,
)
LEFT_ALONE = Gauge(
    "headrace_maintenance_left_alone",
    "1 while files of the table are not merged, or nothing at all is done: it is not Headrace's, no contract of that "
    "name is known here, or another tool has given it features that Headrace does not know.",
    _TABLE,
)

MAINTENANCE: tuple[Metric, ...] = (
    RUNS,
    FAILURES,
    CONFLICTS,
    DURATION,
    FILES_REMOVED,
    BYTES_READ,
    BYTES_WRITTEN,
    DELETED,
    AMPLIFICATION,
    THRIFTY,
    LAST_SUCCESS,
    LEASE,
    BLOCKED,
    LEFT_ALONE,
)
