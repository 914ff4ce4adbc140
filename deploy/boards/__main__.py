"""Writes every board to deploy/grafana/dashboards."""

from pathlib import Path

from deploy.boards.grafana import to_json
from deploy.boards.ingest import INGEST
from deploy.boards.overview import OVERVIEW
from deploy.boards.panels import Board
from deploy.boards.producers import PRODUCERS
from deploy.boards.tables import TABLES

BOARDS = (OVERVIEW, INGEST, TABLES, PRODUCERS)
FOLDER = Path(__file__).parents[1] / "grafana" / "dashboards"


def file_of(board: Board) -> Path:
    """Where a board is kept."""
    return FOLDER / f"{board.uid}.json"


if __name__ == "__main__":
    for each in BOARDS:
        file_of(each).write_text(to_json(each))
