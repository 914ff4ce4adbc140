"""What a worker reports beside the common metrics."""

from headrace.contracts import RejectReason
from headrace.metrics.metric import Counter, Gauge, Histogram, Metric, Reading

_OF_PARTITION = ("topic", "partition")
_STAGES = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0, 60.0)
_COMMITS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)
_DELAYS = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0)
_RECORDS = (1.0, 10.0, 100.0, 1e3, 5e3, 1e4, 5e4, 1e5, 2e5, 1e6)
_BYTES = (1e3, 1e4, 1e5, 1e6, 4e6, 1.6e7, 3.2e7, 6.4e7, 2.56e8)

# -- what goes in and comes out

CONSUMED_RECORDS = Counter("headrace_consumed_records_total", "Records polled from Kafka.", ("topic",))
RECEIVED_BYTES = Counter(
    "headrace_received_bytes_total",
    "Bytes of records that librdkafka received, prefetched ones and those thrown away on a seek too.",
    ("topic",),
)
WRITTEN_RECORDS = Counter("headrace_written_records_total", "Rows that are durable in the table.", ("table",))
WRITTEN_BYTES = Counter("headrace_written_bytes_total", "Bytes of the Parquet files that hold them.", ("table",))
WRITTEN_FILES = Counter("headrace_written_files_total", "Parquet files that hold them.", ("table",))
QUARANTINED_RECORDS = Counter(
    "headrace_quarantined_records_total",
    "Records committed to the quarantine.",
    ("topic", "reason"),
    {"reason": tuple(RejectReason)},
)
OFFSET_GAPS = Counter(
    "headrace_source_offset_gap_records_total",
    "Offsets without a record, accounted for in a commit: transaction markers, aborted or compacted records. Records "
    "lost to retention never count here: they stop the worker with exit code 81.",
    ("topic",),
)

# -- where partitions stand

LAG = Reading(
    "headrace_source_lag_records",
    "Offsets between the table's position and the end that the broker named last; 0 when everything is durable.",
    _OF_PARTITION,
)
HIGH_WATERMARK = Reading(
    "headrace_source_high_watermark_offset",
    "End of what can be read, as the broker said last; before open transactions, as `read_committed` has it.",
    _OF_PARTITION,
)
LOW_WATERMARK = Reading(
    "headrace_source_low_watermark_offset",
    "First offset that the broker still had when it was last asked.",
    _OF_PARTITION,
)
POSITION = Reading("headrace_position_offset", "Next offset to read.", _OF_PARTITION)
COMMITTED = Reading(
    "headrace_committed_offset", "Position in the table: everything before it is durable.", _OF_PARTITION
)
FRESHNESS = Reading(
    "headrace_partition_watermark_timestamp_seconds",
    "Up to when everything is durable: the time of the broker's last answer if the table had all that it named, else "
    "the Kafka timestamp of the newest durable record. Freshness is `time()` minus this.",
    ("table", *_OF_PARTITION),
)
ASSIGNED = Reading(
    "headrace_partition_assigned", "1 while this worker reads the partition, 0 if it was lost.", _OF_PARTITION
)
TOPIC_PARTITIONS = Reading(
    "headrace_topic_partitions", "Partitions of the topic when it was last looked at.", ("topic",)
)

# -- batches

RECORD_DELAY = Histogram(
    "headrace_record_delay_seconds",
    "Kafka timestamp to durable, of the record that waited longest: the first of each partition in each batch. "
    "`catchup` until the partition was caught up with once.",
    ("table", "phase"),
    {"phase": ("catchup", "live")},
    _DELAYS,
)
STAGE = Histogram(
    "headrace_stage_duration_seconds",
    "`poll` and `decode`: of one poll that brought records. `write` (files and quarantine) and `commit`: of one batch. "
    "`checkpoint`: of one checkpoint.",
    ("table", "stage"),
    {"stage": ("poll", "decode", "write", "commit", "checkpoint")},
    _STAGES,
)
BATCH_RECORDS = Histogram("headrace_batch_records", "Records of a batch when it was flushed.", ("table",), {}, _RECORDS)
BATCH_BYTES = Histogram(
    "headrace_batch_bytes", "Bytes of a batch in memory when it was flushed.", ("table",), {}, _BYTES
)
FLUSHES = Counter(
    "headrace_flushes_total",
    "Batches handed to the writer, by why they were closed.",
    ("table", "trigger"),
    {"trigger": ("rows", "bytes", "age", "memory", "revoke", "drain", "shutdown")},
)
FLUSH_AGE = Gauge(
    "headrace_flush_age_seconds",
    "How long a batch may wait before it is flushed: `HEADRACE_INGEST__FLUSH_SECONDS`, or more while maintenance says "
    "that the table is deep in debt, up to `HEADRACE_INGEST__FRESHNESS_SECONDS`.",
    ("table",),
)
BUFFERED_RECORDS = Reading("headrace_buffered_records", "Records read and not yet durable.", ("table",))
BUFFERED_BYTES = Reading("headrace_buffered_bytes", "Bytes in memory of records read and not yet durable.", ("table",))
BUFFER_LIMIT = Gauge(
    "headrace_buffer_limit_bytes",
    "What can be buffered before reading pauses: one full batch that is written and one that is collected.",
    ("table",),
)
MEMORY_TARGET = Gauge(
    "headrace_memory_target_bytes",
    "Resident memory that the process aims to stay within; `process_resident_memory_bytes` is what it holds.",
    ("table",),
)
BUFFER_OLDEST = Reading(
    "headrace_buffer_oldest_record_timestamp_seconds",
    "Smallest Kafka timestamp among the first buffered records of each partition; absent while nothing is buffered.",
    ("table",),
)
PAUSED = Reading(
    "headrace_consumer_paused_partitions",
    "Partitions not delivered because the writer is slower than the topic.",
    ("topic",),
)

# -- commits

COMMITS = Counter(
    "headrace_commits_total",
    "Commits that landed; `table` is the main table or its quarantine.",
    ("table", "operation"),
    {"operation": ("append",)},
)
COMMIT_ATTEMPTS = Counter("headrace_commit_attempts_total", "How often a batch was tried.", ("table",))
COMMIT_FAILURES = Counter(
    "headrace_commit_failures_total",
    "Attempts that raised and did not end the worker. `conflict`: another commit came first. `fenced`: a partition had "
    "moved. `broker`: the topic could not be proved the same. `store`: the store failed after the commit had landed.",
    ("table", "reason"),
    {"reason": ("conflict", "fenced", "broker", "store")},
)
COMMIT_DURATION = Histogram(
    "headrace_commit_duration_seconds",
    "One commit to the main table, its fsync included; exemplars name batch and version.",
    ("table",),
    {},
    _COMMITS,
)
OUTCOME_UNKNOWN = Counter(
    "headrace_commit_outcome_unknown_total",
    "Attempts that raised, by what the tables said afterwards.",
    ("table", "resolution"),
    {"resolution": ("landed", "not_landed")},
)
DELTA_VERSION = Gauge(
    "headrace_delta_version", "Version of the table that this worker made or opened last.", ("table",)
)

# -- the group and the client

REBALANCES = Counter(
    "headrace_rebalances_total",
    "What the group said: partitions given, taken, or lost without being asked.",
    ("table", "event"),
    {"event": ("assign", "revoke", "lost")},
)
FENCED = Counter(
    "headrace_fenced_total",
    "Partitions that turned out to be somebody else's; what was read of them was dropped. `delta_txn`: the table had "
    "moved when the batch was committed. `session`: the group had taken them away without asking.",
    ("table", "reason"),
    {"reason": ("delta_txn", "session")},
)
OFFSET_COMMIT_FAILURES = Counter(
    "headrace_offset_commit_failures_total",
    "Positions that the group could not be told. Lag tools that ask the group are behind; the table is not.",
    ("topic",),
)
BROKER_RTT = Reading(
    "headrace_kafka_broker_rtt_seconds",
    "Round trip to the slowest broker in librdkafka's last window.",
    ("quantile",),
    {"quantile": ("0.5", "0.99")},
)
KAFKA_ERRORS = Counter(
    "headrace_kafka_errors_total", "What librdkafka reported beside the records, by its name for it.", ("code",)
)

INGEST: tuple[Metric, ...] = (
    CONSUMED_RECORDS,
    RECEIVED_BYTES,
    WRITTEN_RECORDS,
    WRITTEN_BYTES,
    WRITTEN_FILES,
    QUARANTINED_RECORDS,
    OFFSET_GAPS,
    LAG,
    HIGH_WATERMARK,
    LOW_WATERMARK,
    POSITION,
    COMMITTED,
    FRESHNESS,
    ASSIGNED,
    TOPIC_PARTITIONS,
    RECORD_DELAY,
    STAGE,
    BATCH_RECORDS,
    BATCH_BYTES,
    FLUSHES,
    FLUSH_AGE,
    BUFFERED_RECORDS,
    BUFFERED_BYTES,
    BUFFER_LIMIT,
    MEMORY_TARGET,
    BUFFER_OLDEST,
    PAUSED,
    COMMITS,
    COMMIT_ATTEMPTS,
    COMMIT_FAILURES,
    COMMIT_DURATION,
    OUTCOME_UNKNOWN,
    DELTA_VERSION,
    REBALANCES,
    FENCED,
    OFFSET_COMMIT_FAILURES,
    BROKER_RTT,
    KAFKA_ERRORS,
)
