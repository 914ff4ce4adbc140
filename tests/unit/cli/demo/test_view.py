from dataclasses import replace
from decimal import Decimal
from io import StringIO

import pytest
from rich.console import Console

from headrace_cli.demo.maintainer import MaintainerState
from headrace_cli.demo.standing import Standing
from headrace_cli.demo.story import Happening, State, Tone, WorkerState
from headrace_cli.demo.view import LEAST_HEIGHT, LEAST_WIDTH, Act, Programme, Scene, TableLine, scene_view

SCENE = Scene(
    programme=Programme("embedded broker at 127.0.0.1:37137", 180_000, (0.3, 0.55)),
    seconds=41.2,
    act=Act.FREEZE,
    tables=[
        TableLine("trades", 61_234, 58_000, 61, 3_173, 9.4, 104, 96, 12, 1_345.4, [0, 700, 1_400], 4),
        TableLine("greeks", 161_234, 90_000, 161, 1_034, 0.8, 44, 40, 5, 3_345.0, [1.0] * 90, 4),
        TableLine("signals"),
        TableLine("positions", 31_234, 31_000, 3, 231, 0.4, 44, 440, 12, 345.4, [0, 100, 300], 4),
    ],
    workers=[
        WorkerState("trades-1", "trades", 4_194_301, State.RUNNING, 3.0, dict.fromkeys(range(4), 7), 23_113, 40.8),
        WorkerState("trades-2", "trades", 4_194_302, State.FROZEN, 38.0, {1: 2, 3: 1}, 12_444, 37.1),
        WorkerState("greeks", "greeks", 4_194_303, State.RUNNING, 3.0, dict.fromkeys(range(4), 7), 1_123_113, 40.8),
        WorkerState("signals", "signals", 4_194_304, State.STARTING, 29.0),
        WorkerState("positions", "positions", 4_194_305, State.RUNNING, 3.0, dict.fromkeys(range(4), 7), 31_000, 40.9),
    ],
    happenings=[
        Happening(float(second), f"{second} s have passed, and " + "the story goes on, " * 6) for second in range(36)
    ]
    + [Happening(38.0, "SIGSTOP to trades-2 (pid 4194302), owner of partitions 1 and 3 at 2 and 1", Tone.ACT)],
    positions=Standing(71, 25, Decimal("1234567.60"), "iron-condor-093 SOXX -2 at -12.15"),
    maintainer=MaintainerState(4_194_306, State.RUNNING, 5.0, merged=96, made=8, merged_at=40.0),
)


def drawn(scene: Scene, width: int, height: int | None) -> list[str]:
    console = Console(file=StringIO(), width=width, height=500, force_terminal=True, color_system=None)
    with console.capture() as captured:
        console.print(scene_view(scene, width=width, height=height))
    return [line.rstrip() for line in captured.get().splitlines()]


def words(line: str) -> list[str]:
    return line.split()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 30), (LEAST_WIDTH, LEAST_HEIGHT), (200, 60)])
def test_everything_fits_and_nothing_is_cut(width: int, height: int) -> None:
    lines = drawn(SCENE, width, height)
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    assert "…" not in "".join(lines)


@pytest.mark.parametrize("width", [80, 120])
def test_tables_show_what_came_what_is_durable_and_how_far_behind_they_are(width: int) -> None:
    lines = drawn(SCENE, width, 24)
    rows = {words(line)[0]: words(line) for line in lines[4:8]}
    assert rows["trades"][:10] == ["trades", "61,234", "58,000", "61", "3,173", "9.4", "s", "104", "96→12", "1,345"]
    assert rows["trades"][10] == "▄▇"
    assert rows["greeks"][:10] == ["greeks", "161,234", "90,000", "161", "1,034", "0.8", "s", "44", "40→5", "3,345"]
    assert rows["signals"] == ["signals", "0", "0", "0", "0", "0.0", "s", "0", "0→0", "0"]


@pytest.mark.parametrize(("width", "newest"), [(80, ""), (120, "  iron-condor-093 SOXX -2 at -12.15")])
def test_positions_show_how_they_stand_and_the_newest_where_it_fits(width: int, newest: str) -> None:
    line = drawn(SCENE, width, 24)[8]
    assert line == f"rows of positions: 71 open, 25 closed, realized 1,234,567.60{newest}"


@pytest.mark.parametrize("width", [80, 120])
def test_workers_show_their_state_and_the_partitions_they_believe_in(width: int) -> None:
    lines = drawn(SCENE, width, 24)
    rows = [words(line) for line in lines if "●" in line]
    assert rows[0] == ["trades-1", "4194301", "●", "running", *"0123", "23,113", "0.4", "s", "ago"]
    assert rows[1][:6] == ["trades-2", "4194302", "●", "frozen", "3.2", "s"]
    assert rows[1][6:] == ["·", "1", "·", "3", "believes", "12,444", "4.1", "s", "ago"]
    assert rows[3] == ["signals", "4194304", "●", "starting", "12.2", "s", *"····", "0"]
    assert rows[5] == ["maintain", "4194306", "●", "running", "96", "files", "→", "8", "1.2", "s", "ago"]


@pytest.mark.parametrize("width", [80, 120])
def test_head_shows_where_the_play_stands(width: int) -> None:
    head, bar = drawn(SCENE, width, 24)[:2]
    assert head.startswith("headrace demo   41.2 s")
    assert head.endswith("start > kill > freeze > wake > catch up > proof")
    assert ("embedded broker" in head) == (width == 120)
    assert bar.count("◆") == 2
    assert bar.endswith("179,000 of 180,000 rows durable")


def test_the_newest_happenings_are_shown_and_none_of_them_is_cut() -> None:
    lines = drawn(SCENE, 80, 24)
    told = lines[lines.index("", 10) + 1 :]
    assert words(told[0])[1:3] == ["s", "·"]
    assert " ".join(words(" ".join(told))).endswith("owner of partitions 1 and 3 at 2 and 1")


def test_without_a_height_everything_that_happened_is_shown() -> None:
    told = "\n".join(drawn(SCENE, 80, None))
    assert all(f"{second} s have passed" in told for second in range(36))


def test_many_partitions_are_counted() -> None:
    tables = [replace(SCENE.tables[0], partitions=64), *SCENE.tables[1:]]
    lines = drawn(replace(SCENE, tables=tables), 80, 24)
    assert any("2 of 64" in line for line in lines)
    assert max(map(len, lines)) <= 80


def test_a_scene_before_anything_has_come_is_drawn() -> None:
    scene = Scene(SCENE.programme, 0.0, Act.START, [TableLine("trades")], [WorkerState("trades-1", "trades")], [])
    assert drawn(scene, 80, 24)[0].startswith("headrace demo    0.0 s")
