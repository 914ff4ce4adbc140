"""`headrace rebuild` on a real Kafka: what transactions left, what is not readable yet, and what the topic dropped."""

from pathlib import Path

import pytest

from headrace.testing.brokers import BrokerHandle
from tests.behaviour.holdings import holding
from tests.behaviour.latest import LatestWorld
from tests.behaviour.memberships import BY_HAND
from tests.behaviour.test_latest_proof import last_wins
from tests.behaviour.test_rebuild import kept, told
from tests.behaviour.topics import ClusterTopic
from tests.behaviour.transactions import Transactions


@pytest.fixture(params=["delete", "compact,delete"], ids=["kept", "compacted"])
def world(request: pytest.FixtureRequest, tmp_path: Path, kafka_broker: BrokerHandle) -> LatestWorld:
    topic = ClusterTopic(kafka_broker, 2, **{"cleanup.policy": request.param})
    return LatestWorld("kafka", topic, tmp_path, BY_HAND)


@pytest.mark.kafka
def test_what_is_committed_is_read_and_the_row_of_what_was_dropped_is_kept(
    world: LatestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    transactions = Transactions(world)
    for account in (0, 2, 4, 6, 1, 3):
        world.send(account, at=10)
    world.drain()
    transactions.begin(holding(2, at=50), holding(8, at=50), key=b"2")
    transactions.abort()
    transactions.begin(holding(2, at=5, price=5), holding(8, at=5), key=b"2")
    transactions.commit()
    world.forget(4)
    transactions.begin(holding(0, at=90), key=b"0")
    with monkeypatch.context() as wrong:
        last_wins(wrong)
        world.drain()
    assert world.found()

    report = world.rebuild()

    assert (told(report.comparison), report.carried) == ({"other_event": 1}, 0)
    assert {row["account"] for row in world.rows()} == {"0", "2", "6", "8", "1", "3"}
    assert world.found() == set()
    transactions.abort()

    world.topic.delete_before(0, 3)
    before = kept(world)
    report = world.rebuild()
    assert (report.carried, kept(world)) == (2, before)
    assert world.prove().verdict == "PASS"
