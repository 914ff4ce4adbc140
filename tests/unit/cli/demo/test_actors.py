import json
from pathlib import Path

from headrace.connection import KafkaSettings
from headrace_cli.demo.actors import Actor
from headrace_cli.demo.stage import Stage


def line(event: str) -> bytes:
    return json.dumps({"event": event, "timestamp": "2026-01-01T00:00:00Z"}).encode()


def test_news_are_the_whole_lines_since_the_last_call(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    actor = Actor("trades-1", ["ingest", "trades"], Stage("embedded", KafkaSettings(bootstrap_servers="x:1"), tmp_path))
    assert actor.news() == []
    with actor.log.open("ab", buffering=0) as log:
        log.write(line("assigned") + b"\nTraceback: no JSON\n[1]\n{}\n" + line("flush")[:9])
        assert [entry["event"] for entry in actor.news()] == ["assigned"]
        assert actor.news() == []
        log.write(line("flush")[9:] + b"\n")
        assert [entry["event"] for entry in actor.news()] == ["flush"]
