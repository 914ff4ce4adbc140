"""What the maintenance worker reports beside the common metrics: the state of tables, and what it did to them."""

from headrace.metrics.metric import Counter, Gauge, Histogram, Metric

JOBS = ("compact", "seal", "vacuum", "checkpoint", "clean_log", "orphans")
_TABLE = ("table",)
_JOB = ("table", "operation")
_OF = {"operation": JOBS}
_SECONDS = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)

# -- tables, by their logs

VERSION = Gauge("headrace_table_version", "Newest version of the table.", _TABLE)
LAST_CHECKPOINT = Gauge(
    "headrace_table_last_checkpoint_version",
    "Version of the newest checkpoint, -1 before the first. What lies between it and the newest version is read commit "
    "by commit by whoever opens the table.",
    _TABLE,
)
FILES = Gauge("headrace_table_files", "Data files of the newest version.", _TABLE)
ACTIVE_BYTES = Gauge("headrace_table_active_bytes", "Bytes of these files.", _TABLE)
ROWS = Gauge("headrace_table_rows", "Rows in these files.", _TABLE)
SMALL_FILES = Gauge("headrace_table_small_files", "Those that are smaller than compaction aims at.", _TABLE)
PARTITION_SMALL_FILES = Gauge(
    "headrace_table_partition_small_files_max", "The most of them that one partition of the table has.", _TABLE
)
VACUUMABLE_FILES = Gauge(
    "headrace_table_vacuumable_files", "Files that left the table longer ago than its retention.", _TABLE
)
LOG_OBJECTS = Gauge("headrace_table_log_objects", "Objects in the table's log.", _TABLE)
OLDEST_LOG_VERSION = Gauge(
    "headrace_table_oldest_log_version", "The oldest commit that is retained: how far back history goes.", _TABLE
)
COLLECTED = Gauge(
    "headrace_table_health_collected_timestamp_seconds", "When these numbers were last read from the table.", _TABLE
)

# -- work

RUNS = Counter("headrace_maintenance_runs_total", "Jobs that were tried.", _JOB, _OF)
FAILURES = Counter(
    "headrace_maintenance_failures_total",
    "Jobs that were not done. `conflict` and `overtaken`: other commits came first, it is planned anew; `aborted`: a "
    "rule forbade it, the log line `maintained` says which; `storage`: the store failed; `violation`: rows were not "
    "the same before and after, and the table is not touched until somebody has looked.",
    (*_JOB, "reason"),
    {**_OF, "reason": ("overtaken", "conflict", "aborted", "storage", "violation")},
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
    "Bytes of the files that they were merged into. Divided by `headrace_written_bytes_total` of the workers: how "
    "often each byte is written again.",
    _JOB,
    _OF,
)
DELETED = Counter(
    "headrace_maintenance_objects_deleted_total", "Files and parts of the log that were deleted.", _JOB, _OF
)
LAST_SUCCESS = Gauge(
    "headrace_maintenance_last_success_timestamp_seconds",
    "When the table was last looked at and everything that was due was done.",
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
    VERSION,
    LAST_CHECKPOINT,
    FILES,
    ACTIVE_BYTES,
    ROWS,
    SMALL_FILES,
    PARTITION_SMALL_FILES,
    VACUUMABLE_FILES,
    LOG_OBJECTS,
    OLDEST_LOG_VERSION,
    COLLECTED,
    RUNS,
    FAILURES,
    CONFLICTS,
    DURATION,
    FILES_REMOVED,
    BYTES_READ,
    BYTES_WRITTEN,
    DELETED,
    LAST_SUCCESS,
    LEASE,
    BLOCKED,
    LEFT_ALONE,
)
