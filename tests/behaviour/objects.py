"""A server that speaks S3 over HTTP, in a process of its own."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from headrace.testing.waiting import PATIENCE_SECONDS

BUCKET = "lake"


# One request at a time: two conditional writes at once could both succeed.
_SERVE = """
import threading
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
answer, lock = DomainDispatcherApplication.__call__, threading.Lock()
def one_by_one(*request):
    with lock:
        return answer(*request)
DomainDispatcherApplication.__call__ = one_by_one
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(*server.get_host_and_port(), sep=":", flush=True)
threading.Event().wait()
"""


@contextmanager
def object_server() -> Iterator[str]:
    """The URL of a server that has a bucket."""
    command = [sys.executable, "-c", _SERVE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().rstrip()
            assert address, "the server has ended"
            url = f"http://{address}"
            with urllib.request.urlopen(
                urllib.request.Request(f"{url}/{BUCKET}", method="PUT"), timeout=PATIENCE_SECONDS
            ):
                yield url
        finally:
            process.kill()


def reach(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets this process find the server where a URI of S3 is named."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "anybody",
        "AWS_SECRET_ACCESS_KEY": "anything",
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }.items():
        monkeypatch.setenv(name, value)
