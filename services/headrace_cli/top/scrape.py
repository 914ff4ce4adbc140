"""Asking processes for their metrics: those that were named, or those that answer on this machine."""

import time
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

from headrace.errors import ConfigError
from headrace.metrics import canary, common, ingest, maintenance, tables
from headrace.metrics.metric import Metric
from headrace.metrics.server import FIRST_PORT, PORTS_TRIED

_FOUND_AT = "127.0.0.1"
_PATH = "/metrics"
# More than any process of ours shows; what is longer is something else.
_MOST_BYTES = 16 << 20
# What answered a minute ago and does not now is worth a line; then it was perhaps meant to go.
_REMEMBERED_SECONDS = 60.0

Labels = Mapping[str, str]


class Kind(StrEnum):
    """What a process does, by the metrics that it has."""

    INGEST = "ingest"
    MAINTAIN = "maintain"
    EXPORT = "export"
    CANARY = "canary"
    OTHER = "other"


# The first one that a process has says what it is.
_TELLING: tuple[tuple[Metric, Kind], ...] = (
    (canary.SENT, Kind.CANARY),
    (ingest.FLUSHES, Kind.INGEST),
    (maintenance.RUNS, Kind.MAINTAIN),
    (tables.COLLECTED, Kind.EXPORT),
)


@dataclass(frozen=True, slots=True)
class Scrape:
    """What one process has shown at one moment.

    Attributes:
        url: of the process.
        at: wall clock, seconds since the epoch.
        seconds: monotonic.
        kind: of the process.
        series: values by the name of the metric, buckets left out.
    """

    url: str
    at: float
    seconds: float
    kind: Kind
    series: Mapping[str, Sequence[tuple[Labels, float]]]

    def of(self, metric: Metric, **labels: str) -> list[tuple[Labels, float]]:
        """Series of a metric that have these labels."""
        found = self.series.get(metric.name, ())
        return [(own, value) for own, value in found if all(own.get(name) == word for name, word in labels.items())]

    def total(self, metric: Metric, **labels: str) -> float | None:
        """Their sum; None if there are none."""
        values = [value for _, value in self.of(metric, **labels)]
        return sum(values) if values else None


@dataclass(frozen=True, slots=True)
class Silent:
    """A process that does not answer, and since when: None if it never did."""

    url: str
    why: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Look:
    """What was asked at one moment, and of those that answered what they have shown before, oldest first."""

    scrapes: tuple[Scrape, ...]
    silent: tuple[Silent, ...]
    before: Mapping[str, Sequence[Scrape]]


class Scraper:
    """Asks again and again. One thread uses it.

    Args:
        endpoints: `host:port` or URLs; none for whatever answers on this machine, from the port on that processes take
            by themselves.
        timeout: seconds that one may take to answer.

    Raises:
        ConfigError: one of them is no address.
    """

    def __init__(self, endpoints: Sequence[str], *, timeout: float) -> None:
        self._named = [url_of(endpoint) for endpoint in endpoints]
        self._timeout = timeout
        self._history: defaultdict[str, deque[Scrape]] = defaultdict(deque)
        self.urls = self._named or [f"http://{_FOUND_AT}:{FIRST_PORT + each}" for each in range(PORTS_TRIED)]
        """All that are asked."""
        self._threads = ThreadPoolExecutor(len(self.urls), thread_name_prefix="headrace-top")

    def look(self) -> Look:
        """Asks all of them at once."""
        before = {url: tuple(kept) for url, kept in self._history.items()}
        now = time.monotonic()
        answers = dict(zip(self.urls, self._threads.map(self._asked, self.urls), strict=True))
        scrapes = tuple(answer for answer in answers.values() if isinstance(answer, Scrape))
        for scrape in scrapes:
            self._keep(scrape)
        silent = tuple(self._silences(answers, now))
        return Look(scrapes, silent, before)

    def _asked(self, url: str) -> Scrape | str:
        try:
            return ask(url, self._timeout)
        except (OSError, HTTPException, ValueError) as error:
            return str(error) or type(error).__name__

    def _keep(self, scrape: Scrape) -> None:
        kept = self._history[scrape.url]
        kept.append(scrape)
        while scrape.seconds - kept[0].seconds > _REMEMBERED_SECONDS:
            kept.popleft()

    def _silences(self, answers: Mapping[str, Scrape | str], now: float) -> Iterator[Silent]:
        for url, why in answers.items():
            if isinstance(why, Scrape):
                continue
            last = self._history[url][-1] if self._history[url] else None
            age = None if last is None else now - last.seconds
            if self._named or (age is not None and age <= _REMEMBERED_SECONDS):
                yield Silent(url, why, age)


def url_of(endpoint: str) -> str:
    """Where to ask: `host:port`, a URL, or a host whose first process is meant.

    Raises:
        ConfigError: it is none of these.
    """
    try:
        parts = urlsplit(endpoint if "://" in endpoint else f"http://{endpoint}")
        host, port = parts.hostname, parts.port or FIRST_PORT
    except ValueError:
        host, port, parts = None, 0, urlsplit("")
    if not host or parts.scheme not in {"http", "https"}:
        msg = f"{endpoint!r} is no address of metrics: write host:port, as the log line `serving` has it"
        raise ConfigError(msg)
    path = "" if parts.path.rstrip("/") in {"", _PATH} else parts.path.rstrip("/")
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}{path}"


def ask(url: str, timeout: float) -> Scrape:
    """What a process shows now.

    Raises:
        OSError, HTTPException: it does not answer within `timeout` seconds, or not as it should.
        ValueError: what answers is no process of Headrace.
    """
    parts = urlsplit(url)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request("GET", parts.path or _PATH, headers={"Accept": "text/plain"})
        answer = connection.getresponse()
        body = answer.read(_MOST_BYTES)
    finally:
        connection.close()
    if answer.status != HTTPStatus.OK:
        msg = f"it answers {answer.status} {answer.reason}"
        raise ValueError(msg)
    return parse(url, body.decode(), at=time.time(), seconds=time.monotonic())


def parse(url: str, text: str, *, at: float, seconds: float) -> Scrape:
    """Metrics in Prometheus' text format.

    Raises:
        ValueError: they are not, or not of Headrace.
    """
    names: set[str] = set()
    series: defaultdict[str, list[tuple[Labels, float]]] = defaultdict(list)
    for family in text_string_to_metric_families(text):
        names.add(family.name)
        for sample in family.samples:
            if sample.name.startswith("headrace_") and not sample.name.endswith("_bucket"):
                series[sample.name].append((sample.labels, sample.value))
    if common.BUILD.name not in series:
        msg = "what answers there is no process of Headrace"
        raise ValueError(msg)
    kinds = (kind for metric, kind in _TELLING if metric.name.removesuffix("_total") in names)
    return Scrape(url, at, seconds, next(kinds, Kind.OTHER), series)
