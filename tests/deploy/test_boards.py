"""Boards are those that the source makes, and every panel says what it is and where to look further."""

import json
import re
from itertools import combinations
from typing import Any

import pytest

from deploy.boards.__main__ import BOARDS, FOLDER, file_of
from deploy.boards.grafana import to_json
from deploy.boards.panels import Board, panels
from tests.deploy.rules import ALERTS

ALL_BOARDS = pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)


def made(board: Board) -> Any:
    return json.loads(to_json(board))


def covered(place: dict[str, int]) -> set[tuple[int, int]]:
    return {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}


def test_files_are_those_that_are_made() -> None:
    assert {path.name: path.read_text() for path in FOLDER.iterdir()} == {
        file_of(board).name: to_json(board) for board in BOARDS
    }, "python -m deploy.boards"


@ALL_BOARDS
def test_panels_have_numbers_and_places_of_their_own(board: Board) -> None:
    shown = made(board)["panels"]

    assert len({panel["id"] for panel in shown}) == len(shown)
    for one, other in combinations(shown, 2):
        assert not covered(one["gridPos"]) & covered(other["gridPos"]), (one["title"], other["title"])
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in shown)


@ALL_BOARDS
def test_source_pipeline_and_table_can_be_chosen(board: Board) -> None:
    variables = [variable["name"] for variable in made(board)["templating"]["list"]]

    assert variables == ["datasource", "namespace", "table", "topic", "runbooks"]
    for panel in made(board)["panels"]:
        assert panel["type"] == "row" or panel["datasource"]["uid"] == "${datasource}"


@ALL_BOARDS
def test_every_panel_has_a_description_a_unit_and_its_runbooks(board: Board) -> None:
    known = {rule.alert for rule in ALERTS}
    for panel in panels(board):
        assert panel.says.endswith(".")
        assert panel.unit
        assert {f"Headrace{name}" for name in panel.alerts} <= known, panel.title
    for panel in made(board)["panels"]:
        if panel["type"] != "row":
            assert panel["description"]
            assert panel["fieldConfig"]["defaults"]["unit"]
            assert len(panel["targets"]) == len({target["refId"] for target in panel["targets"]})


def test_every_alert_is_linked_from_a_panel() -> None:
    linked = {f"Headrace{name}" for board in BOARDS for panel in panels(board) for name in panel.alerts}

    assert {rule.alert for rule in ALERTS} - linked == set()


@ALL_BOARDS
def test_rates_follow_the_resolution_that_is_shown(board: Board) -> None:
    for panel in panels(board):
        for query in panel.queries:
            assert re.search(r"\b(rate|irate)\([^)]*\[(?!\$__rate_interval)", query.expr) is None, panel.title


def test_boards_are_told_apart() -> None:
    assert len({board.uid for board in BOARDS}) == len({board.title for board in BOARDS}) == len(BOARDS) == 4
