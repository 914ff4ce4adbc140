"""Sections of the board of tables: what maintenance does, and how old the figures are."""

from deploy.boards.panels import PIPELINE, ZERO, Panel, Query, age, newest, per_second, quantile

WORK = (
    Panel(
        "Jobs",
        "Tried, by kind.",
        "cps",
        (Query(per_second("headrace_maintenance_runs_total", "operation"), "{{operation}}"),),
        kind="stack",
    ),
    Panel(
        "Jobs that were not done",
        "`conflict` and `overtaken` are planned anew.",
        "cps",
        (
            Query(
                per_second("headrace_maintenance_failures_total", "operation", "reason") + " > 0",
                "{{operation}} {{reason}}",
            ),
        ),
        kind="stack",
        alerts=("MaintenanceFailing", "MaintenanceConflictsHigh"),
    ),
    Panel(
        "Time of a job",
        "99 of a hundred take less.",
        "s",
        (Query(quantile(0.99, "headrace_maintenance_duration_seconds", "operation", where=PIPELINE), "{{operation}}"),),
    ),
    Panel(
        "Bytes merged",
        "Read, and written in their place.",
        "Bps",
        (
            Query(per_second("headrace_maintenance_bytes_read_total", "table"), "{{table}} read"),
            Query(per_second("headrace_maintenance_bytes_written_total", "table"), "{{table}} written"),
        ),
    ),
    Panel(
        "Write amplification",
        "How often each byte that came to the table within a day was written again. Nothing while none came.",
        "none",
        (Query(newest("headrace_maintenance_write_amplification_ratio", "table"), "{{table}}"),),
        alerts=("WriteAmplificationHigh",),
        steps=((4, "orange"),),
    ),
    Panel(
        "Files merged, objects deleted",
        "Each second.",
        "cps",
        (
            Query(per_second("headrace_maintenance_files_removed_total", "table"), "{{table}} merged"),
            Query(per_second("headrace_maintenance_objects_deleted_total", "table"), "{{table}} deleted"),
        ),
    ),
    Panel(
        "Tries that lost against other commits",
        "Those of jobs that came through in the end too.",
        "cps",
        (Query(per_second("headrace_maintenance_conflicts_total", "table"), "{{table}}"),),
        alerts=("MaintenanceConflictsHigh",),
    ),
    Panel(
        "Everything done",
        "How long ago all that was due for the table was done.",
        "s",
        (Query(age("headrace_maintenance_last_success_timestamp_seconds", "table"), "{{table}}"),),
        alerts=("MaintenanceOverdue",),
        steps=((3600, "orange"),),
    ),
    Panel(
        "Thrift",
        "1: twice as many files have to gather before they are merged, because bytes were written again too often.",
        "none",
        (Query(newest("headrace_maintenance_thrifty", "table"), "{{table}}"),),
        kind="states",
        alerts=("WriteAmplificationHigh",),
        steps=((0, "green"), (1, "orange")),
    ),
    Panel(
        "Who maintains",
        "1: that process holds the lease of the table.",
        "none",
        (Query(newest("headrace_maintenance_lease_held", "table", "instance"), "{{table}} {{instance}}"),),
        kind="states",
    ),
    Panel(
        "Stopped or left alone",
        "Tables that somebody has to look at because rows were not the same after a merge, and tables whose files "
        "are not merged.",
        "none",
        (
            Query(newest("headrace_table_maintenance_blocked", "table"), "{{table}} stopped"),
            Query(newest("headrace_maintenance_left_alone", "table"), "{{table}} left alone"),
        ),
        kind="number",
        alerts=("MaintenanceInvariantViolated", "TableLeftAlone"),
        steps=ZERO,
    ),
)
LOOKS = (
    Panel(
        "Age of these figures",
        "By look: `log` at new commits, `full` at all of the log and the folder, `source` at the topic.",
        "s",
        (Query(age("headrace_table_collected_timestamp_seconds", "table", "look"), "{{table}} {{look}}"),),
        alerts=("TableHealthStale", "TableLagUnknown"),
        steps=((3600, "orange"),),
    ),
    Panel(
        "What they cost",
        "Seconds that each look took.",
        "s",
        (Query(newest("headrace_table_collection_duration_seconds", "table", "look"), "{{table}} {{look}}"),),
    ),
    Panel(
        "Looks that failed",
        "The numbers stay as they were; the log line `collection_failed` says why.",
        "cps",
        (Query(per_second("headrace_table_collection_failures_total", "table", "look"), "{{table}} {{look}}"),),
        alerts=("TableHealthStale",),
    ),
)
