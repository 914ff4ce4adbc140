"""Are tables fresh, is everything there, and does anything need me?"""

from deploy.boards.panels import PIPELINE, TABLE, TOPIC, ZERO, Board, Panel, Query, Section, age, newest, per_second

_FRESH = (
    Panel(
        "Freshness",
        "Age of the first record that is not in the table, as its workers tell; near 0 on an idle topic.",
        "s",
        (Query(f"namespace_table:headrace_freshness_seconds:max{{{TABLE}}}", "{{table}}"),),
        kind="number",
        alerts=("FreshnessSloBreached", "FreshnessSloBreachedCritical"),
        steps=((60, "yellow"), (300, "orange"), (900, "red")),
    ),
    Panel(
        "Error budget burned",
        "How many times faster than allowed tables were older than five minutes: at 1 one minute of a hundred "
        "was, as is promised; at 14 for an hour a month's budget lasts two days.",
        "none",
        (
            Query(f"(1 - avg_over_time(namespace_table:headrace_fresh:bool{{{TABLE}}}[1h])) / 0.01", "{{table}} 1 h"),
            Query(f"(1 - avg_over_time(namespace_table:headrace_fresh:bool{{{TABLE}}}[6h])) / 0.01", "{{table}} 6 h"),
        ),
        kind="number",
        alerts=("FreshnessSloBreached",),
        steps=((1, "orange"), (14, "red")),
    ),
    Panel(
        "Alerts that fire",
        "Of Headrace, now. Each has a runbook.",
        "none",
        (
            Query(
                "max by (severity, alertname, namespace, table, topic, instance) (\n"
                '  ALERTS{alertname=~"Headrace.+",alertstate="firing"}\n'
                ")",
                "{{alertname}}",
            ),
        ),
        kind="list",
    ),
    Panel(
        "Freshness, by workers and by tables",
        "The same from both sides: workers tell what they know, `headrace maintain` what table and topic say. "
        "Only the second goes on when no worker lives.",
        "s",
        (
            Query(f"namespace_table:headrace_freshness_seconds:max{{{TABLE}}}", "{{table}} worker"),
            Query(f"namespace_table:headrace_table_freshness_seconds:max{{{TABLE}}}", "{{table}} table"),
        ),
        alerts=("TableBehindSource", "FreshnessSloBreached"),
        steps=((300, "orange"), (900, "red")),
        width=12,
    ),
    Panel(
        "Lag, by workers and by tables",
        "Records of the topic that are not in the table. The two have to agree but for the seconds between two looks.",
        "short",
        (
            Query(f"namespace_topic:headrace_source_lag_records:sum{{{TOPIC}}}", "{{topic}} worker"),
            Query(f"namespace_table:headrace_table_source_lag_records:sum{{{TABLE}}}", "{{table}} table"),
        ),
        alerts=("LagGrowing", "TableBehindSource"),
        width=12,
    ),
)
_THERE = (
    Panel(
        "Lost",
        "Records that left the topic before they were in the table. Has to be 0.",
        "short",
        (
            Query(
                f"sum by (table) ({newest('headrace_table_source_gone_records', 'table', 'topic', 'partition')})",
                "{{table}}",
            ),
        ),
        kind="number",
        alerts=("RecordsLost",),
        steps=ZERO,
        width=6,
    ),
    Panel(
        "Proof",
        "Verdict of the last `headrace verify` of each table. 0: PASS, 1: UNKNOWN, 2: FAIL.",
        "none",
        (
            Query(
                "2 * "
                + newest("headrace_verify_verdict", "table", where=f'{TABLE},verdict="FAIL"')
                + " + "
                + newest("headrace_verify_verdict", "table", where=f'{TABLE},verdict="UNKNOWN"'),
                "{{table}}",
            ),
        ),
        kind="number",
        alerts=("VerifyFailed",),
        steps=((1, "orange"), (2, "red")),
        width=6,
    ),
    Panel(
        "Last proof that passed",
        "How long ago, of parts and of the whole table.",
        "s",
        (
            Query(age("headrace_verify_last_pass_timestamp_seconds", "table"), "{{table}}"),
            Query(age("headrace_verify_last_whole_pass_timestamp_seconds", "table"), "{{table}} whole"),
        ),
        kind="number",
        alerts=("VerifyOverdue",),
        steps=((2 * 86400, "orange"),),
        width=6,
    ),
    Panel(
        "Findings of the proof",
        "By their codes; docs/verify.md says what each means.",
        "short",
        (Query(f"{newest('headrace_verify_findings', 'table', 'code')} > 0", "{{table}} {{code}}"),),
        kind="list",
        alerts=("VerifyFailed",),
        width=6,
    ),
    Panel(
        "Records read and made durable",
        "Read from the topic, and rows that are in the table. What is between them is in the quarantine or on its way.",
        "rec/s",
        (
            Query(per_second("headrace_consumed_records_total", "topic", where=TOPIC), "{{topic}} read"),
            Query(per_second("headrace_written_records_total", "table"), "{{table}} durable"),
        ),
        width=12,
    ),
    Panel(
        "Quarantined",
        "Records that are no events of their contract, by reason.",
        "rec/s",
        (
            Query(
                per_second("headrace_quarantined_records_total", "topic", "reason", where=TOPIC) + " > 0",
                "{{topic}} {{reason}}",
            ),
        ),
        kind="stack",
        alerts=("QuarantineRatioHigh",),
        width=12,
    ),
)
_PROCESSES = (
    Panel(
        "Who answers",
        "1: Prometheus reaches the process.",
        "none",
        (Query(f'up{{job=~"headrace-.+",{PIPELINE}}}', "{{job}} {{instance}}"),),
        kind="states",
        alerts=("WorkerAbsent", "TableWithoutWorker", "TargetDown", "MaintenanceAbsent", "TableUnmaintained"),
        steps=((0, "red"), (1, "green")),
    ),
    Panel(
        "What they do",
        "The state of each process.",
        "none",
        (Query(f"headrace_component_state{{{PIPELINE}}} == 1", "{{instance}} {{state}}"),),
        kind="states",
    ),
    Panel(
        "Warnings and errors logged",
        "Lines a second by event; docs/operations.md says what each means.",
        "short",
        (
            Query(
                per_second("headrace_log_messages_total", "event", where=f'{PIPELINE},level=~"warning|error"') + " > 0",
                "{{event}}",
            ),
        ),
        kind="stack",
    ),
    Panel(
        "Versions",
        "Of Headrace and of the libraries that exactly once rests on.",
        "none",
        (
            Query(
                f"max by (job, instance, version, deltalake, librdkafka, python) (headrace_build_info{{{PIPELINE}}})",
                "{{instance}}",
            ),
        ),
        kind="list",
        width=12,
    ),
    Panel(
        "Settings",
        "Workers of one table have to have one hash.",
        "none",
        (
            Query(
                f"max by (table, instance, config_hash, write_mode) (headrace_config_info{{{TABLE}}})", "{{instance}}"
            ),
        ),
        kind="list",
        width=12,
    ),
)

OVERVIEW = Board(
    "headrace-overview",
    "Headrace: overview",
    "Are tables fresh, is everything there, and does anything need me?",
    (
        Section("Are tables fresh?", _FRESH),
        Section("Is everything there?", _THERE),
        Section("Do all processes live?", _PROCESSES),
    ),
)
