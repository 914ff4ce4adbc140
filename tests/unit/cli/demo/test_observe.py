"""What Prometheus is told to scrape."""

from pathlib import Path

from headrace_cli.demo.observe import prometheus_config


def test_every_process_is_scraped_under_the_name_that_the_rules_go_by() -> None:
    urls = {
        "ingest-trades-1": "http://127.0.0.1:1",
        "ingest-headrace_heartbeat": "http://127.0.0.1:2",
        "maintain": "http://127.0.0.1:3",
        "canary": "http://127.0.0.1:4",
    }
    config = prometheus_config(urls, Path("/rules"))
    assert config["rule_files"] == ["/rules/*.yaml"]
    jobs = config["scrape_configs"]
    assert isinstance(jobs, list)
    assert {job["job_name"]: job["static_configs"][0]["targets"] for job in jobs} == {
        "headrace-ingest": ["127.0.0.1:1", "127.0.0.1:2"],
        "headrace-maintenance": ["127.0.0.1:3"],
        "headrace-canary": ["127.0.0.1:4"],
    }


def test_without_rules_there_are_none() -> None:
    assert prometheus_config({}, None)["rule_files"] == []
