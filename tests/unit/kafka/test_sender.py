from collections.abc import Callable

import pytest

from headrace.clock import Deadline, SystemClock
from headrace.errors import BrokerUnreachableError, ConfigError
from headrace.kafka.sender import Acknowledged, OutgoingRecord, RecordSender
from headrace.kafka.sender_properties import sender_properties
from headrace.testing.waiting import wait_until


def test_property_unknown_to_the_client_is_named() -> None:
    with pytest.raises(ConfigError, match=r"lingr\.ms"):
        RecordSender(sender_properties("localhost:1", {"lingr.ms": "5"}), None)


def test_property_that_breaks_idempotence_is_refused_by_the_client() -> None:
    with pytest.raises(ConfigError, match=r"max\.in\.flight"):
        RecordSender(sender_properties("localhost:1", {"max.in.flight": "6"}), None)


@pytest.mark.parametrize("wait", [RecordSender.serve, RecordSender.drain])
@pytest.mark.parametrize("told", [None, lambda _: None], ids=["each", "together"])
def test_outage_is_logged_once_not_per_attempt(
    caplog: pytest.LogCaptureFixture,
    wait: Callable[[RecordSender, float], object],
    told: Callable[[Acknowledged], None] | None,
) -> None:
    sender = RecordSender(sender_properties("127.0.0.1:1", {"reconnect.backoff.ms": 10}), None, told)
    sender.offer(OutgoingRecord("trades", b"1", None, []))

    def failed() -> bool:
        wait(sender, 0.05)
        return sender.trouble("sending") is not None

    wait_until(failed, "a connection fails")
    deadline = Deadline.after(0.5, SystemClock())
    while not deadline.expired():
        wait(sender, 0.05)
    assert isinstance(sender.trouble("sending"), BrokerUnreachableError)
    sender.close()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
