"""How good tables are to read, and what maintenance does about it."""

from deploy.boards.panels import Board, Panel, Query, Section, age, newest
from deploy.boards.upkeep import LOOKS, WORK

_HEALTH = (
    Panel(
        "Health",
        "How good the table is to read, 0 to 100. `headrace health` says what it lacks.",
        "none",
        (Query(newest("headrace_table_health_score", "table"), "{{table}}"),),
        kind="number",
        steps=((-1, "red"), (50, "orange"), (80, "green")),
        width=6,
    ),
    Panel(
        "What health is made of",
        "At most 40 for `file_size`, 25 for `small_files`, 15 for `checkpoint`, 10 for each other part; "
        "the average of the tables that are chosen.",
        "none",
        (Query(f"avg by (part) ({newest('headrace_table_health_points', 'table', 'part')})", "{{part}}"),),
        kind="stack",
        width=6,
    ),
    Panel(
        "Debt",
        "From 1 on small files come faster than they are merged, and workers flush less often.",
        "none",
        (Query(newest("headrace_table_debt", "table"), "{{table}}"),),
        alerts=("SmallFilesHigh",),
        steps=((1, "orange"),),
        width=6,
    ),
    Panel(
        "Last rows",
        "How long ago rows last came or went, and how old the newest event is by its own clock.",
        "s",
        (
            Query(age("headrace_table_last_data_commit_timestamp_seconds", "table"), "{{table}} commit"),
            Query(age("headrace_table_newest_event_timestamp_seconds", "table"), "{{table}} event"),
        ),
        alerts=("TableCommitsStopped",),
        width=6,
    ),
)
_FILES = (
    Panel(
        "Files",
        "Data files of the newest version, all and those that compaction would merge.",
        "short",
        (
            Query(newest("headrace_table_files", "table"), "{{table}}"),
            Query(newest("headrace_table_small_files", "table", "tier"), "{{table}} {{tier}}"),
        ),
        alerts=("FileCountHigh",),
    ),
    Panel(
        "Small files of the worst partition",
        "A reader of that partition opens all of them.",
        "short",
        (Query(newest("headrace_table_partition_small_files_max", "table"), "{{table}}"),),
        alerts=("SmallFilesHigh",),
        steps=((200, "orange"),),
    ),
    Panel(
        "Size of files",
        "One of ten is smaller, half are, nine of ten are. Good are tens of MiB.",
        "bytes",
        tuple(
            Query(
                f"histogram_quantile({share}, {newest('headrace_table_files_by_size', 'table', 'le')})",
                f"{{{{table}}}} p{share:.0%}"[:-1],
            )
            for share in (0.1, 0.5, 0.9)
        ),
    ),
    Panel(
        "Bytes",
        "Of all files, and of the small ones.",
        "bytes",
        (
            Query(newest("headrace_table_active_bytes", "table"), "{{table}}"),
            Query(newest("headrace_table_small_file_bytes", "table", "tier"), "{{table}} {{tier}}"),
        ),
    ),
    Panel(
        "Rows",
        "As far as writers said how many. Replaced: rows of a table of latest rows that files still hold.",
        "short",
        (
            Query(newest("headrace_table_rows", "table"), "{{table}}"),
            Query(newest("headrace_table_deleted_rows", "table"), "{{table}} replaced"),
        ),
    ),
    Panel(
        "Files whose rows are not known",
        "Their writer did not say how many rows; other tools may leave that out.",
        "short",
        (Query(newest("headrace_table_files_without_row_count", "table"), "{{table}}"),),
        kind="number",
        steps=((1e-9, "orange"),),
    ),
    Panel(
        "Partitions",
        "Values of the partition column that have a file.",
        "short",
        (Query(newest("headrace_table_partitions", "table"), "{{table}}"),),
    ),
    Panel(
        "Bytes of partitions",
        "The largest, and half of them are smaller than the median. Far apart: the table is skewed.",
        "bytes",
        (
            Query(newest("headrace_table_partition_bytes_max", "table"), "{{table}} largest"),
            Query(newest("headrace_table_partition_bytes_median", "table"), "{{table}} median"),
        ),
    ),
)
_LOG = (
    Panel(
        "Commits since the checkpoint",
        "Whoever opens the table reads them one by one.",
        "short",
        (
            Query(
                f"{newest('headrace_table_version', 'table')}"
                f" - {newest('headrace_table_last_checkpoint_version', 'table')}",
                "{{table}}",
            ),
        ),
        alerts=("CheckpointOverdue", "CheckpointOverdueCritical"),
        steps=((500, "orange"), (5000, "red")),
    ),
    Panel(
        "Versions that are retained",
        "How far back history goes, in commits.",
        "short",
        (
            Query(
                f"{newest('headrace_table_version', 'table')} - {newest('headrace_table_oldest_log_version', 'table')}",
                "{{table}}",
            ),
        ),
    ),
    Panel(
        "Objects of the log",
        "All, and those that are neither commit nor checkpoint.",
        "short",
        (
            Query(newest("headrace_table_log_objects", "table"), "{{table}}"),
            Query(newest("headrace_table_log_stray_objects", "table"), "{{table}} strays"),
        ),
        alerts=("LogObjectsHigh",),
    ),
    Panel(
        "Bytes of the log",
        "Of all its objects.",
        "bytes",
        (Query(newest("headrace_table_log_bytes", "table"), "{{table}}"),),
    ),
    Panel(
        "Files that left the table",
        "Those that the log remembers, those that may be deleted by now, and those that no version names.",
        "short",
        (
            Query(newest("headrace_table_tombstones", "table"), "{{table}} left"),
            Query(newest("headrace_table_vacuumable_files", "table"), "{{table}} expired"),
            Query(newest("headrace_table_orphan_files", "table"), "{{table}} orphans"),
        ),
    ),
    Panel(
        "Bytes that may be deleted",
        "Of files that left the table longer ago than it keeps them.",
        "bytes",
        (Query(newest("headrace_table_vacuumable_bytes", "table"), "{{table}}"),),
        alerts=("VacuumBacklogHigh",),
    ),
)
TABLES = Board(
    "headrace-tables",
    "Headrace: tables and maintenance",
    "How good tables are to read, and what maintenance does about it.",
    (
        Section("Are they good to read?", _HEALTH),
        Section("Files", _FILES),
        Section("Log and garbage", _LOG),
        Section("Maintenance", WORK),
        Section("The figures themselves", LOOKS),
    ),
    merges=True,
)
