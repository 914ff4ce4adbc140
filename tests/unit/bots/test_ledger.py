import hashlib
import json
from pathlib import Path

from headrace.kafka.sender import Delivery
from headrace_bots.ledger import Ledger, value_digest


def test_acknowledged_records_are_listed_with_place_and_digest(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger", "bots") as ledger:
        ledger(Delivery("trades", b"SPY", b"one", 2, 17))
        ledger(Delivery("greeks", None, None, 0, 0))
    lines = [json.loads(line) for line in (tmp_path / "ledger" / "bots.jsonl").read_text().splitlines()]
    assert lines == [
        {
            "topic": "trades",
            "partition": 2,
            "offset": 17,
            "digest": hashlib.blake2b(b"one", digest_size=16).hexdigest(),
        },
        {"topic": "greeks", "partition": 0, "offset": 0, "digest": "null"},
    ]
    assert ledger.acknowledged == {"trades": 1, "greeks": 1}
    assert not ledger.unknown_path.exists()


def test_records_without_a_known_place_are_kept_apart(tmp_path: Path) -> None:
    with Ledger(tmp_path, "bots") as ledger:
        ledger(Delivery("trades", None, b"late", None, None, "timed out", "_MSG_TIMED_OUT"))
        ledger(Delivery("trades", None, b"twice", 0, None))
    assert ledger.path.read_text() == ""
    unknown = [json.loads(line) for line in ledger.unknown_path.read_text().splitlines()]
    assert [(line["digest"], line["code"]) for line in unknown] == [
        (value_digest(b"late"), "_MSG_TIMED_OUT"),
        (value_digest(b"twice"), None),
    ]


def test_second_run_adds_to_the_ledger_of_the_first(tmp_path: Path) -> None:
    for offset in range(2):
        with Ledger(tmp_path, "bots") as ledger:
            ledger(Delivery("trades", None, b"", 0, offset))
        ledger.close()
    assert len(ledger.path.read_text().splitlines()) == 2


def test_growing_ledger_can_be_read_after_a_flush(tmp_path: Path) -> None:
    with Ledger(tmp_path, "bots") as ledger:
        ledger(Delivery("trades", None, b"", 0, 5))
        ledger.flush()
        assert json.loads(ledger.path.read_text())["offset"] == 5


def test_digest_of_nothing_is_not_that_of_an_empty_value() -> None:
    assert value_digest(None) == "null" != value_digest(b"")
