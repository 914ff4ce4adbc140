"""`headrace doctor` on brokers, topics and tables that are as they should be, and that are not."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf

import pytest

from headrace.testing.brokers import BrokerHandle
from headrace.testing.shared_kafka import KafkaAddress
from headrace.testing.waiting import wait_until
from headrace_cli.doctor.checks import cluster, store
from headrace_cli.doctor.examination import Examination, Report
from headrace_cli.doctor.judging import Finding, Status
from headrace_cli.main import run
from tests.behaviour.rights import DESCRIBE, GROUP, READ, TOPIC, grant, login
from tests.behaviour.topics import ClusterTopic
from tests.behaviour.world import TABLE, World, fill

# One broker has one copy of everything; the rest of what it says must be in order.
OF_ONE_BROKER = {"topic-copies", "topic-acknowledgement"}


@pytest.fixture(autouse=True)
def _slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """How fast the machine is that tests run on is no concern of theirs."""
    monkeypatch.setattr(cluster, "_SLOW_ANSWER_SECONDS", inf)
    monkeypatch.setattr(store, "_SLOW_WRITE_SECONDS", inf)


def examined(world: World, *, repair: bool = False, kafka: Mapping[str, object] | None = None) -> Report:
    settings = world.settings(kafka=kafka)
    return Examination(settings, {world.contract.name: world.contract}, repair=repair).run([TABLE])


def faults(report: Report) -> dict[str, Finding]:
    """By check what did not pass, without what is the lot of a single broker."""
    found = {f.check: f for f in report.findings if f.status is not Status.OK and f.check not in OF_ONE_BROKER}
    # The disk that tests run on is no concern of theirs.
    return {check: finding for check, finding in found.items() if not check.startswith(("process-", "store-"))}


def failing(report: Report) -> dict[str, int | None]:
    return {f.check: f.exit_code for f in faults(report).values() if f.status is Status.FAIL}


def test_what_a_worker_has_filled_is_in_order(kafka_world: World) -> None:
    world = kafka_world
    world.topic.extend([fill(number) for number in range(9)])
    world.drain()
    before = sorted(world.folder.rglob("*"))
    report = examined(world)

    assert (faults(report), report.unchecked) == ({}, [])
    assert sorted(world.folder.rglob("*")) == before
    told = {finding.check: finding.found for finding in report.findings}
    assert told["table-positions"] == "3 partitions, 0 records to read"
    assert told["group-read"] == "allowed"
    assert told["topic-read"] == "allowed"


def test_a_running_worker_is_seen_and_not_disturbed(kafka_world: World) -> None:
    world = kafka_world
    group = {"group_id": world.topic.name}
    with world.running():
        world.await_landing(world.topic.append(fill(1)))
        report = examined(world, kafka=group)
        world.await_landing(world.topic.append(fill(2)))

    assert faults(report) == {}
    assert {f.check: f.found for f in report.findings}["group-members"] == "members: 1, partitions: 3"
    # One claim of the worker's start: had the group been joined, its partitions would have been claimed again.
    assert [note["kind"] for note in world.notes() if note.get("kind") == "claim"] == ["claim"]
    world.assert_exact()


def test_before_the_first_worker_everything_can_be_asked_and_nothing_is_made(kafka_world: World) -> None:
    report = examined(kafka_world)

    assert failing(report) == {}
    assert list(kafka_world.folder.iterdir()) == []
    assert "not there yet" in {finding.check: finding.found for finding in report.findings}["table-opens"]
    assert not any(finding.check.startswith("group-") for finding in report.findings)
    assert report.unchecked == [f"group of {TABLE}: there is no table yet, and its id is in the name"]
    named = examined(kafka_world, kafka={"group_id": "mine"})
    assert ([f.subject for f in named.findings if f.check == "group-read"], named.unchecked) == (["group mine"], [])


def test_the_embedded_broker_is_asked_what_it_can_answer(embedded_world: World) -> None:
    world = embedded_world
    world.topic.extend([fill(number) for number in range(9)])
    world.drain()
    report = examined(world)

    assert (faults(report), report.unchecked) == ({}, [])
    assert "table-positions" in {finding.check for finding in report.findings}


def test_a_topic_that_endangers_records_is_a_warning(kafka_world: World, kafka_broker: BrokerHandle) -> None:
    topic = ClusterTopic(
        kafka_broker, 1, cleanup_policy="compact", retention_ms="3600000", max_message_bytes="20000000"
    )
    report = examined(World("kafka", topic, kafka_world.folder))

    assert {check: f.status for check, f in faults(report).items()} == {
        "topic-cleanup": Status.WARN,
        "topic-retention": Status.WARN,
        "topic-record-size": Status.WARN,
    }
    assert f"--topic {topic.name} --add-config cleanup.policy=delete" in str(faults(report)["topic-cleanup"].remedy)


def test_a_missing_topic_fails_as_a_worker_would(kafka_world: World) -> None:
    world = kafka_world
    world.contract = replace(world.contract, topic="no-such-topic")
    report = examined(world)

    assert failing(report) == {"topic-exists": 66}
    assert f"positions of {TABLE}: what the broker has is not known" in report.unchecked


def test_an_unreachable_broker_leaves_the_table_to_be_looked_at(kafka_world: World) -> None:
    world = kafka_world
    world.drain()
    report = examined(world, kafka={"bootstrap_servers": "127.0.0.1:1", "request_timeout_seconds": 1})

    assert failing(report) == {"broker-reachable": 69}
    assert {"table-opens", "table-quarantine", "table-checkpoint"} <= {finding.check for finding in report.findings}
    assert any("the cluster was not reached" in text for text in report.unchecked)


def _recreate(world: World) -> None:
    world.topic.recreate()


def _delete_unread(world: World) -> None:
    world.topic.extend([fill(number) for number in range(30)])
    world.topic.delete_before(1, 11)


def _tear_checkpoint(world: World) -> None:
    world.table().create_checkpoint()
    (torn,) = (world.root / TABLE / "_delta_log").glob("*.checkpoint.parquet")
    torn.write_bytes(b"")


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (_recreate, {"table-source": 80}),
        (_delete_unread, {"table-positions": 81}),
        (_tear_checkpoint, {"table-checkpoint": None}),
    ],
)
def test_what_would_stop_a_worker_is_found_before_it_starts(
    kafka_world: World, damage: Callable[[World], None], found: dict[str, int | None]
) -> None:
    world = kafka_world
    world.topic.extend([fill(number) for number in range(9)])
    world.drain()
    damage(world)

    report = examined(world)
    assert failing(report) == found
    opened = "table-checkpoint" not in found
    assert any(f.check == "group-read" for f in report.findings) is opened
    assert (f"group of {TABLE}: the table cannot be opened" in report.unchecked) is not opened


def test_repair_makes_the_table_whole_and_nothing_else_does(kafka_world: World) -> None:
    world = kafka_world
    world.topic.extend([fill(number) for number in range(9)])
    world.drain()
    _tear_checkpoint(world)

    for _ in range(2):
        assert list(failing(examined(world))) == ["table-checkpoint"]
    repaired = examined(world, repair=True)
    assert (faults(repaired), repaired.unchecked) == ({}, [])
    assert faults(examined(world)) == {}
    world.assert_exact()


# -- rights


def test_every_right_that_is_missing_is_named(kafka_world: World, kafka: KafkaAddress) -> None:
    world = kafka_world
    group = f"group-{uuid.uuid4().hex}"
    stranger = {**login(kafka), "group_id": group}

    def failures() -> dict[str, int | None]:
        return failing(examined(world, kafka=stranger))

    assert failures() == {"topic-exists": 77, "group-read": 77}

    grant(kafka, DESCRIBE, TOPIC, world.topic.name)
    grant(kafka, DESCRIBE, GROUP, group)
    # A broker learns of rights a moment after they were granted.
    wait_until(lambda: failures() == {"topic-read": 77, "group-read": 77}, "what is visible is still not allowed")

    grant(kafka, READ, TOPIC, world.topic.name)
    grant(kafka, READ, GROUP, group)
    wait_until(lambda: failures() == {}, "the rights of a worker are enough")
    # Settings are not a worker's business: without the right to read them they are a warning.
    assert set(faults(examined(world, kafka=stranger))) == {"settings-password", "topic-settings"}
    world.topic.append(fill(1))
    world.drain(kafka=stranger, group=group)
    assert world.positions()[0] == 1


def test_a_refused_login_is_told_at_once(kafka_world: World, kafka: KafkaAddress) -> None:
    report = examined(kafka_world, kafka={**login(kafka), "sasl_password": "wrong"})

    assert failing(report) == {"broker-reachable": 77}
    assert "wrong" not in str(report)


# -- the command


@pytest.fixture
def command(kafka_world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs `headrace doctor` with the world's lake and a contract module on its topic."""
    name = f"doctored_{uuid.uuid4().hex}"
    (kafka_world.folder / f"{name}.py").write_text(
        "from headrace import Event, Symbol, Table, UtcTimestamp\n"
        f"class Fill(Event, topic={kafka_world.topic.name!r}, key='symbol', table=Table(name={TABLE!r})):\n"
        "    symbol: Symbol\n    timestamp: UtcTimestamp\n"
    )
    monkeypatch.syspath_prepend(str(kafka_world.folder))
    monkeypatch.chdir(kafka_world.folder)
    monkeypatch.setenv("HEADRACE_CONTRACTS", name)
    monkeypatch.setenv("HEADRACE_LAKE__ROOT", str(kafka_world.root))
    monkeypatch.setenv("HEADRACE_KAFKA__BOOTSTRAP_SERVERS", kafka_world.cluster.handle.bootstrap_servers)
    return lambda *arguments: run(["doctor", *arguments])


def test_people_read_what_is_wrong_or_a_line_per_check_and_scripts_read_json(
    command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(TABLE) == 0
    brief = capsys.readouterr().out
    assert command(TABLE, "--all") == 0
    text = capsys.readouterr().out
    assert command(TABLE, "--json") == 0
    body = json.loads(capsys.readouterr().out)

    assert body["status"] == "WARN"
    for finding in body["findings"]:
        line = f"  {finding['status']:<4} {finding['check']} "
        assert line in text
        assert (line in brief) is (finding["status"] != "OK")
        assert (finding["remedy"] is None) is (finding["status"] == "OK")
    for shown in (brief, text):
        assert shown.splitlines()[-1].startswith("doctor: WARN (")


def test_what_fails_ends_the_command_with_1(
    command: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADRACE_INGEST__MEMORY_MIB", "1")
    assert command("--json") == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["check"], finding["status"], finding["exit_code"]) == ("settings-valid", "FAIL", 78)
    monkeypatch.delenv("HEADRACE_INGEST__MEMORY_MIB")

    monkeypatch.setenv("HEADRACE_LAKE__ROOT", "/sys")
    assert command(TABLE) == 1
    assert "FAIL store-conflicts" in capsys.readouterr().out


def test_a_table_that_nobody_knows_is_no_finding(
    command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("trade") == 78
    assert "no contract has the table 'trade'" in capsys.readouterr().err
