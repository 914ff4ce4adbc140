"""The lease where tables lie in an object store: against a server that speaks S3 over HTTP, in a process of its own."""

import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from urllib.error import URLError

import pytest

from headrace.errors import MaintenanceHeldError
from headrace.lake.store import Store
from headrace.lake.upkeep.lease import TTL, Lease, read_record, take_lease
from headrace.testing.manual_clock import ManualClock
from headrace.testing.waiting import wait_until

_BUCKET = "lake"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except (URLError, OSError):
        return False


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of an S3 server with a bucket."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: answers(f"{url}/moto-api/"), "the server answers", seconds=90)
        with urllib.request.urlopen(urllib.request.Request(f"{url}/{_BUCKET}", method="PUT"), timeout=30):
            yield url
    finally:
        process.kill()
        process.wait(30)


@pytest.fixture
def root(server: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "anybody",
        "AWS_SECRET_ACCESS_KEY": "anything",
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }.items():
        monkeypatch.setenv(name, value)
    return f"s3://{_BUCKET}/{request.node.name}"


def test_a_second_holder_is_refused_by_name_until_the_first_gives_back(root: str) -> None:
    clock = ManualClock()
    first = take_lease(Store(root), "t", "one/1", clock)

    with pytest.raises(MaintenanceHeldError, match="t is maintained by one/1 since 2026-01-01 00:00:00 UTC"):
        take_lease(Store(root), "t", "two/2", clock)
    first.release()

    assert take_lease(Store(root), "t", "two/2", clock).record.epoch == 2


def test_a_holder_that_does_not_renew_is_taken_over_and_notices(root: str) -> None:
    clock = ManualClock()
    dead = take_lease(Store(root), "t", "one/1", clock)
    clock.advance(TTL / timedelta(seconds=2))
    dead.beat()  # a long merge says that its holder lives
    clock.advance(TTL / timedelta(seconds=2))
    with pytest.raises(MaintenanceHeldError):
        take_lease(Store(root), "t", "two/2", clock)
    clock.advance(TTL / timedelta(seconds=1))

    assert take_lease(Store(root), "t", "two/2", clock).record.epoch == 2
    with pytest.raises(MaintenanceHeldError, match="t is maintained by two/2"):
        dead.renew()
    assert read_record(Store(root), "t").holder == "two/2"


def test_of_many_that_take_it_at_once_one_gets_it(root: str) -> None:
    count, clock = 6, ManualClock()
    gate = Barrier(count)

    def attempt(number: int) -> Lease | None:
        store = Store(root)
        gate.wait(30)
        try:
            return take_lease(store, "t", f"taker/{number}", clock)
        except MaintenanceHeldError:
            return None

    with ThreadPoolExecutor(count) as pool:
        leases = [lease for lease in pool.map(attempt, range(count)) if lease is not None]

    (lease,) = leases
    assert read_record(Store(root), "t").holder == lease.record.holder
    assert lease.record.epoch == 1
