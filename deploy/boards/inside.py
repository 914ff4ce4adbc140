"""Sections of the board of workers: what they hold, how they commit, and whom they talk to."""

from deploy.boards.panels import PIPELINE, TABLE, TOPIC, Panel, Query, age, in_range, newest, per_second, spread

MEMORY = (
    Panel(
        "Buffered",
        "Bytes read and not durable, and how much may be: above, reading pauses.",
        "bytes",
        (
            Query(newest("headrace_buffered_bytes", "table", "instance"), "{{table}} {{instance}}"),
            Query(newest("headrace_buffer_limit_bytes", "table", "instance"), "{{table}} {{instance}} limit"),
        ),
        alerts=("WorkerProcessingStuck",),
    ),
    Panel(
        "Buffered records",
        "Read and not durable.",
        "short",
        (Query(newest("headrace_buffered_records", "table", "instance"), "{{table}} {{instance}}"),),
        alerts=("WorkerProcessingStuck",),
    ),
    Panel(
        "Age of the oldest buffered record",
        "By Kafka's timestamp. Nothing where nothing is buffered.",
        "s",
        (Query(age("headrace_buffer_oldest_record_timestamp_seconds", "table", "instance"), "{{table}} {{instance}}"),),
    ),
    Panel(
        "Paused partitions",
        "Not delivered, because the writer is slower than the topic.",
        "short",
        (
            Query(
                newest("headrace_consumer_paused_partitions", "topic", "instance", where=TOPIC),
                "{{topic}} {{instance}}",
            ),
        ),
    ),
    Panel(
        "Memory",
        "What the process holds, and what it aims at. The hard limit should be a quarter above.",
        "bytes",
        (
            Query(
                f'max by (instance) (process_resident_memory_bytes{{job="headrace-ingest",{PIPELINE}}})', "{{instance}}"
            ),
            Query(newest("headrace_memory_target_bytes", "instance"), "{{instance}} aim"),
        ),
        alerts=("MemoryNearLimit",),
    ),
    Panel(
        "Processor",
        "Seconds of it in each second.",
        "none",
        (
            Query(
                per_second("process_cpu_seconds_total", "instance", where=f'{PIPELINE},job="headrace-ingest"'),
                "{{instance}}",
            ),
        ),
    ),
)
COMMITS = (
    Panel(
        "Time of a commit",
        "To the main table, its fsync included. Exemplars lead to the log line `flush`.",
        "s",
        spread("headrace_commit_duration_seconds", "table"),
        alerts=("CommitLatencyHigh",),
    ),
    Panel(
        "Tries to commit, and those that failed",
        "Each failure is tried again, and counted by its reason.",
        "cps",
        (
            Query(per_second("headrace_commit_attempts_total", "table"), "{{table}}"),
            Query(per_second("headrace_commit_failures_total", "table", "reason") + " > 0", "{{table}} {{reason}}"),
        ),
        alerts=("CommitFailureRatioHigh",),
    ),
    Panel(
        "Outcome unknown at first",
        "Commits that raised, by what the table said afterwards: none is doubled or left out.",
        "short",
        (Query(in_range("headrace_commit_outcome_unknown_total", "table", "resolution"), "{{table}} {{resolution}}"),),
        kind="number",
    ),
    Panel(
        "Version of the table",
        "Newest that workers saw.",
        "none",
        (Query(newest("headrace_delta_version", "table"), "{{table}}"),),
    ),
    Panel(
        "Proof that conflicts are refused",
        "1: the store has refused a conflicting commit when the process started.",
        "none",
        (Query(f"min by (job, instance) (headrace_delta_conflict_guard_ok{{{PIPELINE}}})", "{{job}} {{instance}}"),),
        kind="states",
        alerts=("ConflictGuardFailed",),
        steps=((0, "red"), (1, "green")),
    ),
)
GROUP = (
    Panel(
        "Rebalances",
        "Partitions that workers were given, that were taken from them, or that they lost without being asked.",
        "short",
        (
            Query(
                f"sum by (table, event) (increase(headrace_rebalances_total{{{TABLE}}}[$__rate_interval]))",
                "{{table}} {{event}}",
            ),
        ),
        kind="stack",
        alerts=("RebalanceStorm",),
    ),
    Panel(
        "Fenced",
        "Partitions that turned out to be somebody else's. What was read of them was dropped; the other one has it.",
        "short",
        (Query(in_range("headrace_fenced_total", "table", "reason"), "{{table}} {{reason}}"),),
        kind="number",
        alerts=("WorkerFenced",),
        steps=((1e-9, "orange"),),
    ),
    Panel(
        "Positions that the group was not told",
        "Tools that ask the group are behind; the table is not.",
        "short",
        (Query(in_range("headrace_offset_commit_failures_total", "topic", where=TOPIC), "{{topic}}"),),
        kind="number",
    ),
    Panel(
        "Round trip to the brokers",
        "To the slowest of them.",
        "s",
        (Query(f"max by (quantile) (headrace_kafka_broker_rtt_seconds{{{PIPELINE}}})", "p{{quantile}}"),),
    ),
    Panel(
        "Errors of the client",
        "What librdkafka reported, by its name for it.",
        "cps",
        (Query(per_second("headrace_kafka_errors_total", "code", where=PIPELINE), "{{code}}"),),
        kind="stack",
    ),
    Panel(
        "Loops",
        "How long ago each last turned. One that grows hangs.",
        "s",
        (
            Query(
                f"time() - max by (instance, loop) (headrace_loop_last_tick_timestamp_seconds{{{PIPELINE}}})",
                "{{instance}} {{loop}}",
            ),
        ),
        alerts=("WorkerProcessingStuck",),
    ),
)
