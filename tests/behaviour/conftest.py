"""Worlds on each broker, and workers in each kind of membership."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from headrace.lake import Lake
from headrace.testing.brokers import BrokerHandle
from headrace_cli.main import run
from tests.behaviour.bots import Bots, BrokerBots, CapturedBots
from tests.behaviour.desk import Desk
from tests.behaviour.latest import LatestWorld
from tests.behaviour.memberships import BY_HAND, CLASSIC, CONSUMER, GROUPS, Membership
from tests.behaviour.objects import BUCKET, object_server, reach
from tests.behaviour.topics import ClusterTopic, MemoryTopic
from tests.behaviour.world import Command, World
from tests.faults.mutants import plant_from_environment


@pytest.fixture
def memory_world(tmp_path: Path) -> World:
    """A world on the broker in memory; three partitions."""
    return World("memory", MemoryTopic(3), tmp_path)


@pytest.fixture
def embedded_world(tmp_path: Path, embedded_broker: BrokerHandle) -> World:
    """A world on the embedded broker; its topics have four partitions."""
    return World("embedded", ClusterTopic(embedded_broker, 4), tmp_path)


@pytest.fixture
def kafka_world(tmp_path: Path, kafka_broker: BrokerHandle) -> World:
    """A world on a real Kafka; three partitions."""
    return World("kafka", ClusterTopic(kafka_broker, 3), tmp_path)


@pytest.fixture
def latest(tmp_path: Path) -> LatestWorld:
    """Latest rows, on the broker in memory; two partitions."""
    return LatestWorld("memory", MemoryTopic(2), tmp_path)


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
def strict_latest(request: pytest.FixtureRequest, tmp_path: Path) -> LatestWorld:
    """Latest rows where transactions, compaction and the clock of the topic are as they are; two partitions."""
    if request.param == "memory":
        return LatestWorld("memory", MemoryTopic(2), tmp_path)
    handle = request.getfixturevalue("kafka_broker")
    assert isinstance(handle, BrokerHandle)
    return LatestWorld("kafka", ClusterTopic(handle, 2), tmp_path, BY_HAND)


def _world(request: pytest.FixtureRequest, kind: str) -> World:
    world = request.getfixturevalue(f"{kind}_world")
    assert isinstance(world, World)
    return world


@pytest.fixture(params=["memory", "embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def world(request: pytest.FixtureRequest) -> World:
    """The same on each of the three."""
    return _world(request, request.param)


# In memory the members of a group speak no protocol. The embedded broker keeps the partitions of static members that
# are away for half a minute, and cannot be told otherwise.
_GROUPS = {"memory": (CLASSIC,), "embedded": (CLASSIC, CONSUMER), "kafka": GROUPS}


def _combinations(kinds: Iterable[str], *further: Membership) -> Iterable[object]:
    """Brokers with memberships."""
    for kind in kinds:
        for membership in (*_GROUPS[kind], *further):
            marks = [pytest.mark.kafka] if kind == "kafka" else []
            yield pytest.param((kind, membership), id=f"{kind}-{membership.name}", marks=marks)


def _member_world(request: pytest.FixtureRequest) -> World:
    kind, membership = request.param
    return replace(_world(request, kind), membership=membership)


@pytest.fixture(params=_combinations(_GROUPS, BY_HAND))
def member_world(request: pytest.FixtureRequest) -> World:
    """Each broker with each way in which workers come by their partitions."""
    return _member_world(request)


@pytest.fixture(params=_combinations(_GROUPS))
def group_world(request: pytest.FixtureRequest) -> World:
    """Each broker with each kind of group."""
    return _member_world(request)


@pytest.fixture(params=_combinations(["memory", "kafka"]))
def strict_group_world(request: pytest.FixtureRequest) -> World:
    """Each kind of group where topics are created as asked, grown and emptied."""
    return _member_world(request)


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
def strict_world(request: pytest.FixtureRequest) -> World:
    """Where topics are created as asked, grown and emptied: not on the embedded broker."""
    return _world(request, request.param)


@pytest.fixture(params=["captured", "embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def bots(request: pytest.FixtureRequest) -> Bots:
    """Producers of the testing kit, then of the house on each broker."""
    if request.param == "captured":
        return CapturedBots()
    handle = request.getfixturevalue(f"{request.param}_broker")
    assert isinstance(handle, BrokerHandle)
    return BrokerBots(handle)


@pytest.fixture(scope="session")
def objects_url() -> Iterator[str]:
    """An S3 server with a bucket."""
    with object_server() as url:
        yield url


@pytest.fixture
def objects(objects_url: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """The URI of a lake of this test's own in an object store."""
    reach(objects_url, monkeypatch)
    return f"s3://{BUCKET}/{request.node.name.partition('[')[0]}"


@pytest.fixture(params=["disk", "objects"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    """A lake on a disk, and one in an object store."""
    if request.param == "objects":
        return Lake(str(request.getfixturevalue("objects")))
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Tables of what a desk's bots say."""
    return Desk(tmp_path)


@pytest.fixture
def disk(tmp_path: Path) -> Lake:
    """A lake on a disk."""
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command on the lake of a world; gives its exit code and its standard output."""

    def call(world: World, *arguments: str) -> tuple[int, str]:
        monkeypatch.setenv("HEADRACE_LAKE__ROOT", str(world.root))
        monkeypatch.chdir(world.folder)
        if world.kind != "memory":
            monkeypatch.setenv("HEADRACE_KAFKA__BOOTSTRAP_SERVERS", world.cluster.handle.bootstrap_servers)
        capsys.readouterr()
        return run(list(arguments)), capsys.readouterr().out

    return call


plant_from_environment()
