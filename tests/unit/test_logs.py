import json
import os
import subprocess
import sys

import pytest

# In a process of its own: logging is configured once, for all of it.
_PROGRAM = """
import logging, sys
from headrace.logs import configure_logs, get_logger
configure_logs(sys.argv[1], sys.argv[2])
log = get_logger("headrace.test")
exec(sys.argv[3])
"""


def _run(code: str, *, level: str = "INFO", style: str = "json") -> list[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, level, style, code],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert done.stdout == ""
    # Not splitlines: it also splits at characters that no terminal takes for the end of a line.
    return done.stderr.removesuffix("\n").split("\n") if done.stderr else []


def test_one_json_object_a_line_with_level_and_utc_time() -> None:
    lines = _run("log.info('flush', rows=3, table='trades'); log.warning('fenced')")
    first, second = map(json.loads, lines)
    assert (first["event"], first["level"], first["rows"], first["table"]) == ("flush", "info", 3, "trades")
    assert first["timestamp"].endswith("Z")
    assert (second["event"], second["level"]) == ("fenced", "warning")


def test_library_logs_have_the_same_shape() -> None:
    (line,) = map(json.loads, _run("logging.getLogger('lib').warning('said %d', 7)"))
    assert (line["event"], line["level"]) == ("said 7", "warning")


def test_lower_levels_are_left_out_for_libraries_too() -> None:
    code = "log.info('a'); logging.getLogger('lib').info('b'); log.error('c'); logging.getLogger('lib').error('d')"
    assert [json.loads(line)["event"] for line in _run(code, level="ERROR")] == ["c", "d"]
    assert _run("log.debug('a'); logging.getLogger('lib').debug('b')") == []


def test_values_that_json_does_not_know_are_written_as_text() -> None:
    (line,) = _run("from datetime import date; log.info('x', day=date(2026, 1, 2), kind={1: b'b'})")
    assert json.loads(line)["day"] == "2026-01-02"


@pytest.mark.parametrize("style", ["json", "console"])
@pytest.mark.parametrize(
    "code",
    [
        r"log.info('read', topic='a\nforged\r\x1b[31m\x9b31m')",
        r"logging.getLogger('lib').warning('read %s', 'a\nforged\r\x1b[31m\x9b31m')",
    ],
)
def test_text_from_outside_cannot_forge_a_line_or_a_colour(style: str, code: str) -> None:
    lines = _run(code, style=style)
    assert len(lines) == 1
    assert [part for part in ("\r", "\x1b[31m", "\x9b") if part in lines[0]] == []
    assert "forged" in lines[0]


def test_exception_is_written_with_its_traceback() -> None:
    (line,) = _run("try:\n  1/0\nexcept ZeroDivisionError:\n  log.exception('broken')")
    assert "ZeroDivisionError: division by zero" in json.loads(line)["exception"]


def test_style_auto_is_json_where_nobody_watches() -> None:
    (line,) = _run("log.info('x')", style="auto")
    assert json.loads(line)["event"] == "x"


def test_style_console_is_text_with_keys_and_values() -> None:
    (line,) = _run("log.info('flush', rows=3)", style="console")
    assert "flush" in line
    assert "rows" in line
    with pytest.raises(json.JSONDecodeError):
        json.loads(line)


def test_second_configuration_takes_the_place_of_the_first() -> None:
    assert len(_run("configure_logs('INFO', 'json'); logging.getLogger('lib').warning('once')")) == 1
