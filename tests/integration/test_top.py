"""`headrace top` as a person uses it, on a terminal and without one, beside a real worker and real maintenance."""

import json
import re
import signal
import socket
import termios
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from headrace.testing.brokers import BrokerHandle
from headrace.testing.waiting import wait_until
from headrace_cli.top.figures import ProcessLine, TableLine
from headrace_cli.top.problems import Problem
from tests.behaviour.memberships import BY_HAND
from tests.behaviour.scraping import served_at
from tests.behaviour.topics import ClusterTopic
from tests.behaviour.world import TABLE, World, fill
from tests.faults.processes import WorkerProcess, start_maintenance
from tests.integration.terminals import Running, headrace

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
LEAVES = "\x1b[?1049l"


@dataclass
class Scene:
    """A table that a worker fills and maintenance looks at."""

    world: World
    endpoints: list[str]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, embedded_broker: BrokerHandle) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("scene")
    world = World("embedded", ClusterTopic(embedded_broker, 4), folder, membership=BY_HAND)
    world.topic.extend([fill(n) for n in range(100)])
    with WorkerProcess(world, metrics__port="0", metrics__offsets_seconds="0.2") as worker:
        world.await_landing(*world.topic.records)
        with start_maintenance(world, metrics__port="0", metrics__enabled="true", log_format="json") as upkeep:
            upkeep.await_said('"serving"')
            yield Scene(world, [served_at(worker.said), served_at(upkeep.said)])


@pytest.fixture
def closed_endpoint() -> Iterator[str]:
    """Where nobody listens, and nobody else can."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def screens(running: Running) -> str:
    """All that was drawn, without what is no text."""
    return ESCAPES.sub("", running.printed)


def await_drawn(running: Running, text: str, *, after: int = 0) -> int:
    """Returns how much was drawn when `text` was there."""
    ended = running.process.poll
    wait_until(lambda: text in screens(running)[after:] or ended() is not None, f"it draws {text}")
    assert text in screens(running)[after:]
    return len(screens(running))


def test_on_a_terminal_it_is_steered_by_keys_and_leaves_the_terminal_as_it_was(
    scene: Scene, tmp_path: Path, closed_endpoint: str
) -> None:
    asked = [*scene.endpoints, closed_endpoint]
    with headrace(tmp_path, "top", *asked, "--every", "0.3", terminal=True, settings={}) as running:
        drawn = await_drawn(running, "HeadraceTargetDown")
        assert re.search(rf"{TABLE} +0 +\d\.\d s", screens(running))
        assert "1 ingest, 1 maintain" in screens(running)
        assert "version" not in screens(running)
        during = termios.tcgetattr(running.terminal)
        running.press("s")
        drawn = await_drawn(running, "sort: lag", after=drawn)
        running.press("/zz")
        drawn = await_drawn(running, "no table has 'zz' in its name", after=drawn)
        running.press("\x1b")
        drawn = await_drawn(running, TABLE, after=drawn)
        running.resize(120, 30)
        drawn = await_drawn(running, "version", after=drawn)
        running.press("q")
        assert running.wait() == 0
        after = termios.tcgetattr(running.terminal)
    assert LEAVES in running.printed
    assert not during[3] & (termios.ECHO | termios.ICANON)
    assert after[3] & termios.ECHO
    assert after[3] & termios.ICANON


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_as_q_does(scene: Scene, tmp_path: Path, number: signal.Signals) -> None:
    with headrace(tmp_path, "top", scene.endpoints[0], terminal=True, settings={}) as running:
        await_drawn(running, TABLE)
        running.process.send_signal(number)
        assert running.wait() == 0
    assert LEAVES in running.printed


def test_into_a_pipe_it_prints_once(scene: Scene, tmp_path: Path) -> None:
    with headrace(tmp_path, "top", *scene.endpoints, terminal=False, settings={}) as running:
        assert running.wait() == 0
    head, row, *told = screens(running).splitlines()
    assert head.split()[:4] == ["table", "topic", "workers", "lag"]
    assert row.split()[:4] == [TABLE, scene.world.topic.name, "1", "0"]
    assert told == ["nothing is wrong"]


def test_json_has_the_keys_that_the_page_lists(scene: Scene, tmp_path: Path) -> None:
    with headrace(tmp_path, "top", *scene.endpoints, "--json", terminal=False, settings={}) as running:
        assert running.wait() == 0
    found = json.loads(running.printed)
    (table,) = found["tables"]
    assert (table["table"], table["lag"], table["rows"], table["workers"]) == (TABLE, 0, 100, 1)
    assert table["rows_per_second"] == 0
    assert [each["kind"] for each in found["processes"]] == ["ingest", "maintain"]
    assert found["problems"] == []
    page = (Path(__file__).parents[2] / "docs" / "look.md").read_text()
    for head, shape in (("table of `top`", TableLine), ("problem", Problem), ("process", ProcessLine)):
        rows = page.partition(f"| Key of a {head} | |\n")[2].partition("\n\n")[0].splitlines()[1:]
        listed = [name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])]
        assert sorted(listed) == sorted(field.name for field in fields(shape)), head


def test_where_nothing_answers_it_says_what_to_do(tmp_path: Path, closed_endpoint: str) -> None:
    with headrace(tmp_path, "top", closed_endpoint, terminal=True, settings={}) as running:
        assert running.wait() == 78
    said = " ".join(running.printed.split())
    assert f"nothing answers at http://{closed_endpoint}" in said
    assert "headrace top HOST:PORT" in said
    assert LEAVES not in running.printed


def test_what_is_no_address_is_refused(tmp_path: Path) -> None:
    with headrace(tmp_path, "top", "ftp://x", terminal=False, settings={}) as running:
        assert running.wait() == 78
    assert "write host:port" in running.printed
