"""Fixtures with brokers. In the root `conftest.py`: `pytest_plugins = ["headrace.testing.pytest_plugin"]`.

    kafka               KafkaAddress of a real Kafka, the same for the whole run, also under pytest-xdist
    kafka_bootstrap     its `host:port`
    kafka_broker        BrokerHandle on it
    embedded_bootstrap  `host:port` of a mock cluster in the test process
    embedded_broker     BrokerHandle on it
    broker              BrokerHandle; the test runs once on each of the two
    own_broker          BrokerHandle on a mock cluster that this test alone has

The real Kafka is the cluster that HEADRACE_TEST_BOOTSTRAP_SERVERS names, or else one started from Maven jars by
the first test that needs it. Without either, tests that need it are skipped, or fail where CI=true. They carry
the marker `kafka`.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from headrace.kafka.embedded import EmbeddedBroker
from headrace.testing.brokers import BrokerHandle
from headrace.testing.shared_kafka import Inquiry, KafkaAddress, KafkaMissing, SharedKafka

_shared = pytest.StashKey[SharedKafka]()


def pytest_configure(config: pytest.Config) -> None:
    """Called by pytest in every process of the run."""
    config.addinivalue_line("markers", "kafka: runs on a real Apache Kafka broker")
    config.stash[_shared] = SharedKafka()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Called by pytest-xdist in the controlling process, once per worker."""
    inquiry = node.config.stash[_shared].serve()
    node.workerinput["headrace_kafka"] = (inquiry.host, inquiry.port, inquiry.key)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Called by pytest at the end of every process of the run."""
    config.stash[_shared].stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Called by pytest: marks what needs the real broker."""
    for item in items:
        if "kafka" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.kafka)


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config) -> KafkaAddress:
    """A real Kafka."""
    given = getattr(pytestconfig, "workerinput", {}).get("headrace_kafka")
    answer = Inquiry(*given).ask() if given else pytestconfig.stash[_shared].ask()
    if isinstance(answer, KafkaMissing):
        if answer.fails:
            pytest.fail(answer.reason, pytrace=False)
        pytest.skip(answer.reason)
    return answer


@pytest.fixture(scope="session")
def kafka_bootstrap(kafka: KafkaAddress) -> str:
    """`host:port` of a real Kafka."""
    return kafka.bootstrap_servers


@pytest.fixture(scope="session")
def kafka_broker(kafka: KafkaAddress) -> Iterator[BrokerHandle]:
    """Topics on a real Kafka; removed at the end where the cluster stays."""
    handle = BrokerHandle(kafka)
    yield handle
    if not kafka.is_own:
        handle.delete_topics()


@pytest.fixture(scope="session")
def embedded_broker() -> Iterator[BrokerHandle]:
    """Topics on a mock cluster in this process."""
    with EmbeddedBroker() as embedded:
        yield BrokerHandle(embedded)


@pytest.fixture(scope="session")
def embedded_bootstrap(embedded_broker: BrokerHandle) -> str:
    """`host:port` of a mock cluster in this process."""
    return embedded_broker.bootstrap_servers


@pytest.fixture
def own_broker() -> Iterator[BrokerHandle]:
    """Topics on a mock cluster that this test alone has."""
    with EmbeddedBroker() as embedded:
        yield BrokerHandle(embedded)


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def broker(request: pytest.FixtureRequest) -> BrokerHandle:
    """Topics on the mock cluster, then on the real Kafka."""
    handle = request.getfixturevalue(f"{request.param}_broker")
    if not isinstance(handle, BrokerHandle):
        msg = f"the fixture {request.param}_broker was replaced by {handle!r}"
        raise TypeError(msg)
    return handle
