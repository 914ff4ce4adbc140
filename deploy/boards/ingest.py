"""What workers do, and what holds them up."""

from deploy.boards.inside import COMMITS, GROUP, MEMORY
from deploy.boards.panels import TOPIC, ZERO, Board, Panel, Query, Section, age, newest, per_second, spread

_LAG = (
    Panel(
        "Lag by partition",
        "Records of each partition that are not durable. One line alone: a stalled partition, or a busy key.",
        "short",
        (Query(newest("headrace_source_lag_records", "topic", "partition", where=TOPIC), "{{topic}} {{partition}}"),),
        alerts=("PartitionStalled", "LagGrowing"),
    ),
    Panel(
        "Age by partition",
        "How long ago everything of the partition was durable.",
        "s",
        (
            Query(
                age("headrace_partition_watermark_timestamp_seconds", "table", "topic", "partition"),
                "{{topic}} {{partition}}",
            ),
        ),
        alerts=("FreshnessSloBreached",),
        steps=((300, "orange"), (900, "red")),
    ),
    Panel(
        "Delay of records",
        "From Kafka's timestamp to durable, of the record of each batch that waited longest.",
        "s",
        spread("headrace_record_delay_seconds", "table", "phase"),
    ),
    Panel(
        "Who reads which partition",
        "1: the worker reads it. 0: it was lost, nobody has answered the worker since.",
        "none",
        (
            Query(
                newest("headrace_partition_assigned", "topic", "partition", "instance", where=TOPIC),
                "{{topic}} {{partition}} {{instance}}",
            ),
        ),
        kind="states",
        alerts=("PartitionUnowned",),
        steps=((0, "orange"), (1, "green")),
    ),
    Panel(
        "Partitions without a worker",
        "Partitions that nobody reads.",
        "short",
        (
            Query(
                f"{newest('headrace_topic_partitions', 'namespace', 'topic', where=TOPIC)} - "
                f"namespace_topic:headrace_partition_assigned:sum{{{TOPIC}}}",
                "{{topic}}",
            ),
        ),
        kind="number",
        alerts=("PartitionUnowned",),
        steps=ZERO,
        width=4,
    ),
    Panel(
        "Read, but not durable",
        "Records between the next one to read and the next one to make durable.",
        "short",
        (
            Query(
                "sum by (topic) (max by (topic, partition) (\n"
                f"  headrace_position_offset{{{TOPIC}}} - headrace_committed_offset{{{TOPIC}}}\n"
                "))",
                "{{topic}}",
            ),
        ),
        alerts=("OffsetRewound",),
        width=6,
    ),
    Panel(
        "Room until retention",
        "Where the table stands between the oldest record of the topic (0 %) and its end. "
        "What retention deletes unread is lost.",
        "percentunit",
        (
            Query(
                "min by (topic) (\n"
                f"  (headrace_committed_offset{{{TOPIC}}} - headrace_source_low_watermark_offset{{{TOPIC}}})\n"
                f"  / (headrace_source_high_watermark_offset{{{TOPIC}}}\n"
                f"  - headrace_source_low_watermark_offset{{{TOPIC}}} > 0)\n"
                ")",
                "{{topic}}",
            ),
        ),
        alerts=("RetentionHeadroomLow",),
        width=6,
    ),
)
_RATES = (
    Panel(
        "Bytes",
        "Received from the brokers, prefetched ones too, and Parquet that was made of them.",
        "Bps",
        (
            Query(per_second("headrace_received_bytes_total", "topic", where=TOPIC), "{{topic}} received"),
            Query(per_second("headrace_written_bytes_total", "table"), "{{table}} written"),
        ),
    ),
    Panel(
        "Files and commits",
        "A commit writes one file for each partition value of the table that it has rows of.",
        "cps",
        (
            Query(per_second("headrace_written_files_total", "table"), "{{table}} files"),
            Query(per_second("headrace_commits_total", "table", "operation"), "{{table}} {{operation}}"),
        ),
    ),
    Panel(
        "Where the time goes",
        "Seconds of work in each second, by stage. `poll` is mostly waiting for records. Near 1 for another: "
        "it is what limits a worker. Commits that take the most want larger batches.",
        "s",
        (Query(per_second("headrace_stage_duration_seconds_sum", "stage"), "{{stage}}"),),
        kind="stack",
    ),
    Panel(
        "Time of a stage",
        "99 of a hundred take less.",
        "s",
        spread("headrace_stage_duration_seconds", "stage")[1:],
    ),
    Panel(
        "Records of a batch",
        "When it was flushed.",
        "short",
        spread("headrace_batch_records", "table"),
    ),
    Panel(
        "Bytes of a batch",
        "In memory, when it was flushed.",
        "bytes",
        spread("headrace_batch_bytes", "table"),
    ),
    Panel(
        "Why batches were closed",
        "`age` on a quiet topic, `rows` or `bytes` on a busy one. `memory`: the worker has too little of it.",
        "cps",
        (Query(per_second("headrace_flushes_total", "trigger"), "{{trigger}}"),),
        kind="stack",
    ),
    Panel(
        "Age at which batches are flushed",
        "As set, or longer while the table has more small files than maintenance can merge.",
        "s",
        (Query(newest("headrace_flush_age_seconds", "table", "instance"), "{{table}} {{instance}}"),),
    ),
    Panel(
        "Offsets without a record",
        "Transaction markers, and records that were aborted or compacted away. Not lost ones.",
        "rec/s",
        (Query(per_second("headrace_source_offset_gap_records_total", "topic", where=TOPIC), "{{topic}}"),),
    ),
)
INGEST = Board(
    "headrace-ingest",
    "Headrace: ingest",
    "What workers do, and what holds them up.",
    (
        Section("How far behind?", _LAG),
        Section("What do they do?", _RATES),
        Section("What do they hold?", MEMORY),
        Section("Commits", COMMITS),
        Section("The group and the client", GROUP),
    ),
)
