"""What is told of tables by whoever reads their logs: `headrace maintain` and `headrace export`.

No label has the value of a partition column: however many partitions a table has, its series are the same.
"""

from headrace.metrics.metric import Counter, Metric, Reading

TIERS = ("fragment", "undersized")
HEALTH_PARTS = ("file_size", "small_files", "checkpoint", "expired", "statistics")
LOOKS = ("log", "full", "source")
SIZES = (1 << 20, 4 << 20, 16 << 20, 48 << 20, 96 << 20, 256 << 20, 1 << 30)
"""Bytes: upper bounds of the classes that files are counted in."""

_TABLE = ("table",)
_TIER = ("table", "tier")
_LOOK = ("table", "look")
_PLACE = ("table", "topic", "partition")
_OF_TIER = {"tier": TIERS}
_OF_LOOK = {"look": LOOKS}

# -- the newest version

VERSION = Reading("headrace_table_version", "Newest version of the table.", _TABLE)
LAST_CHECKPOINT = Reading(
    "headrace_table_last_checkpoint_version",
    "Version of the newest checkpoint, -1 before the first. What lies between it and the newest version is read commit "
    "by commit by whoever opens the table.",
    _TABLE,
)
LAST_DATA_COMMIT = Reading(
    "headrace_table_last_data_commit_timestamp_seconds",
    "When rows last came or went, by the clock of whoever did it: merges and claims do not count. Absent while the log "
    "does not say.",
    _TABLE,
)
NEWEST_EVENT = Reading(
    "headrace_table_newest_event_timestamp_seconds",
    "Newest event time among the table's rows, by the statistics of its files; absent where its contract is not known "
    "or names none.",
    _TABLE,
)
FILES = Reading("headrace_table_files", "Data files of the newest version.", _TABLE)
ACTIVE_BYTES = Reading("headrace_table_active_bytes", "Bytes of these files.", _TABLE)
ROWS = Reading("headrace_table_rows", "Rows of the table, as far as the writers of its files said how many.", _TABLE)
DELETED_ROWS = Reading(
    "headrace_table_deleted_rows",
    "Rows that these files hold and that deletion vectors take from the table: of a table of latest rows those that "
    "were replaced.",
    _TABLE,
)
UNCOUNTED_FILES = Reading(
    "headrace_table_files_without_row_count", "Those of these files whose writer did not say how many rows.", _TABLE
)
FILES_BY_SIZE = Reading(
    "headrace_table_files_by_size",
    "Of these files, those of at most `le` bytes: `histogram_quantile(0.5, headrace_table_files_by_size)` is the "
    "median size.",
    ("table", "le"),
    {"le": (*map(str, SIZES), "+Inf")},
)
SMALL_FILES = Reading(
    "headrace_table_small_files",
    "Those that compaction would merge, being smaller than three quarters of what it aims at; `fragment`: smaller than "
    "an eighth of it, `undersized`: the others. Sealed files are not small. A row counts as 32 bytes at least, as for "
    "compaction.",
    _TIER,
    _OF_TIER,
)
SMALL_BYTES = Reading("headrace_table_small_file_bytes", "Bytes of these files.", _TIER, _OF_TIER)
PARTITIONS = Reading("headrace_table_partitions", "Partitions of the table that have a file.", _TABLE)
PARTITION_SMALL_FILES = Reading(
    "headrace_table_partition_small_files_max", "The most small files that one partition of the table has.", _TABLE
)
PARTITION_BYTES_MAX = Reading("headrace_table_partition_bytes_max", "Bytes of the largest partition.", _TABLE)
PARTITION_BYTES_MEDIAN = Reading("headrace_table_partition_bytes_median", "Median of the partitions' bytes.", _TABLE)

# -- what lies in its folder

LOG_OBJECTS = Reading("headrace_table_log_objects", "Objects in the table's log.", _TABLE)
LOG_BYTES = Reading("headrace_table_log_bytes", "Bytes of these objects.", _TABLE)
LOG_STRAYS = Reading(
    "headrace_table_log_stray_objects",
    "Those that are neither commit nor checkpoint nor the hint at the newest one: left by writers that died, or by "
    "other tools.",
    _TABLE,
)
OLDEST_LOG_VERSION = Reading(
    "headrace_table_oldest_log_version", "The oldest commit that is retained: how far back history goes.", _TABLE
)
TOMBSTONES = Reading("headrace_table_tombstones", "Files that left the table and that its log still remembers.", _TABLE)
VACUUMABLE_FILES = Reading(
    "headrace_table_vacuumable_files",
    "Files that left the table longer ago than its retention, and still lie there.",
    _TABLE,
)
VACUUMABLE_BYTES = Reading("headrace_table_vacuumable_bytes", "Bytes of these files.", _TABLE)
ORPHAN_FILES = Reading(
    "headrace_table_orphan_files",
    "Files older than the retention that no version names: what maintenance deletes when it next looks for them.",
    _TABLE,
)

# -- all of that in one number

HEALTH = Reading(
    "headrace_table_health_score",
    "How good the table is to read, 0 to 100: the sum of `headrace_table_health_points`. `headrace health` says what "
    "it lacks.",
    _TABLE,
)
HEALTH_POINTS = Reading(
    "headrace_table_health_points",
    "Points for one part of the table's health: at most 40 for `file_size`, 25 for `small_files`, 15 for `checkpoint`, "
    "10 for `expired`, 10 for `statistics`.",
    ("table", "part"),
    {"part": HEALTH_PARTS},
)

DEBT = Reading(
    "headrace_table_debt",
    "How far merging is behind: from 1 on small files come faster than they are merged, and workers flush "
    "less often. The most small files of one partition by `HEADRACE_MAINTAIN__URGENT_FILES`, or by 5,000 all those "
    "beyond one for each partition; 0 where files are not merged. As maintenance tells workers: absent while none "
    "runs.",
    _TABLE,
)
MAINTENANCE_BLOCKED = Reading(
    "headrace_table_maintenance_blocked",
    "1 while nothing is done to the table because of a violation that somebody has to look at, as the record of its "
    "maintenance says, whether or not a process maintains it.",
    _TABLE,
)

# -- how far it is behind its topic

SOURCE_LAG = Reading(
    "headrace_table_source_lag_records",
    "Offsets from the table's position to the end of the topic, whether or not a worker lives: what `headrace lag` "
    "tells.",
    _PLACE,
)
SOURCE_WATERMARK = Reading(
    "headrace_table_watermark_timestamp_seconds",
    "Up to when everything is durable: when the broker was asked if the table had all of the topic, else the Kafka "
    "timestamp of the first record that is not durable. Freshness is `time()` minus this: what `headrace lag` tells. "
    "Absent where that record bears no time.",
    _PLACE,
)
SOURCE_GONE = Reading(
    "headrace_table_source_gone_records",
    "Of these offsets, those that the topic no longer has: a worker stops with exit code 81.",
    _PLACE,
)

# -- of the looks themselves

COLLECTED = Reading(
    "headrace_table_collected_timestamp_seconds",
    "When a look at the table last succeeded, or the first one began if none has. `log`: the commits that are new; "
    "`full`: all of its log, and what lies in its folder; `source`: its topic.",
    _LOOK,
    _OF_LOOK,
)
COLLECTION_SECONDS = Reading("headrace_table_collection_duration_seconds", "How long that look took.", _LOOK, _OF_LOOK)
COLLECTION_FAILURES = Counter(
    "headrace_table_collection_failures_total",
    "Looks that failed; the numbers stay as they were. The log line `collection_failed` says why.",
    _LOOK,
    _OF_LOOK,
)

TABLES: tuple[Metric, ...] = (
    VERSION,
    LAST_CHECKPOINT,
    LAST_DATA_COMMIT,
    NEWEST_EVENT,
    FILES,
    ACTIVE_BYTES,
    ROWS,
    DELETED_ROWS,
    UNCOUNTED_FILES,
    FILES_BY_SIZE,
    SMALL_FILES,
    SMALL_BYTES,
    PARTITIONS,
    PARTITION_SMALL_FILES,
    PARTITION_BYTES_MAX,
    PARTITION_BYTES_MEDIAN,
    LOG_OBJECTS,
    LOG_BYTES,
    LOG_STRAYS,
    OLDEST_LOG_VERSION,
    TOMBSTONES,
    VACUUMABLE_FILES,
    VACUUMABLE_BYTES,
    ORPHAN_FILES,
    HEALTH,
    HEALTH_POINTS,
    DEBT,
    MAINTENANCE_BLOCKED,
    SOURCE_LAG,
    SOURCE_WATERMARK,
    SOURCE_GONE,
    COLLECTED,
    COLLECTION_SECONDS,
    COLLECTION_FAILURES,
)
