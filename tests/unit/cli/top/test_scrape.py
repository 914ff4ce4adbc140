"""Asking processes, and understanding them."""

from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from headrace.errors import ConfigError
from headrace.metrics import CANARY, COMMON, INGEST, MAINTENANCE, TABLES, common, ingest
from headrace.metrics.health import Health
from headrace.metrics.recorder import Recorder
from headrace.metrics.server import MetricsServer
from headrace.testing.manual_clock import ManualClock
from headrace_cli.top.scrape import Kind, Scraper, ask, parse, url_of
from tests.behaviour.world import DAY
from tests.unit.cli.top.shown import VERSIONS, scrape_of


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("db1:9700", "http://db1:9700"),
        ("db1", "http://db1:9640"),
        ("http://db1:9700/metrics", "http://db1:9700"),
        ("https://proxy/worker-1/metrics", "https://proxy:9640/worker-1/metrics"),
        ("[::1]:9641", "http://[::1]:9641"),
    ],
)
def test_an_address_is_told_in_any_usual_way(endpoint: str, url: str) -> None:
    assert url_of(endpoint) == url


@pytest.mark.parametrize("endpoint", ["", ":9640", "db1:port", "ftp://db1:9640", "db1:99999"])
def test_what_is_no_address_is_refused(endpoint: str) -> None:
    with pytest.raises(ConfigError, match="write host:port"):
        url_of(endpoint)


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        (INGEST, Kind.INGEST),
        ([*TABLES, *MAINTENANCE], Kind.MAINTAIN),
        (TABLES, Kind.EXPORT),
        (CANARY, Kind.CANARY),
        ((), Kind.OTHER),
    ],
)
def test_a_process_is_known_by_its_metrics_before_any_of_them_is_set(parts: tuple[object, ...], kind: Kind) -> None:
    assert scrape_of(parts).kind is kind  # type: ignore[arg-type]


def test_what_is_not_of_headrace_is_refused() -> None:
    with pytest.raises(ValueError, match="no process of Headrace"):
        parse("http://x:1", "# TYPE up gauge\nup 1\n", at=0, seconds=0)


@pytest.fixture
def server() -> Iterator[tuple[MetricsServer, Recorder]]:
    registry = CollectorRegistry()
    recorder = Recorder(registry, [*COMMON, *INGEST], table="trades", topic="trades")
    recorder.put(common.BUILD, 1, **VERSIONS)
    with MetricsServer(registry, Health(ManualClock(DAY), stall_seconds=1), address="127.0.0.1", port=0) as served:
        yield served, recorder


def test_a_process_is_asked_again_and_again_and_remembered_when_it_goes(server: tuple[MetricsServer, Recorder]) -> None:
    served, recorder = server
    scraper = Scraper([served.url.removeprefix("http://")], timeout=5)
    (first,) = scraper.look().scrapes
    recorder.add(ingest.WRITTEN_RECORDS, 5)
    look = scraper.look()

    assert look.scrapes[0].total(ingest.WRITTEN_RECORDS, table="trades") == 5
    assert look.before == {served.url: (first,)}
    served.close()
    gone = scraper.look()
    assert gone.scrapes == ()
    assert [(each.url, each.seconds is not None) for each in gone.silent] == [(served.url, True)]


def test_one_that_never_answered_is_told_if_it_was_named(server: tuple[MetricsServer, Recorder]) -> None:
    served, _ = server
    served.close()
    (silent,) = Scraper([served.url], timeout=5).look().silent
    assert (silent.url, silent.seconds) == (served.url, None)
    assert "refused" in silent.why


def test_another_page_of_a_process_is_no_metrics(server: tuple[MetricsServer, Recorder]) -> None:
    with pytest.raises(ValueError, match="it answers 404"):
        ask(f"{server[0].url}/else", 5)
