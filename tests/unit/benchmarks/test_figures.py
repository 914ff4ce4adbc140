import json

from benchmarks.figures import RESULTS, documents, render, render_few


def test_documents_show_the_figures_of_the_last_run() -> None:
    shown = documents(json.loads(RESULTS.read_text()))
    assert {path.name for path in shown} == {"README.md", "benchmarks.md"}
    assert {path: path.read_text() for path in shown} == shown


def test_the_few_figures_are_rows_of_all_figures() -> None:
    results = json.loads(RESULTS.read_text())
    few, everything = render_few(results).splitlines(), render(results).splitlines()
    assert set(few) <= set(everything)
    assert "20,000 events/s" in few[3]


def test_producers_are_shown_once_they_were_measured() -> None:
    results = json.loads(RESULTS.read_text())
    ways = ("plain", "emit", "make_and_emit", "async_emit", "async_make_and_emit")
    results["producer"] = {
        "per_second": dict.fromkeys(ways, 100_000),
        "ratio": dict.fromkeys(ways, 0.61),
        "cpu_microseconds": dict.fromkeys(ways, 7.5),
        "acknowledged_at_per_second": 1_000,
        "p99_ack_ms": dict.fromkeys(ways, 8.25),
    }
    assert "0.61 of plain confluent-kafka" in render(results)


def test_workers_beside_each_other_are_shown_once_they_were_measured() -> None:
    results = json.loads(RESULTS.read_text())
    run = {
        "commits_per_second": 0.5,
        "conflicts_per_commit": 0.25,
        "commit_p50_ms": 15.2,
        "freshness_p99_seconds": 2.12,
    }
    results["scale"] = {
        "partitions": 8,
        "events_per_second": 4_000,
        "flush_seconds": 2.0,
        "workers": dict.fromkeys(("1", "2"), run),
        "drain_per_second": {"1": 200_000, "2": 300_000},
        "drain_ratio_of_two": 1.5,
    }
    shown = render(results)
    for said in ("| freshness p99 2.12, 2.12 s | 0.5, 0.5 commits/s;", "| 300,000 records/s | 1.50 times one worker"):
        assert said in shown


def test_maintenance_is_shown_once_it_was_measured() -> None:
    results = json.loads(RESULTS.read_text())
    spent = {"seconds": 4.2, "merges": 7, "written_mib": 2.0, "amplification": 0.71, "most_files": 48}
    ways = ("headrace_as_they_come", "headrace_once", "by_hand_once", "by_hand_every_two_commits")
    read = {"files": 3, "bytes": 2**19, "rows": 9}
    stage = dict.fromkeys(("table", "symbol", "symbol_and_minute", "transaction_id"), read)
    results |= {
        "small_files": {"files": 2_000, "rows_per_file": 1_000, **{way: {"files": 400, **spent} for way in ways}},
        "maintained_day": {
            "day": {"commits": 8_640, "amplification": 2.24, "files": 1, "most_files": 60},
            "commits": 10_000,
            "open_ms": {"of_one_commit": 3.0, "first": 11.0, "last": 25.0, "last_without_maintenance": 99.0},
            "open_ratio": 2.27,
            "open_ratio_without_maintenance": 9.0,
        },
        "maintained_commits": {"p50_ms_beside": 11.2, "p50_ms_alone": 10.9, "ratio": 1.03, "merges": 9, "commits": 300},
        "point_query": {"stages": dict.fromkeys(("flushed", "merged", "sealed"), stage)},
    }
    shown = render(results)
    for said in ("| 0.71 bytes written", "| 2.24 |", "2.3 times as long", "1.03 of 10.9 ms alone", "0.50 of 0.5 MiB"):
        assert said in shown


def test_latest_rows_are_shown_once_they_were_measured() -> None:
    results = json.loads(RESULTS.read_text())
    cost = {"rows_per_second": 21_000, "ms_per_1000_rows": 47.6}
    worker = {"keys": 1_000_000, "budget_mib": 512, "updates": 300_000}
    rates = dict.fromkeys(("filled_per_second", "filled_peak_rss_mib", "updated_per_second"), 400)
    results["latest"] = {
        "rows_per_batch": 1_000,
        "at_keys": {"10000": {"writer": cost, "merge": {"ms_per_1000_rows": 1_402.4}}},
        "worker": {**worker, **rates, "updated_peak_rss_mib": 391},
    }
    shown = render(results)
    for said in ("| 21,000 rows/s | 48 ms per 1,000 rows; deltalake's MERGE of the same 1,402 ms |", "| 391 MiB at"):
        assert said in shown


def test_readers_are_shown_once_they_were_measured() -> None:
    results = json.loads(RESULTS.read_text())
    results["readers"] = {
        "rows": 2_400_000,
        "at_rest": {"asked": 200, "p50_ms": 7.0, "p99_ms": 19.5},
        "readers": {many: {"asked": 30, "p50_ms": 8.0, "p99_ms": 41.5} for many in ("1", "10", "50")},
        "answers_per_second": 80.1,
        "analytical_ms": {"alone": 400.1, "beside": 700.2},
        "id_ms": 60.0,
        "open_ms": {"anew": 20.1, "again": 0.1},
    }
    shown = render(results)
    for said in (
        "| p50 7.0 ms, p99 19.5 ms |",
        "| p50 8.0 ms, p99 41.5 ms |",
        "| 0.40 s | 0.70 s beside",
        "opening the table each time 20.1 ms",
    ):
        assert said in shown
