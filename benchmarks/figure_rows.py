"""What each benchmark measured, as rows of a table."""

import statistics
from typing import Any

Measured = dict[str, Any]
"""What one benchmark gives."""

Row = tuple[str, str, str]
"""What, its figure, and what stands beside it."""


def throughput(measured: Measured) -> list[Row]:
    return [
        (
            f"drain of {measured['records']:,} trades of {measured['value_bytes']} bytes, one worker",
            f"{measured['worker_per_second']:,} records/s",
            f"{measured['ratio']:.2f} of a process that consumes and throws away "
            f"({measured['consume_only_per_second']:,}/s; {min(measured['ratios']):.2f} to "
            f"{max(measured['ratios']):.2f} in {len(measured['ratios'])} rounds); "
            f"{measured['ratio_to_tuned']:.2f} of one that keeps "
            f"Python's garbage collector away, too ({measured['consume_only_tuned_per_second']:,}/s)",
        ),
        ("records per CPU second, start-up included", f"{measured['worker_per_cpu_second']:,}", ""),
    ]


def memory(measured: Measured) -> list[Row]:
    return [
        (
            "peak resident memory",
            f"{measured['large_peak_rss_mib']} MiB at {measured['large_backlog']:,} records of backlog",
            f"{measured['small_peak_rss_mib']} MiB at {measured['small_backlog']:,}; "
            f"budget {measured['budget_mib']} MiB",
        )
    ]


def freshness(measured: Measured) -> list[Row]:
    """A row for each rate, the highest last."""
    return [
        (
            f"freshness at {int(rate):,} events/s, flushed every {measured['flush_seconds']:g} s",
            f"p50 {ages['p50_seconds']:.2f} s, p99 {ages['p99_seconds']:.2f} s",
            "Kafka timestamp to visible commit",
        )
        for rate, ages in sorted(measured["at_events_per_second"].items(), key=lambda at: int(at[0]))
    ]


def restart(measured: Measured) -> list[Row]:
    return [
        (
            "first commit after SIGKILL and restart",
            f"{measured['seconds_to_first_commit']:.1f} s",
            f"{measured['seconds_to_first_commit_static_member']:.1f} s with a static member id",
        )
    ]


def commit_cost(measured: Measured) -> list[Row]:
    p50, grown = measured["p50_ms_at"], measured["last_to_first"]
    return [
        (
            "commit p50 at commit " + ", ".join(f"{int(at):,}" for at in p50),
            ", ".join(f"{ms:.1f}" for ms in p50.values()) + " ms",
            f"{measured['rows_per_commit']} rows each, no upkeep; in the median of {len(grown)} tables "
            f"the last {statistics.median(grown):.1f} times the first ({min(grown):.1f} to {max(grown):.1f})",
        )
    ]


def verify(measured: Measured) -> list[Row]:
    return [
        (
            f"peak resident memory of verify, {what}",
            f"{measured[name]['peak_rss_mib']} MiB at {measured[name]['rows']:,} rows",
            f"{measured[name]['seconds']:.0f} s",
        )
        for name, what in (("files", "log and files"), ("broker", "every value against the topic"))
    ]


def scale(measured: Measured) -> list[Row]:
    steady, drained = measured["workers"], measured["drain_per_second"]

    def each(name: str, digits: int) -> str:
        return ", ".join(f"{run[name]:,.{digits}f}" for run in steady.values())

    return [
        (
            f"{', '.join(steady)} workers of one table at {measured['events_per_second']:,} events/s, flushed every "
            f"{measured['flush_seconds']:g} s",
            f"freshness p99 {each('freshness_p99_seconds', 2)} s",
            f"{each('commits_per_second', 1)} commits/s; commit p50 {each('commit_p50_ms', 0)} ms; "
            f"{each('conflicts_per_commit', 2)} conflicts a commit",
        ),
        (
            f"drain of a backlog over {measured['partitions']} partitions by two workers",
            f"{drained['2']:,} records/s",
            f"{measured['drain_ratio_of_two']:.2f} times one worker ({drained['1']:,}/s)",
        ),
    ]


def producer(measured: Measured) -> list[Row]:
    rates, ratios, cpu, late = (measured[key] for key in ("per_second", "ratio", "cpu_microseconds", "p99_ack_ms"))
    plain = f"plain confluent-kafka `produce` of the same bytes ({rates['plain']:,}/s"
    return [
        *(
            (
                what,
                f"{rates[name]:,} events/s",
                f"{ratios[name]:.2f} of {plain}); {cpu[name]:.1f} µs of CPU each, plain {cpu['plain']:.1f}",
            )
            for name, what in (
                ("emit", "`EventProducer.emit`, to the last acknowledgement"),
                ("make_and_emit", "the same, each Trade made and validated first"),
                ("async_emit", "`AsyncEventProducer.emit`"),
                ("async_make_and_emit", "the same, each Trade made and validated first, on asyncio"),
            )
        ),
        (
            f"p99 from emit to acknowledgement at {measured['acknowledged_at_per_second']:,} events/s",
            f"{late['emit']:.1f} ms, on asyncio {late['async_emit']:.1f} ms",
            f"plain {late['plain']:.1f} ms",
        ),
    ]


def export(measured: Measured) -> list[Row]:
    (few, little), (many, much) = measured["at_files"].items()
    return [
        (
            f"`headrace export` on a table of {int(many):,} files",
            f"{much['full_cpu_seconds']:.1f} s of CPU for a full look, {much['peak_rss_mib']} MiB at the peak",
            f"{much['new_commits_cpu_seconds']:.1f} s for {measured['new_commits']} new commits; "
            f"{little['peak_rss_mib']} MiB at {int(few):,} files",
        )
    ]


def small_files(measured: Measured) -> list[Row]:
    mine, once, often = (
        measured[name] for name in ("headrace_as_they_come", "by_hand_once", "by_hand_every_two_commits")
    )
    return [
        (
            f"{measured['files']:,} files of {measured['rows_per_file']:,} rows, merged as they come",
            f"{mine['amplification']:.2f} bytes written for each that came, {mine['seconds']:.0f} s; at most "
            f"{mine['most_files']} files at once",
            f"`optimize.compact` by hand at the end: {once['amplification']:.2f}, {once['seconds']:.0f} s, "
            f"{once['most_files']:,} files; after every second commit: {often['amplification']:.0f} and "
            f"{often['seconds']:.0f} s for the first {often['files']} alone",
        )
    ]


def maintained_day(measured: Measured) -> list[Row]:
    day, opened = measured["day"], measured["open_ms"]
    return [
        (
            f"write amplification of a day of {day['commits']:,} commits, sealing included",
            f"{day['amplification']:.2f}",
            f"its files are {day['files']} in the end, {day['most_files']} at most",
        ),
        (
            f"opening a table after {measured['commits']:,} commits with maintenance",
            f"{opened['last']:.1f} ms",
            f"{measured['open_ratio']:.1f} times as long as in its first hundred commits ({opened['first']:.1f} ms); "
            f"without maintenance {measured['open_ratio_without_maintenance']:.1f} times; a table of one commit "
            f"{opened['of_one_commit']:.1f} ms",
        ),
    ]


def maintained_commits(measured: Measured) -> list[Row]:
    return [
        (
            "commit p50 of a worker with maintenance beside it",
            f"{measured['p50_ms_beside']:.1f} ms",
            f"{measured['ratio']:.2f} of {measured['p50_ms_alone']:.1f} ms alone; {measured['merges']} merges during "
            f"{measured['commits']} commits",
        )
    ]


def point_query(measured: Measured) -> list[Row]:
    before, merged, after = (measured["stages"][name] for name in ("flushed", "merged", "sealed"))
    asked = {"symbol": "one symbol", "symbol_and_minute": "one symbol and minute", "transaction_id": "one id"}
    return [
        (
            f"read for rows of {what}, sealed",
            f"{after[query]['files']} of {after['table']['files']} files, {after[query]['bytes'] / 2**20:.2f} of "
            f"{after['table']['bytes'] / 2**20:.1f} MiB",
            f"as flushed {before[query]['files']} of {before['table']['files']} files, "
            f"{before[query]['bytes'] / 2**20:.2f} MiB; merged, not sealed {merged[query]['files']} of "
            f"{merged['table']['files']}, {merged[query]['bytes'] / 2**20:.2f} MiB",
        )
        for query, what in asked.items()
    ]


def latest(measured: Measured) -> list[Row]:
    sizes, worker = measured["at_keys"], measured["worker"]
    batch = f"{measured['rows_per_batch']:,}"
    return [
        *(
            (
                f"latest rows: {batch} random keys at a time into a table of {int(keys):,}",
                f"{size['writer']['rows_per_second']:,} rows/s",
                f"{size['writer']['ms_per_1000_rows']:.0f} ms per 1,000 rows; deltalake's MERGE of the same "
                f"{size['merge']['ms_per_1000_rows']:,.0f} ms",
            )
            for keys, size in sizes.items()
        ),
        (
            f"peak resident memory of a worker of latest rows with {worker['keys']:,} keys",
            f"{worker['updated_peak_rss_mib']} MiB at {worker['updates']:,} records of backlog",
            f"{worker['updated_per_second']:,} records/s; {worker['filled_peak_rss_mib']} MiB and "
            f"{worker['filled_per_second']:,} records/s when it made the table; budget {worker['budget_mib']} MiB",
        ),
    ]


def readers(measured: Measured) -> list[Row]:
    few, *_, many = measured["readers"].items()
    rest, analytical, opened = measured["at_rest"], measured["analytical_ms"], measured["open_ms"]
    return [
        (
            f"rows of one symbol and minute of {measured['rows']:,}, one reader",
            f"p50 {rest['p50_ms']:.1f} ms, p99 {rest['p99_ms']:.1f} ms",
            "half of the questions are of the newest ten minutes; files in memory, nothing else goes on",
        ),
        (
            f"the same, {many[0]} readers asking once a second",
            f"p50 {many[1]['p50_ms']:.1f} ms, p99 {many[1]['p99_ms']:.1f} ms",
            f"beside a commit a second and maintenance; {few[0]} reader p50 {few[1]['p50_ms']:.1f} ms; at most "
            f"{measured['answers_per_second']:.0f} answers a second",
        ),
        (
            "volume and commission per strategy over all of them",
            f"{analytical['alone'] / 1000:.2f} s",
            f"{analytical['beside'] / 1000:.2f} s beside the commits, files in memory; "
            f"one trade by its id {measured['id_ms']:.0f} ms",
        ),
        (
            "what a question costs before a row is read",
            f"{opened['again']:.1f} ms",
            f"opening the table each time {opened['anew']:.1f} ms",
        ),
    ]
