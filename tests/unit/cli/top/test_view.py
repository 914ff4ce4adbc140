"""The picture: what is on it, and that it fits."""

import io

import pytest
from rich.console import Console

from headrace_cli.top.chosen import Chosen
from headrace_cli.top.figures import ProcessLine, TableLine
from headrace_cli.top.problems import Problem, Severity
from headrace_cli.top.scrape import Kind
from headrace_cli.top.view import Board, age, board_view, count, rate

TABLES = [
    TableLine(
        f"performance_metrics_{n}", topic="t", workers=2, lag=123_456_789, freshness_seconds=1_234.5,
        rows_per_second=434_886.2, bytes_per_second=97_000_000, rows=9_876_543_210, files=123_456, bytes=98_765_432_109,
        small_files=12_345, quarantined=123_456, version=12_345_678, health=100, maintained_seconds=86_400,
    )
    for n in range(40)
]  # fmt: skip
PROBLEMS = [
    Problem(Severity.CRITICAL, "HeadraceTableBehindSource", f"performance_metrics_{n}", "word " * 30) for n in range(20)
]
PROCESSES = [ProcessLine(f"http://127.0.0.1:{n}", Kind.INGEST, "trades", "running", "1") for n in range(12)]


def drawn(board: Board, chosen: Chosen | None = None, *, width: int = 80, height: int = 24) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=False)
    console.print(board_view(board, chosen or Chosen(), width=width, height=height))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def board(tables: list[TableLine], problems: list[Problem], processes: list[ProcessLine]) -> Board:
    return Board(1e9, tables, problems, processes, "127.0.0.1:9640 to 9659")


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (100, 30), (200, 60), (60, 12)])
@pytest.mark.parametrize("tables", [0, 1, 40])
@pytest.mark.parametrize("problems", [0, 1, 20])
@pytest.mark.parametrize("processes", [0, 12])
def test_it_fits_whatever_there_is(width: int, height: int, tables: int, problems: int, processes: int) -> None:
    lines = drawn(board(TABLES[:tables], PROBLEMS[:problems], PROCESSES[:processes]), width=width, height=height)
    assert len(lines) == height
    assert max(map(len, lines)) <= width
    assert lines[-1].startswith(" q  quit")


def test_numbers_are_not_cut_and_names_are_as_long_as_there_is_room() -> None:
    narrow, wide = (drawn(board(TABLES[:1], [], []), width=width)[3] for width in (80, 120))
    assert narrow.split() == ["performance_metrics_0", "123", "M", "21", "min", "434,886", "123,456", "12,345", "100",
                              "24", "h", "2"]  # fmt: skip
    assert wide.split()[0].startswith("performance_m")
    assert "97.00" in wide
    assert "98.8 GB" in wide
    assert "12345678" in wide


def test_what_is_not_known_is_a_dash() -> None:
    line = drawn(board([TableLine("trades")], [], []))[3]
    assert set(line.split()) == {"trades", "-", "0"}


def test_what_is_wrong_is_told_with_its_runbook() -> None:
    problem = Problem(Severity.WARNING, "HeadraceSmallFilesHigh", "trades", "201 small files in one partition")
    lines = drawn(board(TABLES[:1], [problem], PROCESSES[:1]))
    assert "warning  trades: 201 small files in one partition (HeadraceSmallFilesHigh)" in lines
    assert any("http://127.0.0.1:0" in line for line in lines)


@pytest.mark.parametrize(
    ("shown", "chosen", "told"),
    [
        (board([], [], []), Chosen(), "nothing answers at 127.0.0.1:9640 to 9659"),
        (board([], [], PROCESSES), Chosen(), "no process tells of a table yet"),
        (board(TABLES, [], PROCESSES), Chosen(words="zz"), "no table has 'zz' in its name"),
    ],
)
def test_an_empty_board_says_why(shown: Board, chosen: Chosen, told: str) -> None:
    assert told in drawn(shown, chosen)


def test_while_a_filter_is_typed_it_is_seen() -> None:
    assert drawn(board(TABLES, [], []), Chosen(words="tra", typing=True))[-1].startswith("filter: tra_")


@pytest.mark.parametrize(
    ("number", "told"),
    [(None, "-"), (0, "0"), (999_999, "999,999"), (1_234_567, "1.23 M"), (5e9, "5 G"), (1e13, "10 T")],
)
def test_counts_are_short(number: float | None, told: str) -> None:
    assert count(number) == told


@pytest.mark.parametrize(("number", "told"), [(None, "-"), (0.0, "0"), (0.53, "0.5"), (42.4, "42")])
def test_few_a_second_are_told_in_tenths(number: float | None, told: str) -> None:
    assert rate(number) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(None, "-"), (3.14, "3.1 s"), (42, "42 s"), (600, "10 min"), (7_200, "2 h"), (864_000, "10 d")],
)
def test_ages_are_short(seconds: float | None, told: str) -> None:
    assert age(seconds) == told
